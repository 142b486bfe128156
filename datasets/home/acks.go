package home

import (
	"math/rand/v2"
	"slices"

	"veilbench/datasets"
)

// pending is an ACK that a side owes.
type pending struct {
	due      int64
	segments int
	of       packet // the packet that is acknowledged
}

// acknowledge adds the pure TCP ACKs: a side that has received data answers
// at once or a little later, at the latest with the second segment, and not
// at all when data of its own goes out first and carries the ACK.
func (h *house) acknowledge() {
	sortPackets(h.packets)
	owed := make([][2]*pending, len(h.flows)) // by the direction of the ACK
	bare := make([]int32, len(h.flows))       // frame of a pure ACK
	var extra []packet
	settle := func(flow int32, dir datasets.Dir, now int64) {
		if o := owed[flow][dir]; o != nil && o.due < now {
			extra = append(extra, o.ack(dir, bare[flow]))
			owed[flow][dir] = nil
		}
	}
	rngs := make([]*rand.Rand, len(h.devices))
	for i, d := range h.devices {
		rngs[i] = newRand(h.seed, h.name, d.ID, "acks")
	}
	for _, p := range h.packets {
		if h.flows[p.flow].Proto != 6 {
			continue
		}
		settle(p.flow, datasets.Up, p.time)
		settle(p.flow, datasets.Down, p.time)
		if p.payload == 0 || p.acked {
			continue
		}
		bare[p.flow] = p.size - p.payload
		owed[p.flow][p.dir] = nil // carried by this packet
		back := datasets.Up
		if p.dir == datasets.Up {
			back = datasets.Down
		}
		d := h.devices[p.owner]
		o := owed[p.flow][back]
		if o == nil {
			o = &pending{due: p.time + d.ackDelay(back, h.flows[p.flow].Host, rngs[p.owner])}
			owed[p.flow][back] = o
		}
		o.of = p
		if o.segments++; o.segments >= 2 {
			o.due = min(o.due, p.time+d.soon(back, h.flows[p.flow].Host, rngs[p.owner]))
			extra = append(extra, o.ack(back, bare[p.flow]))
			owed[p.flow][back] = nil
		}
	}
	for flow := range owed {
		settle(int32(flow), datasets.Up, h.end)
		settle(int32(flow), datasets.Down, h.end)
	}
	h.packets = append(h.packets, extra...)
	sortPackets(h.packets)
}

// ack is the pure ACK.
func (o *pending) ack(dir datasets.Dir, size int32) packet {
	p := o.of
	p.time, p.dir, p.size, p.payload = o.due, dir, size, 0
	p.time = max(p.time, o.of.time+100_000)
	return p
}

// ackDelay is how long a side waits with an ACK. A device answers within 1 to
// 6 ms or, one time in four, after 60 to 220 ms; a server's answer is back
// after one round trip, three times in ten 40 ms later (cited).
func (d *device) ackDelay(dir datasets.Dir, host string, r *rand.Rand) int64 {
	if dir == datasets.Up {
		if chance(r, 250_000) {
			return between(r, 60_000_000, 220_000_000)
		}
		return between(r, 1_000_000, 6_000_000)
	}
	t := d.soon(dir, host, r)
	if chance(r, 300_000) {
		t += 40_000_000
	}
	return t
}

// soon is the delay of an ACK that is not held back.
func (d *device) soon(dir datasets.Dir, host string, r *rand.Rand) int64 {
	if dir == datasets.Up {
		return between(r, 200_000, 2_000_000)
	}
	for _, f := range d.Flows {
		if f.Host == host {
			return d.rtts[f.ID] * between(r, 970, 1080) / 1000
		}
	}
	return between(r, 2_000_000, 6_000_000)
}

// sortPackets orders by time; packets of equal time keep their order.
func sortPackets(p []packet) {
	slices.SortStableFunc(p, func(a, b packet) int {
		switch {
		case a.time < b.time:
			return -1
		case a.time > b.time:
			return 1
		}
		return 0
	})
}
