package defenses

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// ConstantRate sends packets of one size at a fixed rate in each direction:
// the traffic as far as it fits, cover where nothing waits. Streams are UDP
// tunnels, so the headers of the originals travel inside.
//
// Per device (independent link padding) each device has a stream of its own to
// the far end, with clocks of its own; per home one stream at the gateway
// carries all.
//
// The plain variant runs from the first moment to the trace's End and until
// everything has left (Apthorpe et al., A Smart Home is No Castle, section 6).
// The others come from website fingerprinting and run in sessions: from the
// first packet, until QuietS have passed without a packet, nothing waits and
// MinS are over; the next packet begins another. The publications stop when
// the page has loaded, which no defense can know.
//
//   - buflo: 1500 bytes every 20 ms, at least 10 s (Dyer et al. 2012; d, rho,
//     tau are size_bytes, interval_s, min_s).
//   - tamaraw: 750 bytes every 40 ms up and 12 ms down, and each direction's
//     count of a session padded to a multiple of 100 (Cai et al. 2014; the size
//     is recalled). tamaraw-front: multiple of 50 and a geometric number of
//     blocks more (1/2, 1/4, ...), as the FRONT repository has it.
//     tamaraw-wfes: 750. tamaraw-live: every 12 ms up and 4 ms down, 200
//     (WFDefProxy). tamaraw-qcsd: 1250 bytes every 20 ms up and 5 ms down, 300.
//   - buflo-home and tamaraw-home are ours, for the rates of smart homes: 512
//     bytes every 0.1 s, at least 5 s; and multiples of 20.
//
// A parameter of 0 takes the variant's value.
type ConstantRate struct {
	Variant       string  `help:"plain, buflo, tamaraw, tamaraw-front, tamaraw-wfes, tamaraw-live, tamaraw-qcsd, buflo-home or tamaraw-home"`
	SizeBytes     int     `help:"size of every IP packet; 0: of the variant"`
	IntervalS     float64 `help:"time between packets of a stream up; 0: of the variant"`
	IntervalDownS float64 `help:"the same down; 0: as interval_s, or of the variant if that is 0 too"`
	MinS          float64 `help:"least length of a session; 0: of the variant"`
	QuietS        float64 `help:"silence that ends a session; 0: of the variant"`
	Multiple      int     `help:"a session's packets in a direction are a multiple of it; 0: of the variant"`
	Per           string  `help:"device or home: what has a stream of its own"`
}

var _ Defense = ConstantRate{}

// rateOf are the values of a variant.
type rateOf struct {
	size          int
	up, down      float64
	minS, quiet   float64
	multiple      int
	geometric, on bool // on: without sessions
}

func rateVariants() map[string]rateOf {
	return map[string]rateOf{
		"plain":         {size: 1000, up: 0.1, down: 0.1, multiple: 1, on: true},
		"buflo":         {size: 1500, up: 0.02, down: 0.02, minS: 10, quiet: 2, multiple: 1},
		"tamaraw":       {size: 750, up: 0.04, down: 0.012, quiet: 2, multiple: 100},
		"tamaraw-front": {size: 750, up: 0.04, down: 0.012, quiet: 2, multiple: 50, geometric: true},
		"tamaraw-wfes":  {size: 750, up: 0.04, down: 0.012, quiet: 2, multiple: 750},
		"tamaraw-live":  {size: 750, up: 0.012, down: 0.004, quiet: 2, multiple: 200},
		"tamaraw-qcsd":  {size: 1250, up: 0.02, down: 0.005, quiet: 2, multiple: 300},
		"buflo-home":    {size: 512, up: 0.1, down: 0.1, minS: 5, quiet: 2, multiple: 1},
		"tamaraw-home":  {size: 512, up: 0.1, down: 0.1, quiet: 2, multiple: 20},
	}
}

// values are those of the variant, overridden by parameters that are set.
func (d ConstantRate) values() rateOf {
	v := rateVariants()[d.Variant]
	if d.SizeBytes != 0 {
		v.size = d.SizeBytes
	}
	if d.IntervalS != 0 {
		v.up, v.down = d.IntervalS, d.IntervalS
	}
	v.down = either(d.IntervalDownS, v.down)
	v.minS, v.quiet = either(d.MinS, v.minS), either(d.QuietS, v.quiet)
	if d.Multiple != 0 {
		v.multiple = d.Multiple
	}
	return v
}

// Info describes the defense. Its place depends on Per.
func (d ConstantRate) Info() Info {
	v := d.values()
	i := Info{
		Name: "constant-rate", Place: AtDevice, Needs: []Party{TunnelEnd}, Cite: "Apthorpe et al. 2017, section 6", Works: cite.Of("apthorpe2017castle"),
		Doc: fmt.Sprintf("packets of %d bytes every %v s up and %v s down", v.size, v.up, v.down),
	}
	switch {
	case strings.HasPrefix(d.Variant, "buflo"):
		i.Cite, i.Works = "Dyer et al. 2012, section 7 (BuFLO)", cite.Of("dyer2012peekaboo")
	case strings.HasPrefix(d.Variant, "tamaraw"):
		i.Cite, i.Works = "Cai et al. 2014 (Tamaraw)", cite.Of("cai2014tamaraw")
	}
	if d.Per == "home" {
		i.Place = AtGateway
	}
	return i
}

// Validate refuses parameters out of range.
func (d ConstantRate) Validate() error {
	return first(
		variant(d.Variant, rateVariants()),
		orZero("size_bytes", d.SizeBytes, udp4+1, mtu),
		orZero("interval_s", d.IntervalS, 1e-5, 3600),
		orZero("interval_down_s", d.IntervalDownS, 1e-5, 3600),
		within("min_s", d.MinS, 0, 86400),
		orZero("quiet_s", d.QuietS, 1e-3, 86400),
		within("multiple", d.Multiple, 0, 1_000_000),
		oneOf("per", d.Per, "device", "home"),
	)
}

// Apply shapes. It fails with ErrSaturated when the rate cannot carry the
// traffic.
func (d ConstantRate) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	v := d.values()
	shared := d.Per == "home"
	if !v.on {
		return pace(rng, in, shared, int32(v.size), v.sessions)
	}
	s := devices(in, shared)
	flows := withFlows(in)
	for k := range s.first {
		flows = append(flows, s.tunnel(k, shared))
	}
	ticks := make([]ticker, 2*len(s.first))
	for i := range ticks {
		interval := seconds([]float64{v.up, v.down}[i%2])
		// The phases do not depend on the traffic.
		ticks[i] = ticker{next: time.Duration(rng.Int64N(int64(interval))), interval: interval}
	}
	return shape(in, s, flows, int32(v.size), ticks)
}

// sessions sends a stream in sessions.
func (v rateOf) sessions(rng *rand.Rand, qs *[2]queue, p *part) {
	interval := [2]time.Duration{seconds(v.up), seconds(v.down)}
	for start, ok := next(qs); ok; start, ok = next(qs) {
		// A session never begins before the one before it is over.
		if n := len(p.out); n > 0 {
			start = max(start, p.out[n-1].Time+1)
		}
		at := [2]time.Duration{start, start}
		var count [2]int
		var extra [2]int
		if v.geometric {
			for d := range extra {
				for rng.IntN(2) == 0 {
					extra[d] += v.multiple
				}
			}
		}
		for {
			d := 0
			if at[1] < at[0] {
				d = 1
			}
			now := at[d]
			if p.over(now, qs) {
				return
			}
			still := v.running(qs, start, now)
			done := func(d int) bool { return count[d]%v.multiple == 0 && count[d] > 0 }
			if !still && done(0) && done(1) && extra == [2]int{} {
				break
			}
			at[d] += interval[d]
			if !still && done(d) {
				if extra[d] == 0 {
					continue
				}
				extra[d] -= v.multiple
			}
			p.send(&qs[d], datasets.Dir(d), now)
			count[d]++
		}
	}
}

// running tells whether a session that began at start has to go on at now.
func (v rateOf) running(qs *[2]queue, start, now time.Duration) bool {
	last := max(qs[0].last, qs[1].last)
	return now-start < seconds(v.minS) || qs[0].ready(now) || qs[1].ready(now) ||
		qs[0].begun || qs[1].begun || now-last < seconds(v.quiet)
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
	sh.b = &Builder{Carried{
		First: make([]int32, 1, n+1),
		Orig:  make([]int32, 0, len(in.Packets)+len(in.Packets)/4),
		Bytes: make([]int32, 0, len(in.Packets)+len(in.Packets)/4),
	}}
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
