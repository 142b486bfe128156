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
)

// Address is a hardware or an IP Address; of the two only one is set.
type Address struct {
	MAC datasets.MAC
	IP  netip.Addr
}

// String is the usual spelling.
func (a Address) String() string {
	if a.IP.IsValid() {
		return a.IP.String()
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

// Spellings of hardware addresses: six groups of one or two digits, twelve
// digits, and Cisco's three groups of four.
var (
	macGroups = regexp.MustCompile(`^[0-9A-Fa-f]{1,2}([:-])[0-9A-Fa-f]{1,2}([:-][0-9A-Fa-f]{1,2}){4}$`)
	eui64     = regexp.MustCompile(`^[0-9A-Fa-f]{1,2}([:-][0-9A-Fa-f]{1,2}){7}$`)
	macPlain  = regexp.MustCompile(`^[0-9A-Fa-f]{12}$`)
	macThree  = regexp.MustCompile(`^[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}$`)
)

// ParseAddress reads an Address in any usual spelling; bytes need not be padded.
func ParseAddress(s string) (Address, bool) {
	s = strings.Trim(strings.TrimSpace(s), `"'()[]`)
	var groups []string
	switch {
	case macGroups.MatchString(s):
		groups = strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '-' })
	case macPlain.MatchString(s), macThree.MatchString(s):
		s = strings.ReplaceAll(s, ".", "")
		for i := 0; i < 12; i += 2 {
			groups = append(groups, s[i:i+2])
		}
	case eui64.MatchString(s):
		return Address{}, false // eight bytes, as radios have; netip takes them for IPv6
	default:
		ip, err := netip.ParseAddr(s)
		return Address{IP: ip.Unmap()}, err == nil
	}

	// A byte without padding, as in 6c:72:20:c5:a:3f, is as good as any.
	var a Address
	for i, g := range groups {
		n, err := strconv.ParseUint(g, 16, 8)
		if err != nil {
			return a, false
		}
		a.MAC[i] = byte(n)
	}
	return a, a.MAC != (datasets.MAC{})
}

// Parse reads a list of devices: a table of owners with times if its columns say
// so, leases of a DHCP server, or lines of names and addresses. It reports false if
// the text is none of these. zone is that of times that name none, nil to refuse
// them; name stands in messages.
func Parse(name, text string, zone *time.Location) (list []Owned, ok bool, err error) {
	if list, ok, err := parseBounded(name, text, zone); ok || err != nil {
		return list, ok, err
	}
	list, ok = parseDevices(text)
	return list, ok, nil
}

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

	// A name in quotes may hold the separator.
	if strings.ContainsAny(line, "\t;,") {
		if strings.ContainsRune(line, '"') {
			if row, err := csv.NewReader(strings.NewReader(line)).Read(); err == nil {
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
	named, parts := -1, ","
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		columns, words := cellsOf(line)
		if lines == 1 {
			named, parts = nameColumn(line)
		}
		var name []string
		if cells := strings.Split(line, parts); named >= 0 && lines > 1 && named < len(cells) && isName(cells[named]) {
			name, words = []string{strings.TrimSpace(cells[named])}, false
		}
		var found []Owned
		for _, c := range columns {
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

		// Names hold no "/": it parts device and activity in classes.
		good++
		for _, o := range found {
			o.Device = strings.ReplaceAll(strings.Trim(strings.Join(name, " "), `"':`), "/", "-")
			out = append(out, o)
		}
	}
	return out, good > 0 && 2*good >= lines-1
}

// nameColumn is the column of a table that its first line calls the device's name,
// and what parts columns; -1 if no column is called so. Tabs in varying number
// part no columns that could be counted.
func nameColumn(line string) (column int, sep string) {
	sep = ","
	if strings.Contains(line, ";") {
		sep = ";"
	}
	cells := strings.Split(strings.ToLower(line), sep)
	for _, want := range []string{"device", "device_name", "name", "label_name", "hostname", "host", "description"} {
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
		o := Owned{Addr: ip, Device: strings.ReplaceAll(named[1], "/", "-"), Line: 1 + strings.Count(text[:m[0]], "\n")}
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
		{"address", "ip", "mac", "ip_address", "mac_address"},
		{"device", "name", "host", "hostname", "device_name"},
		{"from", "start", "since", "starts", "lease_start", "valid_from"},
		{"until", "end", "to", "ends", "lease_end", "valid_until"},
	}
	for i, c := range row {
		c = strings.ToLower(strings.Trim(strings.TrimSpace(c), `"`))
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

	var out []Owned
	for i, row := range rows[1:] {
		cell := func(k int) string {
			if at[k] < 0 || at[k] >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[at[k]])
		}
		o := Owned{Device: strings.ReplaceAll(cell(1), "/", "-"), Line: lines[i+1]}
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

// Finder finds whose packets a trace's are. A hardware Address is better
// evidence than an IP Address, the home side better than the other side of a
// flow inside the home. used is told which lines some packet has.
type Finder struct {
	byMAC map[datasets.MAC][]Owned
	byIP  map[netip.Addr][]Owned
	index map[string]int32
	Used  map[Owned]bool
}

// New sorts a list by Address.
func New(list []Owned, devices []string) *Finder {
	o := &Finder{byMAC: map[datasets.MAC][]Owned{}, byIP: map[netip.Addr][]Owned{}, index: map[string]int32{}, Used: map[Owned]bool{}}
	for i, d := range devices {
		o.index[d] = int32(i)
	}
	for _, x := range list {
		if x.Addr.IP.IsValid() {
			o.byIP[x.Addr.IP] = append(o.byIP[x.Addr.IP], x)
		} else {
			o.byMAC[x.Addr.MAC] = append(o.byMAC[x.Addr.MAC], x)
		}
	}
	return o
}

// Of returns the owner of every packet.
func (o *Finder) Of(t datasets.Trace) []int32 {
	// Nearly all flows have one owner for good, found once.
	type candidates struct {
		list    []Owned
		bounded bool
	}
	flows := make([]candidates, len(t.Flows))
	for i, f := range t.Flows {
		list := o.byMAC[f.MAC]
		if f.MAC == (datasets.MAC{}) || len(list) == 0 {
			if list = o.byIP[f.Local.Addr().Unmap()]; len(list) == 0 && f.LAN {
				list = o.byIP[f.Remote.Addr().Unmap()]
			}
		} else if also := o.byIP[f.Local.Addr().Unmap()]; len(also) > 0 {
			// A device that is listed with both of its addresses uses both here.
			for _, x := range also {
				if x.Device == list[0].Device && x.From == 0 && x.Until == 0 {
					o.Used[x] = true
				}
			}
		}
		bounded := slices.ContainsFunc(list, func(x Owned) bool { return x.From != 0 || x.Until != 0 })
		flows[i] = candidates{list, bounded}
	}

	out := make([]int32, len(t.Packets))
	start := t.Start.UnixNano()
	for i, p := range t.Packets {
		c := &flows[p.Flow]
		out[i] = -1
		for _, x := range c.list {
			at := start + int64(p.Time)
			if c.bounded && (at < x.From || x.Until != 0 && at >= x.Until) {
				continue
			}
			out[i] = o.index[x.Device]
			o.Used[x] = true
			break
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
