package defenses

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
)

// ConstantRate sends one packet of SizeBytes every interval in each direction,
// from the first moment to the trace's End and on until everything has left:
// the packets of the traffic as far as they fit, cover where nothing waits.
//
// Per device (independent link padding, A Smart Home is No Castle, section 6)
// each device has a stream of its own to the far end, with phases of its own;
// per home one stream at the gateway carries all. Streams are UDP tunnels, so
// the headers of the originals travel inside.
type ConstantRate struct {
	SizeBytes int     `help:"size of every IP packet"`
	IntervalS float64 `help:"time between packets of a stream and direction"`
	Per       string  `help:"device or home: what has a stream of its own"`
}

var _ Defense = ConstantRate{}

// Info describes the defense. Its place depends on Per.
func (d ConstantRate) Info() Info {
	i := Info{Name: "constant-rate", Doc: "packets of one size at one rate, in both directions",
		Place: AtDevice, Needs: []Party{TunnelEnd}, Cite: "Apthorpe et al. 2017, section 6"}
	if d.Per == "home" {
		i.Place = AtGateway
	}
	return i
}

// Validate refuses parameters out of range.
func (d ConstantRate) Validate() error {
	return first(
		within("size_bytes", d.SizeBytes, udp4+1, mtu),
		within("interval_s", d.IntervalS, 1e-5, 3600),
		oneOf("per", d.Per, "device", "home"),
	)
}

// Apply shapes. It fails with ErrSaturated when the rate cannot carry the
// traffic.
func (d ConstantRate) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	interval := seconds(d.IntervalS)
	s := devices(in, d.Per == "home")
	ticks := make([]ticker, 2*len(s.first))
	flows := withFlows(in)
	for i := range ticks {
		// The phases do not depend on the traffic.
		ticks[i] = ticker{next: time.Duration(rng.Int64N(int64(interval))), interval: interval}
	}
	for k := range s.first {
		flows = append(flows, s.tunnel(k, d.Per == "home"))
	}
	return shape(in, s, flows, int32(d.SizeBytes), ticks)
}

// maxPackets bounds what one Apply makes: 28 bytes each.
const maxPackets = 200_000_000

// ticker is a clock of one stream and direction; that of stream k is at
// 2*k + direction.
type ticker struct{ next, interval time.Duration }

// shape sends the packets of in's streams at the clocks' ticks in packets of
// size bytes (IP layer), over the flow of the stream: those after the input's.
// Flows without a stream pass. It goes on until the input's End, and then until
// everything has left.
func shape(in datasets.Trace, s streams, flows []datasets.Flow, size int32, ticks []ticker) (Defended, error) {
	qs, pass := queues(in, s)
	end, err := drained(in, qs, size, ticks)
	if err != nil {
		return Defended{}, err
	}
	sh := shaper{in: in, qs: qs, pass: pass, size: size}
	n := len(pass)
	for _, t := range ticks {
		n += int((end-t.next)/t.interval) + 1
	}
	if n > maxPackets {
		return Defended{}, fmt.Errorf("would make %d packets, more than %d: use a longer interval or a shorter trace", n, maxPackets)
	}
	sh.out = make([]datasets.Packet, 0, n)
	sh.b = &Builder{Carried{First: make([]int32, 1, n+1),
		Orig:  make([]int32, 0, len(in.Packets)+len(in.Packets)/4),
		Bytes: make([]int32, 0, len(in.Packets)+len(in.Packets)/4)}}
	sh.run(end, ticks)
	out := Defended{Trace: in, Carried: sh.b.Carried()}
	out.Trace.Flows, out.Trace.Packets, out.Trace.End = flows, sh.out, end
	return out, nil
}

// drained is when the last stream has nothing left, not before in's End.
func drained(in datasets.Trace, qs []queue, size int32, ticks []ticker) (time.Duration, error) {
	end := in.End
	room := int64(size - udp4)
	for i, q := range qs {
		t := ticks[i]
		// free is the first tick with room left, and left is that room.
		free, left := t.next, room
		for _, o := range q.wait {
			p := q.packets[o]
			if p.Time > free {
				n := (p.Time - t.next + t.interval - 1) / t.interval
				free, left = t.next+n*t.interval, room
			}
			n := int64(max(p.Size-datasets.EthernetHeader, 1))
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
			if free > in.End+MaxBacklog+t.interval {
				return 0, fmt.Errorf("%w: packet %d would leave %v after the end", ErrSaturated, o, free-in.End)
			}
		}
	}
	return end, nil
}

// shaper merges the ticks of all streams.
type shaper struct {
	in   datasets.Trace
	qs   []queue
	pass []int32
	size int32
	out  []datasets.Packet
	b    *Builder
}

// run sends at every tick up to end. Clocks of one interval keep their order
// from round to round, so there is no sorting per packet: each group of clocks
// with one interval is a ring, and the rings (one, or one per direction) are
// merged.
func (sh *shaper) run(end time.Duration, ticks []ticker) {
	rings := rings(ticks)
	for {
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
	if q := &sh.qs[k]; len(q.wait) > 0 && q.packets[q.wait[0]].Time <= now {
		q.fill(sh.b, now, sh.size-udp4)
	}
	sh.b.Next()
	sh.out = append(sh.out, datasets.Packet{
		Time: now, Size: sh.size + datasets.EthernetHeader, Payload: sh.size - udp4,
		Flow: int32(len(sh.in.Flows)) + k/2, Dir: datasets.Dir(k & 1)})
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

func (r *ring) time() time.Duration { return r.base + r.clock[r.at].first }

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
		slices.SortStableFunc(r.clock, func(a, b phase) int { return compareTimes(a.first, b.first) })
	}
	return rs
}
