package shaping

import (
	"cmp"
	"slices"

	"veilbench/datasets"
	"veilbench/defenses"
)

// NoOriginal is the Orig of a dummy packet.
const NoOriginal = -1

// Piece is a packet that leaves and carries at most one piece of one original:
// Bytes of the payload of packet Orig of the input.
type Piece struct {
	datasets.Packet
	Orig, Bytes int32
}

// Whole is original i leaving in one piece, as p with its payload.
func Whole(i int, p datasets.Packet) Piece { return Piece{p, int32(i), p.Payload} }

// Assemble sorts pieces by time, in place, and builds the defended trace and
// its account. Pieces of equal time keep their order, so pieces of one original
// stay in order when they are given in order. flows are the input's with new
// ones appended. The end moves only if a piece leaves after it.
func Assemble(in datasets.Trace, flows []datasets.Flow, pieces []Piece) defenses.Defended {
	// Most defenses delay nothing, so their pieces are in order already.
	byTime := func(a, b Piece) int { return cmp.Compare(a.Time, b.Time) }
	if !slices.IsSortedFunc(pieces, byTime) {
		slices.SortStableFunc(pieces, byTime)
	}

	out := defenses.Defended{Trace: in}
	out.Trace.Flows = flows
	out.Trace.Packets = make([]datasets.Packet, len(pieces))
	b := defenses.NewBuilder(len(pieces))
	for i, p := range pieces {
		out.Trace.Packets[i] = p.Packet
		if p.Orig != NoOriginal {
			b.Carry(p.Orig, p.Bytes)
		}
		b.Next()
	}

	out.Carried = b.Carried()
	if n := len(pieces); n > 0 {
		out.Trace.End = max(in.End, pieces[n-1].Time)
	}
	return out
}

// Insert adds dummy packets to a trace whose own packets stay as they are. The
// dummies must be in order of time and none after in's End. Of equal times the
// original goes first. flows are the input's with new ones appended.
func Insert(in datasets.Trace, flows []datasets.Flow, dummies []datasets.Packet) defenses.Defended {
	out := defenses.Defended{Trace: in}
	out.Trace.Flows = flows
	if len(dummies) == 0 {
		return out
	}

	out.Trace.Packets = make([]datasets.Packet, 0, len(in.Packets)+len(dummies))
	b := defenses.NewBuilder(cap(out.Trace.Packets))
	dummy := func() {
		out.Trace.Packets = append(out.Trace.Packets, dummies[0])
		b.Next() // without a Carry: nobody's bytes
		dummies = dummies[1:]
	}
	for i, p := range in.Packets {
		for len(dummies) > 0 && dummies[0].Time < p.Time {
			dummy()
		}
		out.Trace.Packets = append(out.Trace.Packets, p)
		b.Carry(int32(i), p.Payload)
		b.Next()
	}
	for len(dummies) > 0 {
		dummy()
	}
	out.Carried = b.Carried()
	return out
}

// Padder says which packets of a trace padding inside the flow can act on:
// those with a payload to append to, or, with acks, those without as well.
// Frames that are not IP and stay in the home are left alone.
type Padder struct {
	limit []int32 // by flow: the largest frame, 0 where nothing may be touched
	least int32   // payload
}

// NewPadder looks at the flows of in. acks is "keep" or "pad": what happens to
// packets without payload.
func NewPadder(in datasets.Trace, acks string) Padder {
	c := Padder{limit: make([]int32, len(in.Flows)), least: 1}
	if acks == "pad" {
		c.least = 0
	}
	for i, f := range in.Flows {
		if f.Proto != 0 || f.Exposed() {
			c.limit[i] = defenses.Limit(f)
		}
	}
	return c
}

// Can tells whether p can be padded. A frame too short for an IP header is no
// packet that anybody could append to, but on a radio without IP.
func (c Padder) Can(p *datasets.Packet) bool {
	limit := c.limit[p.Flow]
	return p.Payload >= c.least && limit > 0 && p.Size >= datasets.EthernetHeader && (p.Size >= datasets.EthernetHeader+IP4Header || limit < defenses.MaxFrame)
}

// Limit is the largest that p may become.
func (c Padder) Limit(p *datasets.Packet) int32 { return c.limit[p.Flow] }
