package traffic

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
)

// pending is an ACK that a side owes; none when segments is 0.
type pending struct {
	due      int64
	segments int
	of       packet // the packet that is acknowledged
}

// acker adds the pure TCP ACKs: a side that has received data answers at once
// or a little later, at the latest with the second segment, and not at all
// when data of its own goes out first and carries the ACK.
type acker struct {
	h     *Home
	owed  [][2]pending // by flow and direction of the ACK
	rngs  []*rand.Rand // by device
	extra []packet
}

// acknowledge adds the pure ACKs and leaves the packets in order of time.
func (h *Home) acknowledge() {
	sortPackets(h.packets)
	a := acker{h: h, owed: make([][2]pending, len(h.flows))}
	for _, d := range h.Devices {
		a.rngs = append(a.rngs, d.Rand("acks"))
	}

	for _, p := range h.packets {
		if h.flows[p.flow].Proto == protoTCP {
			a.received(p)
		}
	}
	for flow := range a.owed {
		a.sendIfDue(int32(flow), datasets.Up, h.End)
		a.sendIfDue(int32(flow), datasets.Down, h.End)
	}

	// The ACKs are in order of the data that called for them, not of their own
	// times. Of packets of one time, data goes first.
	for i := range a.extra {
		a.extra[i].seq = uint32(len(h.packets) + i)
	}
	sortPackets(a.extra)
	h.packets = mergePackets(h.packets, a.extra)
}

// received takes in the next packet of a TCP flow, in order of time.
func (a *acker) received(p packet) {
	a.sendIfDue(p.flow, datasets.Up, p.time)
	a.sendIfDue(p.flow, datasets.Down, p.time)
	if p.payload == 0 || p.acked {
		return
	}

	// Data carries whatever ACK its sender owed.
	owed, back := &a.owed[p.flow], opposite(p.dir)
	owed[p.dir].segments = 0

	r, o := a.rngs[p.owner], &owed[back]
	if o.segments == 0 {
		o.due = p.time + a.ackDelay(back, p.flow, r)
	}
	o.of = p
	if o.segments++; o.segments >= 2 {
		o.due = min(o.due, p.time+a.promptDelay(back, p.flow, r))
		a.sendACK(o, back)
	}
}

// sendIfDue sends the ACK if it is due.
func (a *acker) sendIfDue(flow int32, dir datasets.Dir, now int64) {
	if o := &a.owed[flow][dir]; o.segments > 0 && o.due < now {
		a.sendACK(o, dir)
	}
}

func (a *acker) sendACK(o *pending, dir datasets.Dir) {
	p := o.of
	p.time = max(o.due, o.of.time+100*microsecond)
	p.dir, p.size, p.payload = dir, o.of.size-o.of.payload, 0
	a.extra = append(a.extra, p)
	o.segments = 0
}

// ackDelay draws how long a side waits with an ACK. A device answers within 1 to
// 6 ms or, one time in four, after 60 to 220 ms; a server's answer is back after
// one round trip, three times in ten 40 ms later (cited).
func (a *acker) ackDelay(dir datasets.Dir, flow int32, r *rand.Rand) int64 {
	if dir == datasets.Up {
		if draw.Chance(r, 0.25) {
			return draw.Between(r, 60*millisecond, 220*millisecond)
		}
		return draw.Between(r, millisecond, 6*millisecond)
	}
	t := a.promptDelay(dir, flow, r)
	if draw.Chance(r, 0.3) {
		t += 40 * millisecond
	}
	return t
}

// promptDelay draws the delay of an ACK that is not held back.
func (a *acker) promptDelay(dir datasets.Dir, flow int32, r *rand.Rand) int64 {
	if dir == datasets.Up {
		return draw.Between(r, 200*microsecond, 2*millisecond)
	}
	return a.h.rtts[flow] * draw.Between(r, 970, 1080) / 1000
}

// byTime orders by time, then by order of making.
func byTime(a, b packet) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.seq, b.seq))
}

func sortPackets(p []packet) { slices.SortFunc(p, byTime) }

// mergePackets merges two sorted lists.
func mergePackets(a, b []packet) []packet {
	out := make([]packet, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if byTime(a[0], b[0]) < 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}
