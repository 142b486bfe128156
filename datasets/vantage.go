package datasets

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"veilbench/datasets/params"
)

// Vantage is where an observer sits: one of the constants or, of one who sees the
// home at two places at once, two of them joined by "+", the inner one first.
type Vantage string

// The vantage points, from inside to outside; Zigbee stands apart: what is on
// that radio is on no other link.
const (
	LAN    Vantage = "lan"
	WiFi   Vantage = "wifi"
	WAN    Vantage = "wan"
	Zigbee Vantage = "zigbee"
)

// wifiOffset is what View adds to Packet.Size at the wifi vantage: the length
// of a protected 802.11 QoS data frame without its check sequence (26 of MAC
// header, 8 of CCMP header, 8 of LLC and SNAP, the IP packet, 8 of MIC) less
// that of the Ethernet frame (14 and the IP packet).
const wifiOffset = 26 + 8 + 8 + 8 - EthernetHeader

// Vantages lists the single vantage points from inside to outside, then that
// which stands apart.
func Vantages() []Vantage { return []Vantage{LAN, WiFi, WAN, Zigbee} }

// Places are the single vantage points of v, one or two, the inner one first.
func (v Vantage) Places() []Vantage {
	inner, outer, both := strings.Cut(string(v), pairSign)
	if !both {
		return []Vantage{v}
	}
	return []Vantage{Vantage(inner), Vantage(outer)}
}

// pairSign stands between the places of an observer who has two.
const pairSign = "+"

// ParsePlaces reads one vantage point or two joined by "+", in whatever order. Two
// that are the same, or that no recording shows both, are an error.
func ParsePlaces(text string) (Vantage, error) {
	var places []Vantage
	for name := range strings.SplitSeq(text, pairSign) {
		v, err := ParseVantage(name)
		if err != nil {
			return "", err
		}
		places = append(places, v)
	}
	if len(places) == 1 {
		return places[0], nil
	}

	// In one order only, or the same observer would have two names, and two cells.
	slices.SortFunc(places, func(a, b Vantage) int { return cmp.Compare(slices.Index(Vantages(), a), slices.Index(Vantages(), b)) })
	switch {
	case len(places) > 2:
		return "", fmt.Errorf("vantage %q: an observer sees a home at two places at most", text)
	case places[0] == places[1]:
		return "", fmt.Errorf("vantage %q: %s is one place, not two", text, places[0])
	case places[1] == Zigbee:
		return "", fmt.Errorf("vantage %q: what is recorded at zigbee is on no other link, so nobody sees both", text)
	}
	return places[0] + pairSign + places[1], nil
}

// ParseVantage reads a single vantage point's name; the error for another name
// lists them.
func ParseVantage(name string) (Vantage, error) {
	var names []string
	for _, v := range Vantages() {
		if names = append(names, string(v)); string(v) == name {
			return v, nil
		}
	}
	return "", fmt.Errorf("unknown vantage %q%s (there are %s)", name, params.DidYouMean(name, names), strings.Join(names, ", "))
}

// Sees says whether an observer at v can be shown from a capture made at
// recorded: nobody can be nearer to the devices than the capture was, at none of
// two places, and the radio of 802.15.4 and the other links show nothing of each
// other.
func (v Vantage) Sees(recorded Vantage) bool {
	v = v.Places()[0]
	if v == Zigbee || recorded == Zigbee {
		return v == recorded
	}
	return slices.Index(Vantages(), v) >= slices.Index(Vantages(), recorded)
}

// DefaultVantage is where an observer of d sits unless the user says so: outside
// of the home where the data has traffic that leaves one, and where it was
// recorded otherwise, as radio shows no border of a home.
func (d Dataset) DefaultVantage() Vantage {
	for i := range d.Recordings {
		for _, f := range d.Recordings[i].Trace.Flows {
			if leavesHome(f) {
				return WAN
			}
		}
	}
	return d.Recorded
}

// leavesHome says whether a router forwards a flow: IP, and to another network.
// Without a hardware address nothing says that a frame is not IP, only that its
// protocol is unknown, as in data sets that have sizes alone.
func leavesHome(f Flow) bool { return !f.LAN && (f.Proto != 0 || f.MAC == MAC{}) }

// View returns what an observer at v sees of t, and for each packet that is
// left its index in t. t is not modified; the slices returned are new. Flows
// are rebuilt from the packets left, in order of appearance, so nothing of
// other traffic passes. The view of a prefix of t is a prefix of the view.
//
//   - lan: everything.
//   - wifi: protected data frames. Of a flow only the device's hardware
//     address and whether it stays at home (from the peer's hardware address)
//     are left; Size grows by 36 bytes; Payload is the whole IP packet, as
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
//   - zigbee: the frames of IEEE 802.15.4, with both hardware addresses and
//     their length. Nothing else is on that radio.
//
// Of two places this is the inner one, which hides no packet that the outer one
// shows. An unknown vantage is seen as lan.
func (v Vantage) View(rng *rand.Rand, t Trace) (Trace, []int32) {
	switch v.Places()[0] {
	case WiFi:
		return viewWiFi(t)
	case WAN:
		return viewWAN(rng, t)
	case Zigbee:
		return viewZigbee(t)
	}
	return viewLAN(t)
}

// Shows says whether View keeps the packets of f: all at lan and wifi, those that a
// router forwards at wan, those of that radio at zigbee.
func (v Vantage) Shows(f Flow) bool {
	switch v.Places()[0] {
	case WAN:
		return leavesHome(f)
	case Zigbee:
		return f.Radio()
	}
	return true
}

// Keep returns the labels of the packets in kept, indexes into the packets
// that l was made for. Devices, events and commands stay: they happened
// whether or not they can be seen. l is not modified.
func (l Labels) Keep(kept []int32) Labels {
	l.Owners = pick(l.Owners, kept)
	l.Cause = pick(l.Cause, kept)
	return l
}

// pick returns the elements of from at the indexes at; what is unknown stays so.
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
	kept []int32 // index in the original of each packet of out
	flow []int32 // flow of the view for each flow of the original, -1 if none yet
}

// newViewer begins an empty view of t, with room for all of its packets.
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

// add keeps packet i of the original as p, which has its original flow still.
func (w *viewer) add(i int, p Packet) {
	w.out.Packets = append(w.out.Packets, p)
	w.out.Packets[len(w.out.Packets)-1].Flow = w.flow[p.Flow]
	w.kept = append(w.kept, int32(i))
}

// newFlow makes f the view of flow orig from now on.
func (w *viewer) newFlow(orig int32, f Flow) {
	w.flow[orig] = int32(len(w.out.Flows))
	w.out.Flows = append(w.out.Flows, f)
}

// viewLAN drops the flows without packets and puts the others in order.
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

// viewZigbee keeps the frames of 802.15.4 as they are.
func viewZigbee(t Trace) (Trace, []int32) {
	w := newViewer(t)
	for i, p := range t.Packets {
		f := t.Flows[p.Flow]
		if !f.Radio() {
			continue
		}
		if w.flow[p.Flow] < 0 {
			w.newFlow(p.Flow, f)
		}
		w.add(i, p)
	}
	return w.out, w.kept
}

// viewWiFi melts the flows of a device into one, or two: at home and beyond.
func viewWiFi(t Trace) (Trace, []int32) {
	w := newViewer(t)
	seen := map[Flow]int32{}
	for i, p := range t.Packets {
		// The first packet of a flow finds out which flow of the view it is.
		if w.flow[p.Flow] < 0 {
			f := Flow{MAC: t.Flows[p.Flow].MAC, LAN: t.Flows[p.Flow].LAN}
			if g, ok := seen[f]; ok {
				w.flow[p.Flow] = g
			} else {
				w.newFlow(p.Flow, f)
				seen[f] = w.flow[p.Flow]
			}
		}

		p.Payload = max(p.Size-EthernetHeader, 0)
		p.Size += wifiOffset
		w.add(i, p)
	}
	return w.out, w.kept
}
