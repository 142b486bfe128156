package shaping

import (
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
)

// Assembly builds the defended trace and its account of pieces: packets that
// leave and carry at most one piece of one original. A defense goes through the
// originals in order, says before each where in time it is (Advance), and sends.
// Pieces leave in order of time, those of equal time in the order in which they
// were sent, so that pieces of one original stay in order when they are sent so.
//
// Only what leaves later than the original that is being looked at is held back,
// so the result is built once, in its place, and nothing is sorted as a whole.
type Assembly struct {
	in    datasets.Trace
	now   time.Duration
	out   []datasets.Packet
	b     *defenses.Builder
	sent  int    // pieces held back so far
	queue []held // held back and sent in order of time: from at on,
	at    int
	late  []held // and those sent out of order: a heap
}

// held is a piece that leaves later than now. n tells those of equal time apart.
type held struct {
	datasets.Packet
	orig, bytes int32
	n           int
}

func (h *held) before(o *held) bool { return h.Time < o.Time || h.Time == o.Time && h.n < o.n }

// noOriginal is the orig of a dummy packet.
const noOriginal = -1

// NewAssembly reserves room for n pieces of in.
func NewAssembly(in datasets.Trace, n int) *Assembly {
	return &Assembly{in: in, now: -Never, out: make([]datasets.Packet, 0, n), b: defenses.NewBuilder(n)}
}

// Advance says that nothing will be sent any more for a time before now: what is
// held back until then leaves.
func (a *Assembly) Advance(now time.Duration) {
	a.now = now
	for {
		h, fromLate := a.first()
		if h == nil || h.Time > now {
			return
		}
		a.leave(h.Packet, h.orig, h.bytes)

		if fromLate {
			a.popLate()
			continue
		}
		if a.at++; a.at == len(a.queue) {
			a.queue, a.at = a.queue[:0], 0
		}
	}
}

// first is what leaves next of all that is held back, nil if nothing is.
func (a *Assembly) first() (h *held, fromLate bool) {
	if a.at < len(a.queue) {
		h = &a.queue[a.at]
	}
	if len(a.late) > 0 && (h == nil || a.late[0].before(h)) {
		return &a.late[0], true
	}
	return h, false
}

// Whole sends original i whole, as p with its payload.
func (a *Assembly) Whole(i int, p datasets.Packet) { a.Piece(p, int32(i), p.Payload) }

// Dummy sends a packet that carries nothing.
func (a *Assembly) Dummy(p datasets.Packet) { a.Piece(p, noOriginal, 0) }

// Piece sends p, which carries so many payload bytes of original orig.
func (a *Assembly) Piece(p datasets.Packet, orig, bytes int32) {
	// What is held back leaves later than now, so nothing is overtaken.
	if p.Time <= a.now {
		a.leave(p, orig, bytes)
		return
	}

	h := held{p, orig, bytes, a.sent}
	a.sent++
	if n := len(a.queue); n > a.at && p.Time < a.queue[n-1].Time {
		a.pushLate(h)
		return
	}

	// What has left is cut off when it is half of the queue, so that each piece is
	// moved once on average.
	if len(a.queue) == cap(a.queue) && 2*a.at > len(a.queue) {
		a.queue = a.queue[:copy(a.queue, a.queue[a.at:])]
		a.at = 0
	}
	a.queue = append(a.queue, h)
}

func (a *Assembly) leave(p datasets.Packet, orig, bytes int32) {
	a.out = append(a.out, p)
	if orig != noOriginal {
		a.b.Carry(orig, bytes)
	}
	a.b.Next()
}

// pushLate adds h to the heap.
func (a *Assembly) pushLate(h held) {
	a.late = append(a.late, h)
	for i := len(a.late) - 1; i > 0; {
		up := (i - 1) / 2
		if !a.late[i].before(&a.late[up]) {
			return
		}
		a.late[i], a.late[up] = a.late[up], a.late[i]
		i = up
	}
}

// popLate takes the first of the heap off.
func (a *Assembly) popLate() {
	n := len(a.late) - 1
	a.late[0] = a.late[n]
	a.late = a.late[:n]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= min(2*i+2, n-1); c++ {
			if a.late[c].before(&a.late[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		a.late[i], a.late[least] = a.late[least], a.late[i]
		i = least
	}
}

// Defended ends the assembly. flows are the input's with new ones appended. The
// end moves only if a piece leaves after it.
func (a *Assembly) Defended(flows []datasets.Flow) defenses.Defended {
	a.Advance(Never)
	out := defenses.Defended{Trace: a.in, Carried: a.b.Carried()}
	out.Trace.Flows, out.Trace.Packets = flows, a.out
	if n := len(a.out); n > 0 {
		out.Trace.End = max(a.in.End, a.out[n-1].Time)
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
