package rate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// maxPackets bounds what one Apply makes: 28 bytes each.
const maxPackets = 200_000_000

// ticker is a clock of one stream and direction; that of stream k is at
// 2*k + direction.
type ticker struct{ next, interval time.Duration }

// shape sends the packets of in's streams at the clocks' ticks in packets of
// size bytes (IP layer), over the flow of the stream: those after the input's.
// Flows without a stream pass. It goes on until the input's End, and then until
// everything has left. It is pace for clocks alone: as nothing depends on what
// waits, the end is known beforehand and no packet is sorted or copied.
func shape(in datasets.Trace, s shaping.Streams, flows []datasets.Flow, size int32, ticks []ticker) (defenses.Defended, error) {
	qs, pass := queues(in, s)
	end, err := drained(in, qs, size, ticks)
	if err != nil {
		return defenses.Defended{}, err
	}

	n := len(pass)
	for _, t := range ticks {
		n += int((end-t.next)/t.interval) + 1
	}
	if n > maxPackets {
		return defenses.Defended{}, fmt.Errorf("would make %d packets, more than %d: use a longer interval or a shorter trace", n, maxPackets)
	}

	// Most packets are dummies without an entry; an original has one entry, or
	// two where a packet's edge cuts it.
	sh := shaper{in: in, qs: qs, pass: pass, size: size, out: make([]datasets.Packet, 0, n), b: defenses.NewBuilder(0)}
	sh.b.Reserve(n, len(in.Packets)+len(in.Packets)/4)
	sh.run(end, ticks)

	out := defenses.Defended{Trace: in, Carried: sh.b.Carried()}
	out.Trace.Flows, out.Trace.Packets, out.Trace.End = flows, sh.out, end
	return out, nil
}

// drained is when the last stream has nothing left, not before in's End. It
// counts bytes as queue.fill would, without making a packet. It fails with
// ErrSaturated when that is later than Check allows.
func drained(in datasets.Trace, qs []queue, size int32, ticks []ticker) (time.Duration, error) {
	end := in.End
	room := int64(size - shaping.UDP4Headers)
	for i, q := range qs {
		t := ticks[i]

		// free is the first tick with room left, and left is that room.
		free, left := t.next, room
		for _, o := range q.wait {
			p := q.packets[o]

			// After a silence the next tick is the first one not before p.
			if p.Time > free {
				n := (p.Time - t.next + t.interval - 1) / t.interval
				free, left = t.next+n*t.interval, room
			}

			// What does not fit this tick fills as many more as it needs.
			n := ipSize(p)
			if n > left {
				more := (n - left + room - 1) / room
				free += time.Duration(more) * t.interval
				left += more * room
			}
			left -= n
			end = max(end, free)

			if left == 0 {
				free, left = free+t.interval, room
			}
			if free > in.End+defenses.MaxBacklog+t.interval {
				return 0, fmt.Errorf("%w: packet %d would leave %v after the end", defenses.ErrSaturated, o, free-in.End)
			}
		}
	}
	return end, nil
}

// shaper merges the ticks of all streams.
type shaper struct {
	in   datasets.Trace
	qs   []queue // by stream and direction, as ticks
	pass []int32 // packets of no stream that are still to come
	size int32   // of every packet, at the IP layer
	out  []datasets.Packet
	b    *defenses.Builder
}

// run sends at every tick up to end. Clocks of one interval keep their order
// from round to round, so there is no sorting per packet: each group of clocks
// with one interval is a ring, and the rings (one, or one per direction) are
// merged.
func (sh *shaper) run(end time.Duration, ticks []ticker) {
	rings := rings(ticks)
	for {
		// The ring whose turn is first; of equal times the one of the first clock.
		best := -1
		for r := range rings {
			if best < 0 || rings[r].time() < rings[best].time() {
				best = r
			}
		}
		if best < 0 || rings[best].time() > end {
			break
		}

		r := &rings[best]
		sh.send(r.time(), r.clock[r.at].of)
		r.step()
	}
	sh.passed(end + 1)
}

// send ends the packet of one tick.
func (sh *shaper) send(now time.Duration, k int32) {
	if len(sh.pass) > 0 {
		sh.passed(now)
	}
	if q := &sh.qs[k]; q.ready(now) {
		q.fill(sh.b, now, sh.size-shaping.UDP4Headers)
	}
	sh.b.Next()
	sh.out = append(sh.out, datasets.Packet{
		Time: now, Size: sh.size + datasets.EthernetHeader, Payload: sh.size - shaping.UDP4Headers,
		Flow: int32(len(sh.in.Flows)) + k/2, Dir: datasets.Dir(k & 1),
	})
}

// passed lets go the packets of no stream that come before now.
func (sh *shaper) passed(now time.Duration) {
	for len(sh.pass) > 0 {
		i := sh.pass[0]
		p := sh.in.Packets[i]
		if p.Time >= now {
			return
		}
		sh.out = append(sh.out, p)
		sh.b.Carry(i, p.Payload)
		sh.b.Next()
		sh.pass = sh.pass[1:]
	}
}

// ring holds clocks of one interval in order of their phases.
type ring struct {
	clock    []phase
	interval time.Duration
	at       int
	base     time.Duration // rounds done, as time
}

// phase is the first tick of clock number of.
type phase struct {
	first time.Duration
	of    int32
}

// time is the tick whose turn it is.
func (r *ring) time() time.Duration { return r.base + r.clock[r.at].first }

// step goes on to the next clock, after the last one to the next round.
func (r *ring) step() {
	r.at++
	if r.at == len(r.clock) {
		r.at = 0
		r.base += r.interval
	}
}

// rings sorts clocks by interval and phase. A clock's first tick is within its
// first interval.
func rings(ticks []ticker) []ring {
	var rs []ring
	for i, t := range ticks {
		r := slices.IndexFunc(rs, func(r ring) bool { return r.interval == t.interval })
		if r < 0 {
			r = len(rs)
			rs = append(rs, ring{interval: t.interval})
		}
		rs[r].clock = append(rs[r].clock, phase{t.next, int32(i)})
	}
	for _, r := range rs {
		slices.SortStableFunc(r.clock, func(a, b phase) int { return cmp.Compare(a.first, b.first) })
	}
	return rs
}
