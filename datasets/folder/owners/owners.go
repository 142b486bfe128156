// Package owners reads who owns which address, from lists of devices of every
// make, and finds the owners of packets. Parse reads, New and Of find.
package owners

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/folder/events"
	"veilbench/datasets/labels"
)

// Address is a hardware or an IP Address; of the two only one is set. A short one is
// of 802.15.4: it stands at the end of MAC, for a station of any network.
type Address struct {
	MAC   datasets.MAC
	IP    netip.Addr
	Short bool
}

// String is the usual spelling.
func (a Address) String() string {
	switch {
	case a.IP.IsValid():
		return a.IP.String()
	case a.Short:
		return fmt.Sprintf("0x%02x%02x", a.MAC[4], a.MAC[5])
	}
	return a.MAC.String()
}

// Owned says that an Address was a device's, at all times or, as with DHCP, from
// one time up to another. The times are nanoseconds since 1970.
type Owned struct {
	Addr        Address
	Device      string
	From, Until int64
	Line        int
}

// serialRE are digits that lists have beside addresses: times since 1970, serial
// numbers.
var serialRE = regexp.MustCompile(`^\d{16}$`)

// ParseAddress reads an Address in any usual spelling; bytes need not be padded, and
// signs of quoting around it do not matter.
func ParseAddress(s string) (Address, bool) {
	s = strings.Trim(strings.TrimSpace(s), "\"'()[]`")
	mac, ip, short, err := labels.ParseAddress(s)
	none := mac == (datasets.MAC{}) && !ip.IsValid() // all zeros are nobody's
	return Address{mac, ip, short}, err == nil && !none && !serialRE.MatchString(s)
}

// Parse reads a list of devices: a table of owners with times if its columns say
// so, leases of a DHCP server, or lines of names and addresses. It reports false if
// the text is none of these. zone is that of times that name none, nil to refuse
// them; name stands in messages.
func Parse(name, text string, zone *time.Location) (list []Owned, ok bool, err error) {
	if list, ok, err := parseBounded(name, text, zone); ok || err != nil {
		return list, ok, err
	}
	if s := strings.TrimSpace(text); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		if list, ok = parseJSON(text); ok {
			return list, ok, nil
		}
	}
	list, ok = parseDevices(text)
	return list, ok, nil
}

// arpRE is a line of arp -a: a name or ?, an IP and a hardware address.
var arpRE = regexp.MustCompile(`^(\S+) \(([0-9.]+)\) at ([0-9A-Fa-f:]+) `)

// cellsOf splits a line into columns: at tabs, semicolons, commas or two blanks,
// or, where there are none of these, at every blank.
func cellsOf(line string) (columns []string, words bool) {
	split := func(sep func(rune) bool) []string {
		var out []string
		for _, c := range strings.FieldsFunc(line, sep) {
			if c = strings.TrimSpace(c); c != "" {
				out = append(out, c)
			}
		}
		return out
	}

	// A table in Markdown, and what arp -a prints.
	if strings.HasPrefix(line, "|") {
		return split(func(r rune) bool { return r == '|' }), false
	}
	if m := arpRE.FindStringSubmatch(line); m != nil {
		return m[1:], false
	}

	// A name in quotes may hold the separator.
	if strings.ContainsAny(line, "\t;,") {
		for _, sep := range []string{",", ";", "\t"} {
			if row, quoted := cellsAt(line, sep); quoted && len(row) > 1 {
				return row, false
			}
		}
		return split(func(r rune) bool { return r == '\t' || r == ';' || r == ',' }), false
	}
	if strings.Contains(line, "  ") {
		line = strings.ReplaceAll(line, "  ", "\t")
		return split(func(r rune) bool { return r == '\t' }), false
	}
	return split(func(r rune) bool { return r == ' ' || r == '=' }), true
}

// parseDevices reads a list of devices: on each line a name and any number of
// addresses, in any order and with any columns between. Lines without an
// Address, as headers are, are passed over. It reports false if the text is no
// such list: fewer than half of its lines have an Address and a name.
func parseDevices(text string) ([]Owned, bool) {
	if strings.Contains(text, "hardware ethernet") {
		return parseLeases(text)
	}
	var out []Owned
	lines, good := 0, 0
	named, network, parts := -1, -1, ","
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		columns, words := cellsOf(line)
		if lines == 1 {
			named, parts = column(line, "device", "device_name", "name", "label_name", "hostname", "host", "description")
			network, _ = column(line, "pan", "pan_id", "panid", "network")
		}
		var name []string
		cells, quoted := cellsAt(line, parts)
		if named >= 0 && lines > 1 && named < len(cells) && isName(cells[named]) {
			name, words = []string{strings.TrimSpace(cells[named])}, false
		}
		var found []Owned
		for _, c := range columns {
			if network >= 0 && network < len(cells) && c == strings.TrimSpace(cells[network]) {
				continue // no station's address
			}

			// A prefix of one address is that; any other is nobody's alone.
			if p, err := netip.ParsePrefix(strings.TrimSpace(c)); err == nil {
				if c = ""; p.IsSingleIP() {
					c = p.Addr().String()
				}
			}

			// One column may hold several addresses: "aa:.. / bb:..".
			any := false
			for _, w := range strings.FieldsFunc(c, func(r rune) bool { return r == ' ' || r == '/' || r == '|' }) {
				if a, ok := ParseAddress(w); ok {
					found, any = append(found, Owned{Addr: a, Line: i + 1}), true
				}
			}
			if !any && isName(c) && (words || len(name) == 0) {
				name = append(name, c)
			}
		}
		if len(name) == 0 || len(found) == 0 {
			continue
		}

		// Signs of quoting around a name are its own where quoting was undone.
		good++
		device := strings.Join(name, " ")
		if !quoted {
			device = strings.Trim(device, `"':`)
		}
		for _, o := range found {
			o.Device = labels.DeviceName(device)
			out = append(out, o)
		}
	}
	return out, good > 0 && 2*good >= lines-1
}

// cellsAt splits a line of a table whose columns are counted, and says whether a
// name in it may hold what parts columns, because it stands in quotes.
func cellsAt(line, parts string) (cells []string, quoted bool) {
	if strings.ContainsRune(line, '"') {
		r := csv.NewReader(strings.NewReader(line))
		r.Comma, r.TrimLeadingSpace = rune(parts[0]), true
		if row, err := r.Read(); err == nil {
			return row, true
		}
	}
	return strings.Split(line, parts), false
}

// column is the number of the column of a table that its first line calls by one of
// the names, the best first, and what parts columns; -1 if no column is called so.
// Tabs in varying number part no columns that could be counted.
func column(line string, names ...string) (column int, sep string) {
	sep = ","
	if strings.Contains(line, ";") {
		sep = ";"
	}
	cells := strings.Split(strings.ToLower(line), sep)
	for _, want := range names {
		for i, c := range cells {
			if strings.Trim(c, ` "`) == want && len(cells) > 1 {
				return i, sep
			}
		}
	}
	return -1, sep
}

// isName says whether a column can name a device: not a bare number, such as the
// end of a lease, a sign for "unknown" or a client's ID of seven bytes.
func isName(c string) bool {
	if _, err := strconv.ParseFloat(c, 64); err == nil || strings.Contains(c, ".pcap") || strings.Count(c, ":") >= 6 {
		return false
	}
	return strings.ContainsFunc(c, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127 })
}

var (
	leaseRE    = regexp.MustCompile(`(?s)lease\s+(\S+)\s*\{(.*?)\}`)
	leaseTime  = regexp.MustCompile(`(starts|ends)\s+\d\s+(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)`)
	leaseMAC   = regexp.MustCompile(`hardware ethernet\s+([0-9A-Fa-f:]+)`)
	leaseNamed = regexp.MustCompile(`client-hostname\s+"([^"]+)"`)
)

// parseLeases reads the leases of ISC dhcpd: who had which IP Address from when
// to when. Their times are UTC.
func parseLeases(text string) ([]Owned, bool) {
	var out []Owned

	// A lease without a name is nobody's that could be told.
	for _, m := range leaseRE.FindAllStringSubmatchIndex(text, -1) {
		body := text[m[4]:m[5]]
		named, mac := leaseNamed.FindStringSubmatch(body), leaseMAC.FindStringSubmatch(body)
		ip, ok := ParseAddress(text[m[2]:m[3]])
		if named == nil || mac == nil || !ok {
			continue
		}
		o := Owned{Addr: ip, Device: labels.DeviceName(named[1]), Line: 1 + strings.Count(text[:m[0]], "\n")}
		for _, t := range leaseTime.FindAllStringSubmatch(body, -1) {
			at, err := time.Parse("2006/01/02 15:04:05", t[2])
			switch {
			case err != nil:
			case t[1] == "starts":
				o.From = at.UnixNano()
			default:
				o.Until = at.UnixNano()
			}
		}
		hw := Owned{Device: o.Device, Line: o.Line}
		if hw.Addr, ok = ParseAddress(mac[1]); ok {
			out = append(out, hw)
		}
		out = append(out, o)
	}
	return out, len(out) > 0
}

// boundedHeader says whether a CSV file gives Finder with times, and where its
// columns are: Address, device, from, until.
func boundedHeader(row []string) (at [4]int, ok bool) {
	at = [4]int{-1, -1, -1, -1}
	kinds := [][]string{
		labels.Names("mac", "ip", "ip6"),
		append(labels.Names("device"), "host"),
		append(labels.Names("from"), "starts", "lease_start"),
		append(labels.Names("to"), "ends", "lease_end", "valid_until"),
	}
	for i, c := range row {
		c = strings.Join(strings.FieldsFunc(strings.ToLower(c), func(r rune) bool { return strings.ContainsRune(` _-."`, r) }), "_")
		for k, names := range kinds {
			if at[k] < 0 && slices.Contains(names, c) {
				at[k] = i
			}
		}
	}
	return at, at[0] >= 0 && at[1] >= 0 && (at[2] >= 0 || at[3] >= 0) && at[0] != at[1]
}

// parseBounded reads a table of Finder with times. It reports false if the text
// is none.
func parseBounded(name, text string, zone *time.Location) ([]Owned, bool, error) {
	rows, lines, err := events.ReadRows(text)
	if err != nil || len(rows) < 2 {
		return nil, false, nil // some other file
	}
	at, ok := boundedHeader(rows[0])
	if !ok {
		return nil, false, nil
	}

	if stated, err := labels.StatedZone(name, text); err != nil {
		return nil, true, err
	} else if zone == nil {
		zone = stated
	}

	var out []Owned
	for i, row := range rows[1:] {
		cell := func(k int) string {
			if at[k] < 0 || at[k] >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[at[k]])
		}
		o := Owned{Device: labels.DeviceName(cell(1)), Line: lines[i+1]}
		if o.Addr, ok = ParseAddress(cell(0)); !ok {
			if i == 0 {
				return nil, false, nil // a table of events, say
			}
			return nil, true, fmt.Errorf("%s:%d: %q is neither a hardware nor an IP Address", name, o.Line, cell(0))
		}
		for k, to := range map[int]*int64{2: &o.From, 3: &o.Until} {
			if cell(k) == "" {
				continue
			}
			t, zoned, ok := events.ParseTime(cell(k))
			switch {
			case !ok:
				return nil, true, fmt.Errorf("%s:%d: time %q; want seconds since 1970 or a date with a time", name, o.Line, cell(k))
			case !zoned && zone == nil:
				return nil, true, fmt.Errorf("%s:%d: time %q names no zone, and none is stated (labels: {zone: Europe/Berlin} in dataset.yaml, or --label-zone)", name, o.Line, cell(k))
			case !zoned:
				t = events.InZone(t, zone)
			}
			*to = t.UnixNano()
		}
		out = append(out, o)
	}
	return out, true, nil
}

// Finder finds whose packets a trace's are, by the rules of package labels. A
// hardware Address is better evidence than an IP Address, which another may have by
// now, unless several devices share it, as behind a repeater: where the two name
// different devices the IP Address counts if its device has no hardware Address of
// its own. The home side is better than the other side of a flow inside the home.
// Used is told which lines some packet has.
type Finder struct {
	by    map[Address][]Owned
	wired map[string]bool // devices with a hardware Address
	index map[string]int32
	Used  map[Owned]bool
}

// New sorts a list by Address.
func New(list []Owned, devices []string) *Finder {
	o := &Finder{by: map[Address][]Owned{}, wired: map[string]bool{}, index: map[string]int32{}, Used: map[Owned]bool{}}
	for i, d := range devices {
		o.index[d] = int32(i)
	}
	for _, x := range list {
		o.by[x.Addr] = append(o.by[x.Addr], x)
		o.wired[x.Device] = o.wired[x.Device] || !x.Addr.IP.IsValid()
	}
	return o
}

// claims are the lines that may say whose a flow is.
type claims struct{ mac, ip, remote []Owned }

// of collects them for a flow.
func (o *Finder) of(f datasets.Flow) (c claims) {
	if f.MAC != (datasets.MAC{}) {
		if c.mac = o.by[Address{MAC: f.MAC}]; len(c.mac) == 0 && f.MAC[0]|f.MAC[1] == 0 {
			c.mac = o.by[Address{MAC: datasets.MAC{4: f.MAC[4], 5: f.MAC[5]}, Short: true}]
		}
	}
	c.ip = o.by[Address{IP: f.Local.Addr().Unmap()}]
	if f.LAN {
		c.remote = o.by[Address{IP: f.Remote.Addr().Unmap()}]
	}
	return c
}

// bounded says whether the time matters.
func (c claims) bounded() bool {
	is := func(x Owned) bool { return x.From != 0 || x.Until != 0 }
	return slices.ContainsFunc(c.mac, is) || slices.ContainsFunc(c.ip, is) || slices.ContainsFunc(c.remote, is)
}

// at is the first line that holds at a time.
func at(list []Owned, now int64) (Owned, bool) {
	for _, x := range list {
		if now >= x.From && (x.Until == 0 || now < x.Until) {
			return x, true
		}
	}
	return Owned{}, false
}

// owner is the device that the lines name at a time, -1 if none.
func (o *Finder) owner(c claims, now int64) int32 {
	mac, byMAC := at(c.mac, now)
	ip, byIP := at(c.ip, now)
	switch {
	case byMAC && (!byIP || ip.Device == mac.Device || o.wired[ip.Device]):
		o.Used[mac] = true
		if byIP && ip.Device == mac.Device { // a device listed with both of its addresses uses both
			o.Used[ip] = true
		}
		return o.index[mac.Device]
	case byIP:
		o.Used[ip] = true
		return o.index[ip.Device]
	}
	if x, ok := at(c.remote, now); ok {
		o.Used[x] = true
		return o.index[x.Device]
	}
	return -1
}

// Of returns the owner of every packet.
func (o *Finder) Of(t datasets.Trace) []int32 {
	// Nearly all flows have one owner for good, found once.
	start := t.Start.UnixNano()
	flows, owner, bounded := make([]claims, len(t.Flows)), make([]int32, len(t.Flows)), make([]bool, len(t.Flows))
	for i, f := range t.Flows {
		flows[i] = o.of(f)
		if bounded[i] = flows[i].bounded(); !bounded[i] {
			owner[i] = o.owner(flows[i], 0)
		}
	}

	out := make([]int32, len(t.Packets))
	for i, p := range t.Packets {
		if out[i] = owner[p.Flow]; bounded[p.Flow] {
			out[i] = o.owner(flows[p.Flow], start+int64(p.Time))
		}
	}
	return out
}

// Conflicts lists addresses that belong to two devices at one time.
func Conflicts(list []Owned) []string {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Owned) int {
		return cmp.Or(cmp.Compare(a.Addr.String(), b.Addr.String()), cmp.Compare(a.From, b.From))
	})
	var out []string
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.Addr == b.Addr && a.Device != b.Device && (a.Until == 0 || b.From < a.Until) {
			out = append(out, fmt.Sprintf("%s belongs to %s and to %s", a.Addr, a.Device, b.Device))
		}
	}
	return out
}
