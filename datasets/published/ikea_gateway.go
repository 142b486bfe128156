package published

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/catalog"
)

// ikeaGateway is flow records of commands to an IKEA gateway.
func ikeaGateway() Source {
	return Source{
		Entry: catalog.Entry{
			Name:   "ikea-gateway",
			Title:  "payload sizes of commands to an IKEA gateway, by kind of action",
			Source: "https://github.com/CESNET/NEMEA-SIoT/tree/78a6af6c236c29b46480ebef5eddd20b7477979f/datasets/data-sets/ikea-app",
			Terms:  "BSD 3-Clause (copyright 2018 CESNET); keep its notice with copies",
			Tasks:  []datasets.Task{datasets.TaskCommand},
			Note:   "flow records without moments or numbers of commands; commands go from a phone to the gateway, inside the home",
			From:   github("CESNET/NEMEA-SIoT", "78a6af6c236c29b46480ebef5eddd20b7477979f"),
		},
		cited: "NEMEA-SIoT, github.com/CESNET/NEMEA-SIoT commit 78a6af6c, datasets/data-sets/ikea-app",
		loaders: []loader{
			{"ikea-gateway", one(readIKEAGateway)},
			{"ikea-gateway-sums", one(readIKEASums)},
		},
	}
}

const (
	ikeaAddress = "192.168.3.213"
	ikeaPort    = 5684 // CoAP over DTLS
)

// ikeaFolders are the kinds of action, as the publishers sorted their files.
func ikeaFolders() []string {
	return []string{"app-init", "brightness-color", "general-traffic", "on-off"}
}

// readIKEAGateway reads the flow records of an IKEA gateway driven by a phone:
// path is the folder with app-init, brightness-color, general-traffic and
// on-off, each with files of one JSON object per line as the flow meter Joy
// writes them. Each file is one recording and its own group.
//
// The set stands in for the commands that a gateway gets from its cloud: Local
// is the gateway, Down is towards it, and the commands' flows (CoAP over DTLS)
// are shown to an observer outside as well, although phone and gateway were in
// one home; a warning says so. All other flows between private addresses are
// marked as staying at home. Only packets with payload are listed, at most 100
// to a record; their gaps are whole milliseconds, below 0 where Joy met packets
// out of order (they are sorted by time).
//
// Moments and numbers of commands were not published. In files whose names
// state one kind of action, each request of a size known to belong to commands
// counts as one command of that kind: the kind is the publishers' word, the
// moment is read off the traffic (a warning says so). The other files hold
// commands too, of unknown kind, so they have no labels and no split of the
// command task uses them.
func readIKEAGateway(ctx context.Context, path string) (datasets.Dataset, error) {
	ds := datasets.Dataset{
		Recorded: datasets.LAN,
		Tasks:    []datasets.Task{datasets.TaskCommand},
		Split:    "group-kfold:k=5",
	}

	cut := 0
	for _, folder := range ikeaFolders() {
		names, err := glob(path, folder, "*.json")
		if err != nil {
			return ds, err
		}
		for _, name := range names {
			rs, err := readText(ctx, name, parseJoy)
			if err != nil {
				return ds, err
			}

			// Joy counts all packets and lists the first 100 with payload.
			r := ikeaRecording(folder, strings.TrimSuffix(filepath.Base(name), ".json"), rs)
			for _, x := range rs {
				if len(x.Packets) < x.Out+x.In {
					cut++
				}
			}
			ds.Recordings = append(ds.Recordings, r)
		}
	}

	if len(ds.Recordings) == 0 {
		return ds, fmt.Errorf("%s: no flow records (want folders %s with *.json)", path, strings.Join(ikeaFolders(), ", "))
	}

	ds.Warnings = []string{
		"commands went from a phone to a gateway in the same home; they stand in for commands from a cloud",
		"the moments of commands were read off request sizes; only their kind is the publishers' word",
	}
	if cut > 0 {
		ds.Warnings = append(ds.Warnings, fmt.Sprintf("%d flow records list fewer packets than they count", cut))
	}
	return ds, nil
}

// joyFlow is one flow record.
type joyFlow struct {
	SA        string      `json:"sa"`
	DA        string      `json:"da"`
	SP        uint16      `json:"sp"`
	DP        uint16      `json:"dp"`
	Proto     uint8       `json:"pr"`
	TimeStart json.Number `json:"time_start"`
	Out       int         `json:"num_pkts_out"`
	In        int         `json:"num_pkts_in"`
	Packets   []joyPacket `json:"packets"`

	src, dst netip.Addr
	start    time.Time
}

// joyPacket is a packet with payload: its bytes, "<" towards sa or ">" from
// it, and the gap to the one before in milliseconds.
type joyPacket struct {
	Bytes int    `json:"b"`
	Dir   string `json:"dir"`
	GapMS int64  `json:"ipt"`
}

// parseJoy reads flow records, one JSON object a line. Errors begin with the
// line.
func parseJoy(r io.Reader) ([]joyFlow, error) {
	var out []joyFlow
	sc := newLines(r)
	for sc.Scan() {
		if strings.TrimSpace(sc.Text()) == "" {
			continue
		}
		var f joyFlow
		if err := json.Unmarshal(sc.Bytes(), &f); err != nil {
			return nil, sc.fail(fmt.Errorf("no flow record: %w", err))
		}
		if err := f.check(); err != nil {
			return nil, sc.fail(err)
		}
		out = append(out, f)
	}
	if sc.n == 0 && sc.Err() == nil {
		return nil, fmt.Errorf("1: empty, want one JSON flow record per line")
	}
	return out, sc.Err()
}

// check reads what is text in the record and refuses what no packet can be.
func (f *joyFlow) check() (err error) {
	if f.src, err = netip.ParseAddr(f.SA); err != nil {
		return fmt.Errorf("sa: %w", err)
	}
	if f.dst, err = netip.ParseAddr(f.DA); err != nil {
		return fmt.Errorf("da: %w", err)
	}
	if f.start, err = parseEpoch(f.TimeStart.String()); err != nil {
		return fmt.Errorf("time_start: %w", err)
	}

	// A gap is 32 bits without a sign, so what is outside of them is no gap; a
	// large one may stand for one below 0 (see ikeaRecording).
	for i, p := range f.Packets {
		switch {
		case p.Bytes < 0 || p.Bytes > 65535:
			return fmt.Errorf("packet %d: b is %d, want 0 to 65535", i, p.Bytes)
		case p.Dir != "<" && p.Dir != ">":
			return fmt.Errorf("packet %d: dir is %q, want < or >", i, quote(p.Dir))
		case p.GapMS < 0 || p.GapMS >= 1<<32:
			return fmt.Errorf("packet %d: ipt is %d, want milliseconds", i, p.GapMS)
		}
	}
	return nil
}

// flow returns the conversation seen from the gateway and whether sa is the
// home side of it.
func (f *joyFlow) flow() (datasets.Flow, bool) {
	// ICMP and IGMP have no ports, whatever the record says.
	local, remote := netip.AddrPortFrom(f.src, f.SP), netip.AddrPortFrom(f.dst, f.DP)
	if f.Proto == 1 || f.Proto == 2 {
		local, remote = netip.AddrPortFrom(f.src, 0), netip.AddrPortFrom(f.dst, 0)
	}

	// The gateway is the home side even where it was called.
	from := f.DA != ikeaAddress
	if !from {
		local, remote = remote, local
	}

	// The commands' flows pass for traffic of a cloud, as said above.
	out := remote.Addr()
	lan := out.IsPrivate() || out.IsMulticast() || out.IsLinkLocalUnicast()
	if f.Proto == 17 && local.Port() == ikeaPort {
		lan = false
	}
	return datasets.Flow{Proto: f.Proto, Local: local, Remote: remote, LAN: lan}, from
}

// packet returns packet p of a flow of protocol proto. Joy counts the bytes
// above UDP, TCP and ICMP; IGMP carries the router alert option.
func (p joyPacket) packet(proto uint8) datasets.Packet {
	header, payload := 20, p.Bytes
	switch proto {
	case 1:
		header, payload = 20, p.Bytes+8
	case 2:
		header = 24
	case 6:
		header = 40
	case 17:
		header = 28
	}
	return datasets.Packet{Size: int32(datasets.EthernetHeader + header + payload), Payload: int32(payload)}
}

// ikeaRecording makes a recording of the flow records of one file.
func ikeaRecording(folder, stem string, rs []joyFlow) datasets.Recording {
	r := datasets.Recording{ID: folder + "/" + stem, Group: folder + "/" + stem}
	r.Labels.Devices = []string{"gateway"}
	for _, f := range rs {
		if r.Trace.Start.IsZero() || f.start.Before(r.Trace.Start) {
			r.Trace.Start = f.start
		}
	}

	index := map[datasets.Flow]int32{}
	for _, f := range rs {
		flow, from := f.flow()
		n, ok := index[flow]
		if !ok {
			n = int32(len(r.Trace.Flows))
			index[flow] = n
			r.Trace.Flows = append(r.Trace.Flows, flow)
		}
		at := f.start.Sub(r.Trace.Start)

		for _, jp := range f.Packets {
			// Joy writes a gap below 0, of packets out of order, as 32 bits
			// without a sign.
			at = max(at+time.Duration(int32(uint32(jp.GapMS)))*time.Millisecond, 0)

			p := jp.packet(f.Proto)
			p.Time, p.Flow, p.Dir = at, n, datasets.Down
			if (jp.Dir == ">") == from {
				p.Dir = datasets.Up
			}
			r.Trace.Packets = append(r.Trace.Packets, p)
		}
	}

	slices.SortStableFunc(r.Trace.Packets, func(a, b datasets.Packet) int { return cmp.Compare(a.Time, b.Time) })
	r.Trace, _ = datasets.LAN.View(nil, r.Trace) // flows in order of appearance
	if n := len(r.Trace.Packets); n > 0 {
		r.Trace.End = roundUp(r.Trace.Packets[n-1].Time)
	}

	// Owner 0 throughout: the gateway is the only device.
	r.Labels.Owners = make([]int32, len(r.Trace.Packets))
	r.Labels.Commands = ikeaCommands(stem, r.Trace)
	return r
}

// ikeaCommands lists the requests in a file that holds one kind of action.
func ikeaCommands(stem string, t datasets.Trace) []datasets.Command {
	// "brightnes" is the publishers' spelling.
	action := ""
	switch {
	case strings.HasPrefix(stem, "turn-on-off"):
		action = "switch"
	case strings.HasPrefix(stem, "app-change-color"):
		action = "color"
	case strings.HasPrefix(stem, "brightnes"), strings.HasPrefix(stem, "change-light-strength"):
		action = "brightness"
	default:
		return nil
	}

	var out []datasets.Command
	for _, p := range t.Packets {
		f := t.Flows[p.Flow]
		if p.Dir == datasets.Down && f.Proto == 17 && f.Local.Port() == ikeaPort && ikeaRequest(p.Payload) {
			out = append(out, datasets.Command{Time: p.Time, Actions: []datasets.ActionCount{{Action: action, Count: 1}}})
		}
	}
	return out
}

// ikeaRequest says whether a datagram of n bytes carries a command.
func ikeaRequest(n int32) bool {
	return n == 71 || n == 75 || n == 78 || n >= 80 && n <= 82 || n >= 89 && n <= 91
}

// Bounds of the compound commands that are made of recorded requests.
const (
	ikeaSessions = 5
	ikeaEach     = 120 // in a session
	ikeaMost     = 8   // requests in one command
	ikeaApart    = 20 * time.Second
	ikeaUDP      = 28 // bytes of headers in a datagram
	ikeaSpread   = 2  // by which sizes of one kind may differ: a value has up to three digits
)

// readIKEASums makes compound commands of the recorded requests, which the set has
// one by one: the requests of files that hold one kind are dealt to five sessions,
// and a command is 1 to 8 requests of its session, drawn at random, as one message
// with the sum of their sizes. So the decomposition meets the sizes, and the
// ambiguities, of a real gateway whose every action it has tried before, as the
// paper has it; files of one action each are in ikea-gateway. An action is a kind
// with a size, such as color_78, for a value has up to three digits: that part of
// the name is read off the traffic. Files whose sizes differ by more hold another
// kind, too, and are left out.
func readIKEASums(ctx context.Context, path string) (datasets.Dataset, error) {
	ds, err := readIKEAGateway(ctx, path)
	if err != nil {
		return ds, err
	}

	// Sorted before they are dealt, so that each session gets some of most actions.
	var all []ikeaRequested
	var flow datasets.Flow
	for _, r := range ds.Recordings {
		if rs := ikeaRequests(r); len(rs) > 0 {
			all = append(all, rs...)
			flow = r.Trace.Flows[0]
		}
	}
	slices.SortStableFunc(all, func(a, b ikeaRequested) int { return strings.Compare(a.action, b.action) })
	pools := make([][]ikeaRequested, ikeaSessions)
	for i, x := range all {
		pools[i%ikeaSessions] = append(pools[i%ikeaSessions], x)
	}
	if len(all) == 0 {
		return ds, fmt.Errorf("%s: no file with requests of one kind", path)
	}
	flow.Proto, flow.LAN = 17, false // the commands', as said above

	start := ds.Recordings[0].Trace.Start
	ds.Recordings = nil
	for i, pool := range pools {
		if len(pool) > 0 {
			ds.Recordings = append(ds.Recordings, ikeaSession(i, pool, flow, start))
		}
	}
	ds.Warnings = append(ds.Warnings,
		"each command is some recorded requests, drawn at random, as one message with the sum of their sizes: the sizes are recorded, the messages are not",
		"actions are kinds with a size, of which the size was read off the traffic")
	return ds, nil
}

// ikeaRequested is one recorded request.
type ikeaRequested struct {
	action string
	bytes  int32
}

// ikeaRequests are the requests of a recording that holds one kind, none of one
// that holds several.
func ikeaRequests(r datasets.Recording) []ikeaRequested {
	var out []ikeaRequested
	lo, hi := int32(1<<30), int32(0)
	next := 0
	for _, c := range r.Labels.Commands {
		// A command is a request at its very time: it was read off it.
		for ; next < len(r.Trace.Packets) && r.Trace.Packets[next].Time <= c.Time; next++ {
			p := r.Trace.Packets[next]
			if p.Time == c.Time && p.Dir == datasets.Down && ikeaRequest(p.Payload) {
				lo, hi = min(lo, p.Payload), max(hi, p.Payload)
				out = append(out, ikeaRequested{fmt.Sprintf("%s_%d", c.Actions[0].Action, p.Payload), p.Payload})
				next++
				break
			}
		}
	}
	if hi-lo > ikeaSpread {
		return nil
	}
	return out
}

// ikeaSession is a recording of commands made of the requests in pool. The draws
// are fixed: the data are the same wherever they are read.
func ikeaSession(i int, pool []ikeaRequested, flow datasets.Flow, start time.Time) datasets.Recording {
	name := fmt.Sprintf("session-%d", i+1)
	out := datasets.Recording{ID: name, Group: name, Labels: datasets.Labels{Devices: []string{"gateway"}}}
	out.Trace.Start, out.Trace.Flows = start, []datasets.Flow{flow}
	rng := rand.New(rand.NewPCG(1, uint64(i)))

	// Not a steady 20 s: messages of one size at one distance would be copies of each
	// other in different sessions, which the leak probe rightly refuses.
	at := time.Duration(0)
	for range ikeaEach {
		at += ikeaApart + time.Duration(rng.IntN(10_000))*time.Millisecond
		sum, count := int32(0), map[string]int{}
		for range 1 + rng.IntN(ikeaMost) {
			x := pool[rng.IntN(len(pool))]
			sum += x.bytes
			count[x.action]++
		}

		// The order of actions in a command says nothing, so labels have them sorted.
		c := datasets.Command{Time: at}
		for _, a := range slices.Sorted(maps.Keys(count)) {
			c.Actions = append(c.Actions, datasets.ActionCount{Action: a, Count: count[a]})
		}
		out.Labels.Commands = append(out.Labels.Commands, c)
		out.Labels.Owners = append(out.Labels.Owners, 0)
		out.Trace.Packets = append(out.Trace.Packets, datasets.Packet{
			Time: c.Time, Size: datasets.EthernetHeader + ikeaUDP + sum, Payload: sum, Dir: datasets.Down,
		})
	}
	out.Trace.End = at + ikeaApart
	return out
}
