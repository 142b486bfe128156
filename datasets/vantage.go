package datasets

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/datasets/params"
)

// Vantage is where an observer sits.
type Vantage string

// The vantage points, from inside to outside.
const (
	LAN  Vantage = "lan"
	WiFi Vantage = "wifi"
	WAN  Vantage = "wan"
)

// WiFiOffset is what View adds to Packet.Size at the wifi vantage: the length
// of a protected 802.11 QoS data frame without its check sequence (26 of MAC
// header, 8 of CCMP header, 8 of LLC and SNAP, the IP packet, 8 of MIC) less
// that of the Ethernet frame (14 and the IP packet).
const WiFiOffset = 26 + 8 + 8 + 8 - EthernetHeader

// The router's address translation, as common consumer routers do it.
const (
	naptUDPIdle  = 180 * time.Second
	naptPreserve = 0.7 // share of routers that keep a port when it is free
	naptLowest   = 1024
)

// Vantages lists the vantage points from inside to outside.
func Vantages() []Vantage { return []Vantage{LAN, WiFi, WAN} }

// ParseVantage reads a vantage point's name.
func ParseVantage(name string) (Vantage, error) {
	var names []string
	for _, v := range Vantages() {
		if names = append(names, string(v)); string(v) == name {
			return v, nil
		}
	}
	return "", fmt.Errorf("unknown vantage %q%s (there are lan, wifi, wan)", name, params.DidYouMean(name, names))
}

// Inside says whether the observer sits in front of the gateway, where a
// gateway's defense and address translation protect nothing.
func (v Vantage) Inside() bool { return v != WAN }

// Sees says whether an observer at v can be shown from a capture made at
// recorded: nobody can be nearer to the devices than the capture was.
func (v Vantage) Sees(recorded Vantage) bool {
	return slices.Index(Vantages(), v) >= slices.Index(Vantages(), recorded)
}

// View returns what an observer at v sees of t, and for each packet that is
// left its index in t. t is not modified; the slices returned are new. Flows
// are rebuilt from the packets left, in order of appearance, so nothing of
// other traffic passes. The view of a prefix of t is a prefix of the view.
//
//   - lan: everything.
//   - wifi: protected data frames. Of a flow only the device's hardware
//     address and whether it stays at home (from the peer's hardware address)
//     are left; Size grows by WiFiOffset; Payload is the whole IP packet, as
//     nobody can see where its headers end. Control and management frames are
//     in no trace, so there are none here either.
//   - wan: flows that stay at home and frames that are not IP are gone, so are
//     hardware addresses. IPv4 goes through NAPT: one public address, and a
//     port that no other flow to the same remote has. Seven of ten routers
//     keep the port when it is free, the others draw one; rng decides which
//     router this is. A UDP flow idle for more than 180 s gets another port
//     and so shows up as another flow.
//     IPv6 is not translated: routers do not, so the local address stays.
//     Flows that show no hardware address and no private address were
//     captured outside already and stay as they are. Host stays: names are
//     seen outside unless something hides them.
//
// An unknown vantage is seen as lan.
func (v Vantage) View(rng *rand.Rand, t Trace) (Trace, []int32) {
	switch v {
	case WiFi:
		return viewWiFi(t)
	case WAN:
		return viewWAN(rng, t)
	}
	return viewLAN(t)
}

// Keep returns the labels of the packets in kept, indexes into the packets
// that l was made for. Devices, events and commands stay: they happened
// whether or not they can be seen. l is not modified.
func (l Labels) Keep(kept []int32) Labels {
	l.Owners = pick(l.Owners, kept)
	l.Cause = pick(l.Cause, kept)
	return l
}

func pick(from, at []int32) []int32 {
	if from == nil {
		return nil
	}
	out := make([]int32, len(at))
	for j, i := range at {
		out[j] = from[i]
	}
	return out
}

// viewer builds a view packet by packet.
type viewer struct {
	out  Trace
	kept []int32
	flow []int32 // flow of the view for each flow of the original, -1 if none yet
}

func newViewer(t Trace) *viewer {
	w := &viewer{
		out:  Trace{Start: t.Start, End: t.End, Packets: make([]Packet, 0, len(t.Packets))},
		kept: make([]int32, 0, len(t.Packets)),
		flow: make([]int32, len(t.Flows)),
	}
	for i := range w.flow {
		w.flow[i] = -1
	}
	return w
}

func (w *viewer) add(i int, p Packet) {
	p.Flow = w.flow[p.Flow]
	w.out.Packets = append(w.out.Packets, p)
	w.kept = append(w.kept, int32(i))
}

// newFlow makes f the view of flow orig from now on.
func (w *viewer) newFlow(orig int32, f Flow) {
	w.flow[orig] = int32(len(w.out.Flows))
	w.out.Flows = append(w.out.Flows, f)
}

func viewLAN(t Trace) (Trace, []int32) {
	w := newViewer(t)
	for i, p := range t.Packets {
		if w.flow[p.Flow] < 0 {
			w.newFlow(p.Flow, t.Flows[p.Flow])
		}
		w.add(i, p)
	}
	return w.out, w.kept
}

func viewWiFi(t Trace) (Trace, []int32) {
	w := newViewer(t)
	seen := map[Flow]int32{}
	for i, p := range t.Packets {
		if w.flow[p.Flow] < 0 {
			f := Flow{Link: t.Flows[p.Flow].Link, LAN: t.Flows[p.Flow].LAN}
			if g, ok := seen[f]; ok {
				w.flow[p.Flow] = g
			} else {
				w.newFlow(p.Flow, f)
				seen[f] = w.flow[p.Flow]
			}
		}
		p.Payload = max(p.Size-EthernetHeader, 0)
		p.Size += WiFiOffset
		w.add(i, p)
	}
	return w.out, w.kept
}

// napt is a router's translation table.
type napt struct {
	rng      *rand.Rand
	preserve bool
	public   netip.Addr
	taken    map[binding]bool
}

// binding is a port in use towards one remote; the same port may serve
// another.
type binding struct {
	proto  uint8
	port   uint16
	remote netip.AddrPort
}

func viewWAN(rng *rand.Rand, t Trace) (Trace, []int32) {
	w := newViewer(t)
	n := napt{
		rng:      rng,
		preserve: rng.Float64() < naptPreserve,
		public:   netip.AddrFrom4([4]byte{203, 0, 113, 1}), // TEST-NET-3
		taken:    map[binding]bool{},
	}
	last := make([]time.Duration, len(t.Flows))
	for i, p := range t.Packets {
		f := t.Flows[p.Flow]
		if f.LAN || f.Proto == 0 && f.Link != (MAC{}) {
			continue
		}
		const udp = 17
		known := w.flow[p.Flow] >= 0
		switch {
		case !known:
			w.newFlow(p.Flow, n.translate(f, nil))
		case f.Proto == udp && p.Time-last[p.Flow] > naptUDPIdle && translated(f):
			w.newFlow(p.Flow, n.translate(f, &w.out.Flows[w.flow[p.Flow]]))
		}
		last[p.Flow] = p.Time
		w.add(i, p)
	}
	return w.out, w.kept
}

// translated says whether NAPT changes the port of f.
func translated(f Flow) bool {
	local := f.Local.Addr().Unmap()
	return local.Is4() && f.Local.Port() != 0 && (f.Link != MAC{} || local.IsPrivate())
}

// translate returns f as seen outside. old is the flow's expired view, nil for
// a flow that had none: its port is given back and not given again at once.
func (n *napt) translate(f Flow, old *Flow) Flow {
	link := f.Link
	f.Link = MAC{}
	local := f.Local.Addr().Unmap()
	if !local.Is4() || link == (MAC{}) && !local.IsPrivate() {
		return f
	}
	port := f.Local.Port()
	if port != 0 {
		port = n.port(binding{f.Proto, port, f.Remote}, old)
	}
	f.Local = netip.AddrPortFrom(n.public, port)
	return f
}

// port draws a free port for b, whose port is the one asked for.
func (n *napt) port(b binding, old *Flow) uint16 {
	if old != nil {
		delete(n.taken, binding{b.proto, old.Local.Port(), b.remote})
	}
	free := func() bool {
		return !n.taken[b] && (old == nil || b.port != old.Local.Port())
	}
	if !n.preserve || old != nil || !free() {
		// Only a flood of flows to one remote exhausts the range; then two
		// share a port.
		for range 1 << 16 {
			b.port = uint16(naptLowest + n.rng.IntN(1<<16-naptLowest))
			if free() {
				break
			}
		}
	}
	n.taken[b] = true
	return b.port
}
