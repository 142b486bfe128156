package defenses

import (
	"fmt"
	"slices"
	"time"

	"veilbench/datasets"
)

// maxEndSlack is how far the end may lie behind both the input's and the last
// packet that leaves. Whatever is counted by the day is divided by that time.
const maxEndSlack = time.Second

// checkWire proves that every packet of out could stand on a wire: its headers,
// Size - Payload, are long enough for the flow's family and protocol and not
// longer than they can be; a dummy's are those of some packet of its flow that
// carries an original, for else an observer could sort dummies out by them; and
// what is said to stay in the home stayed there before. The accounts of in and
// out fit already.
func checkWire(in datasets.Trace, out Defended) error {
	flows := out.Trace.Flows
	var dummies []int32
	for i, p := range out.Trace.Packets {
		var origs []int32
		if out.Carried != nil {
			origs, _ = out.Carried.Entries(i)
		} else {
			o := in.Packets[i]
			if p.Flow == o.Flow && p.Size-p.Payload == o.Size-o.Payload {
				continue // nearly all, so without a slice for each
			}
			origs = []int32{int32(i)}
		}

		if int(p.Flow) >= len(in.Flows) && !flows[p.Flow].Exposed() {
			if err := staysHome(in, i, p.Flow, origs); err != nil {
				return err
			}
		}
		if len(origs) == 0 {
			dummies = append(dummies, int32(i))
			continue
		}

		// A recording may hold headers that no rule here foresees, such as those
		// of fragments: what was recorded is possible.
		h := p.Size - p.Payload
		recorded := slices.ContainsFunc(origs, func(o int32) bool { return in.Packets[o].Size-in.Packets[o].Payload == h })
		if !recorded && !possible(flows[p.Flow], h) {
			return impossible(i, p, flows[p.Flow])
		}
	}
	if len(dummies) == 0 {
		return nil
	}
	return checkDummies(out, dummies)
}

// staysHome proves that packet i on a new flow that stays in the home carries
// only what stayed there before: an observer outside does not see that flow, and
// the line is free for it.
func staysHome(in datasets.Trace, i int, flow int32, origs []int32) error {
	for _, o := range origs {
		if f := in.Packets[o].Flow; in.Flows[f].Exposed() {
			return fmt.Errorf("packet %d on the new flow %d, which is said to stay in the home, carries original %d of flow %d, which leaves it", i, flow, o, f)
		}
	}
	if len(origs) == 0 {
		return fmt.Errorf("packet %d on the new flow %d, which is said to stay in the home, carries no original that does", i, flow)
	}
	return nil
}

// checkDummies holds the headers of packets without originals to those of the
// others on their flow. A flow of dummies alone, such as a made-up host's, has
// none to compare with: there they must be possible.
func checkDummies(out Defended, dummies []int32) error {
	packets, flows := out.Trace.Packets, out.Trace.Flows
	real := make([][]int32, len(flows)) // header lengths by flow, few of each, the last one seen in front
	for i, p := range packets {
		if out.Carried.First[i] == out.Carried.First[i+1] {
			continue
		}
		h, of := p.Size-p.Payload, real[p.Flow]
		switch k := slices.Index(of, h); {
		case k < 0:
			real[p.Flow] = append(of, h)
		case k > 0:
			of[0], of[k] = of[k], of[0]
		}
	}

	for _, i := range dummies {
		p := packets[i]
		h, of := p.Size-p.Payload, real[p.Flow]
		switch {
		case len(of) == 0 && !possible(flows[p.Flow], h):
			return impossible(int(i), p, flows[p.Flow])
		case len(of) > 0 && !slices.Contains(of, h):
			return fmt.Errorf("packet %d is a dummy with %d bytes of headers, which no packet of flow %d with an original has", i, h, p.Flow)
		}
	}
	return nil
}

// possible tells whether headers of h bytes, Ethernet's included, can stand in
// front of the payload of a packet of f. Frames that are not IP may be shorter
// than an Ethernet header; those of 802.15.4 have up to 23 bytes, with two long
// addresses. A flow whose addresses nobody knows, as behind 802.11,
// may be of either family.
func possible(f datasets.Flow, h int32) bool {
	switch {
	case f.Radio():
		return h <= 23
	case f.Proto == 0:
		return h <= datasets.EthernetHeader
	}

	// IP options have up to 40 bytes, and so have those of TCP. Extension headers
	// of IPv6 have no such limit, but nobody but a cheat needs more.
	least, most := int32(20), int32(60)
	local := f.Local.Addr()
	switch {
	case local.Is6() && !local.Is4In6():
		least, most = 40, 80
	case !local.IsValid():
		most = 80
	}
	switch f.Proto {
	case 6: // TCP
		least, most = least+20, most+60
	case 17: // UDP
		least, most = least+8, most+8
	}
	h -= datasets.EthernetHeader
	return h >= least && h <= most && h%4 == 0
}

// impossible is the error for packet i, whose headers its flow cannot have.
func impossible(i int, p datasets.Packet, f datasets.Flow) error {
	return fmt.Errorf("packet %d has %d bytes of headers, which no packet of IP protocol %d from %v can have", i, p.Size-p.Payload, f.Proto, f.Local.Addr())
}
