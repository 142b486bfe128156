package defenses

import (
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// RegulaTor sends downloads as surges whose rate decays, and uploads in
// proportion (Holland and Hopper 2022). A surge begins with the first packet
// of a session and whenever more than T times the current rate waits; t
// seconds into it R D^t packets leave each second, never less than one. Slots
// where nothing waits take cover, as long as the session's budget lasts, which
// is drawn evenly below N. One packet goes up for every U that go down; an
// upload that has waited C seconds goes by itself.
//
// Deviations: packets are SizeBytes in a UDP tunnel per device; upload slots
// come with the download packets that earn them, as future times cannot be
// drawn from; a session ends when the budget is used, nothing waits and QuietS
// have passed without a packet, and there is no special rate while the tunnel
// starts.
//
// Variants: published (R 277, D 0.94, T 3.55, N 3550, U 3.95, C 1.77), light
// (N 2000), maybenot-infinite (1200, 0.98, 2.5, 5600, 4.5, 0.5),
// maybenot-bottleneck (R 220, N 2000), and home, ours for the rates of smart
// homes (R 20, D 0.8, T 3.55, N 100, U 2, C 0.5). A parameter of 0 takes the
// variant's value.
type RegulaTor struct {
	Variant   string  `help:"published, light, maybenot-infinite, maybenot-bottleneck or home"`
	R         float64 `help:"packets/s down when a surge begins; 0: of the variant"`
	D         float64 `help:"what the rate is multiplied with every second; 0: of the variant"`
	T         float64 `help:"seconds of the current rate that may wait; 0: of the variant"`
	N         int     `help:"bound of the cover budget of a session; 0: of the variant"`
	U         float64 `help:"packets down for one up; 0: of the variant"`
	C         float64 `help:"longest wait of an upload in seconds; 0: of the variant"`
	QuietS    float64 `help:"silence that ends a session"`
	SizeBytes int     `help:"size of every IP packet"`
}

var _ Defense = RegulaTor{}

func regulatorVariants() map[string]RegulaTor {
	p := RegulaTor{R: 277, D: 0.94, T: 3.55, N: 3550, U: 3.95, C: 1.77}
	light, bottleneck := p, p
	light.N = 2000
	bottleneck.R, bottleneck.N = 220, 2000
	return map[string]RegulaTor{
		"published": p, "light": light, "maybenot-bottleneck": bottleneck,
		"maybenot-infinite": {R: 1200, D: 0.98, T: 2.5, N: 5600, U: 4.5, C: 0.5},
		"home":              {R: 20, D: 0.8, T: 3.55, N: 100, U: 2, C: 0.5},
	}
}

// Info describes the defense.
func (RegulaTor) Info() Info {
	return Info{
		Name: "regulator", Doc: "downloads in decaying surges, uploads in proportion",
		Place: AtDevice, Needs: []Party{TunnelEnd}, Cite: "Holland and Hopper 2022 (RegulaTor)", Works: cite.Of("holland2022regulator"),
	}
}

// Validate refuses parameters out of range.
func (d RegulaTor) Validate() error {
	return first(
		variant(d.Variant, regulatorVariants()),
		orZero("r", d.R, 0.1, 1e5),
		orZero("d", d.D, 0.01, 1),
		orZero("t", d.T, 0.01, 1000),
		within("n", d.N, 0, 10_000_000),
		orZero("u", d.U, 0.01, 1000),
		orZero("c", d.C, 0.001, 60),
		within("quiet_s", d.QuietS, 0.1, 3600),
		within("size_bytes", d.SizeBytes, udp4+1, mtu),
	)
}

// Apply shapes.
func (d RegulaTor) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	v := regulatorVariants()[d.Variant]
	d.R, d.D, d.T, d.U, d.C = either(d.R, v.R), either(d.D, v.D), either(d.T, v.T), either(d.U, v.U), either(d.C, v.C)
	if d.N == 0 {
		d.N = v.N
	}
	return pace(rng, in, false, int32(d.SizeBytes), func(rng *rand.Rand, qs *[2]queue, p *part) {
		for start, ok := next(qs); ok; start, ok = next(qs) {
			if n := len(p.out); n > 0 {
				start = max(start, p.out[n-1].Time+1)
			}
			s := surge{d: d, qs: qs, p: p, start: start, budget: rng.IntN(d.N)}
			if !s.session() {
				return
			}
		}
	})
}

// surge is the state of a session.
type surge struct {
	d      RegulaTor
	qs     *[2]queue
	p      *part
	start  time.Duration
	budget int
	earned float64 // uploads that downloads have paid for
}

// session runs until silence; false means that observing is over.
func (s *surge) session() bool {
	for now := s.start; ; {
		if s.p.over(now, s.qs) {
			return false
		}
		up, down := &s.qs[datasets.Up], &s.qs[datasets.Down]
		rate := s.rate(now)
		if backlog(down, now, int(s.d.T*rate)+1) > int(s.d.T*rate) {
			s.start = now
			rate = s.rate(now)
		}
		if waits(down, now) || s.budget > 0 {
			if !waits(down, now) {
				s.budget--
			}
			s.p.send(down, datasets.Down, now)
			for s.earned += 1 / s.d.U; s.earned >= 1; s.earned-- {
				s.p.send(up, datasets.Up, now)
			}
		}
		slot := now + seconds(1/rate)
		s.overdue(now, slot)
		now = slot
		last := max(up.last, down.last)
		if s.budget == 0 && !waits(down, now) && !waits(up, now) && now-last >= seconds(s.d.QuietS) {
			return true
		}
	}
}

// rate is the number of packets a second at now.
func (s *surge) rate(now time.Duration) float64 {
	return max(1, s.d.R*math.Pow(s.d.D, (now-s.start).Seconds()))
}

// overdue sends the uploads whose wait ends between now and the next slot.
func (s *surge) overdue(now, slot time.Duration) {
	up := &s.qs[datasets.Up]
	for !up.empty() {
		t := max(now, up.packets[up.wait[0]].Time+seconds(s.d.C))
		if t >= slot || s.p.over(t, s.qs) {
			return
		}
		s.p.send(up, datasets.Up, t)
		now = t
	}
}

// backlog is how many originals of q wait at now, counted up to most.
func backlog(q *queue, now time.Duration, most int) int {
	n := 0
	for n < most && n < len(q.wait) && q.packets[q.wait[n]].Time <= now {
		n++
	}
	return n
}
