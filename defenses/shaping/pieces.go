package shaping

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
)

// Assembly builds the defended trace and its account of pieces: packets that
// leave and carry at most one piece of one original. Pieces leave in order of time,
// those of equal time in the order in which they were sent, so that pieces of one
// original stay in order when they are sent so.
//
// Nearly all pieces are sent in order of time, or so nearly that few make room for
// them, and go at once to the place where they stay. The others wait in a list of
// their own, which is merged in whenever it is as long as what the merge has to move:
// so the whole costs n log n at worst and needs little more memory than the result.
type Assembly struct {
	in   datasets.Trace
	out  []datasets.Packet // in order, but for late
	orig []int32           // by packet of out: what it carries, or noOriginal,
	size []int32           // and how many bytes of it
	last time.Duration     // of out
	late []piece
	most int           // how long late may be until a merge is thought of
	from time.Duration // the earliest of late
}

// piece is a packet with what it carries.
type piece struct {
	datasets.Packet
	orig, bytes int32
}

const (
	// noOriginal is the orig of a dummy packet.
	noOriginal = -1
	// leastLate is how many late pieces a merge is worth, few how many packets make
	// room for one at once.
	leastLate = 64
	few       = 16
)

// NewAssembly reserves room for n pieces of in.
func NewAssembly(in datasets.Trace, n int) *Assembly {
	return &Assembly{
		in: in, last: -Never, from: Never, most: leastLate,
		out: make([]datasets.Packet, 0, n), orig: make([]int32, 0, n), size: make([]int32, 0, n),
	}
}

// Whole sends original i whole, as p with its payload.
func (a *Assembly) Whole(i int, p datasets.Packet) { a.Piece(p, int32(i), p.Payload) }

// Dummy sends a packet that carries nothing.
func (a *Assembly) Dummy(p datasets.Packet) { a.Piece(p, noOriginal, 0) }

// Piece sends p, which carries so many payload bytes of original orig.
func (a *Assembly) Piece(p datasets.Packet, orig, bytes int32) {
	if p.Time < a.last {
		a.sendLate(piece{p, orig, bytes})
		return
	}
	a.last = p.Time
	// Field by field: appended as one, p would be read back in wide pieces from a
	// stack that it was just written to in narrow ones, which a processor waits for.
	a.out = append(a.out, datasets.Packet{})
	q := &a.out[len(a.out)-1]
	q.Time, q.Size, q.Payload, q.Flow, q.Dir = p.Time, p.Size, p.Payload, p.Flow, p.Dir
	a.orig = append(a.orig, orig)
	a.size = append(a.size, bytes)
}

// sendLate sends a piece that leaves before the last one.
func (a *Assembly) sendLate(p piece) {
	// Late pieces of the same time were sent before this one: it may not pass them.
	at := len(a.out) - 1
	for at > 0 && at > len(a.out)-few && a.out[at-1].Time > p.Time {
		at--
	}
	if p.Time < a.from && (at == 0 || a.out[at-1].Time <= p.Time) {
		a.out = slices.Insert(a.out, at, p.Packet)
		a.orig, a.size = slices.Insert(a.orig, at, p.orig), slices.Insert(a.size, at, p.bytes)
		return
	}

	a.late = append(a.late, p)
	a.from = min(a.from, p.Time)
	if len(a.late) < a.most {
		return
	}
	if a.most *= 2; len(a.late) >= len(a.out)-a.after(a.from) {
		a.merge()
	}
}

// after is the first packet of out that leaves after t.
func (a *Assembly) after(t time.Duration) int {
	return sort.Search(len(a.out), func(i int) bool { return a.out[i].Time > t })
}

// merge puts the late pieces where they belong: behind all that leave at the same
// time. For those were sent before: what comes after a late piece was sent leaves
// not before the last packet of then, which is later.
func (a *Assembly) merge() {
	slices.SortStableFunc(a.late, func(x, y piece) int { return cmp.Compare(x.Time, y.Time) })
	to := len(a.out) + len(a.late) - 1
	i := len(a.out) - 1
	a.out = slices.Grow(a.out, len(a.late))[:to+1]
	a.orig = slices.Grow(a.orig, len(a.late))[:to+1]
	a.size = slices.Grow(a.size, len(a.late))[:to+1]

	// From the end, so that nothing is moved twice.
	for k := len(a.late) - 1; k >= 0; to-- {
		if p := &a.late[k]; i < 0 || a.out[i].Time <= p.Time {
			a.out[to], a.orig[to], a.size[to] = p.Packet, p.orig, p.bytes
			k--
			continue
		}
		a.out[to], a.orig[to], a.size[to] = a.out[i], a.orig[i], a.size[i]
		i--
	}
	a.late, a.most, a.from = a.late[:0], leastLate, Never
}

// Defended ends the assembly. flows are the input's with new ones appended. The
// end moves only if a piece leaves after it.
func (a *Assembly) Defended(flows []datasets.Flow) defenses.Defended {
	a.merge()
	out := defenses.Defended{Trace: a.in}
	out.Trace.Flows, out.Trace.Packets = flows, a.out
	if n := len(a.out); n > 0 {
		out.Trace.End = max(a.in.End, a.last)
	}

	// An account has no entry for a dummy: the others move up.
	c := &defenses.Carried{First: make([]int32, len(a.out)+1)}
	n := 0
	for i, o := range a.orig {
		if o != noOriginal {
			a.orig[n], a.size[n] = o, a.size[i]
			n++
		}
		c.First[i+1] = int32(n)
	}
	c.Orig, c.Bytes = a.orig[:n], a.size[:n]
	out.Carried = c
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
