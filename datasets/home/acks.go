package home

import (
	"math/rand/v2"
	"slices"

	"veilbench/datasets"
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
	h     *house
	owed  [][2]pending // by flow and direction of the ACK
	rngs  []*rand.Rand // by device
	extra []packet
}

// acknowledge adds the pure ACKs and leaves the packets in order of time.
func (h *house) acknowledge() {
	sortPackets(h.packets)
	a := acker{h: h, owed: make([][2]pending, len(h.flows))}
	for _, d := range h.devices {
		a.rngs = append(a.rngs, newRand(h.seed, h.name, d.ID, d.addr.String(), "acks"))
	}
	for _, p := range h.packets {
		if h.flows[p.flow].Proto == 6 {
			a.see(p)
		}
	}
	for flow := range a.owed {
		a.settle(int32(flow), datasets.Up, h.end)
		a.settle(int32(flow), datasets.Down, h.end)
	}
	for i := range a.extra {
		a.extra[i].seq = uint32(len(h.packets) + i)
	}
	sortPackets(a.extra)
	h.packets = mergePackets(h.packets, a.extra)
}

func (a *acker) see(p packet) {
	a.settle(p.flow, datasets.Up, p.time)
	a.settle(p.flow, datasets.Down, p.time)
	if p.payload == 0 || p.acked {
		return
	}
	owed := &a.owed[p.flow]
	owed[p.dir].segments = 0 // this packet carries it
	back := datasets.Up
	if p.dir == datasets.Up {
		back = datasets.Down
	}
	r, o := a.rngs[p.owner], &owed[back]
	if o.segments == 0 {
		o.due = p.time + a.delay(back, p.flow, r)
	}
	o.of = p
	if o.segments++; o.segments >= 2 {
		o.due = min(o.due, p.time+a.soon(back, p.flow, r))
		a.send(o, back)
	}
}

// settle sends the ACK if it is due.
func (a *acker) settle(flow int32, dir datasets.Dir, now int64) {
	if o := &a.owed[flow][dir]; o.segments > 0 && o.due < now {
		a.send(o, dir)
	}
}

func (a *acker) send(o *pending, dir datasets.Dir) {
	p := o.of
	p.time = max(o.due, o.of.time+100_000)
	p.dir, p.size, p.payload = dir, o.of.size-o.of.payload, 0
	a.extra = append(a.extra, p)
	o.segments = 0
}

// delay is how long a side waits with an ACK. A device answers within 1 to 6
// ms or, one time in four, after 60 to 220 ms; a server's answer is back after
// one round trip, three times in ten 40 ms later (cited).
func (a *acker) delay(dir datasets.Dir, flow int32, r *rand.Rand) int64 {
	if dir == datasets.Up {
		if chance(r, 250_000) {
			return between(r, 60_000_000, 220_000_000)
		}
		return between(r, 1_000_000, 6_000_000)
	}
	t := a.soon(dir, flow, r)
	if chance(r, 300_000) {
		t += 40_000_000
	}
	return t
}

// soon is the delay of an ACK that is not held back.
func (a *acker) soon(dir datasets.Dir, flow int32, r *rand.Rand) int64 {
	if dir == datasets.Up {
		return between(r, 200_000, 2_000_000)
	}
	return a.h.rtts[flow] * between(r, 970, 1080) / 1000
}

func byTime(a, b packet) int {
	switch {
	case a.time < b.time || a.time == b.time && a.seq < b.seq:
		return -1
	case a.time == b.time && a.seq == b.seq:
		return 0
	}
	return 1
}

// sortPackets orders by time, then by order of making.
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
