package rate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// RegulaTor sends downloads as surges whose rate decays, and uploads in
// proportion (Holland and Hopper 2022). A surge begins with the first packet
// of a session and whenever more than T times the current rate waits; t
// seconds into it R D^t packets leave each second, never less than one. Slots
// where nothing waits take dummies, as long as the session's budget lasts, which
// is drawn evenly below N. One packet goes up for every U that go down; an
// upload that has waited C seconds goes by itself.
//
// Deviations: packets are SizeBytes in a UDP tunnel per device; upload slots
// come with the download packets that earn them, as future times cannot be
// drawn from; a session ends when the budget is used, nothing waits and QuietS
// have passed without a packet, and there is no special rate while the tunnel
// starts.
//
// The defaults are ours, for the rates of smart homes.
type RegulaTor struct {
	R         float64 `help:"packets/s down when a surge begins"`
	D         float64 `help:"what the rate is multiplied with every second"`
	T         float64 `help:"seconds of the current rate that may wait"`
	N         int     `help:"bound of the dummy budget of a session"`
	U         float64 `help:"packets down for one up"`
	C         float64 `help:"longest wait of an upload in seconds"`
	QuietS    float64 `help:"silence that ends a session"`
	SizeBytes int     `help:"size of every IP packet"`
}

var (
	_ defenses.Defense   = RegulaTor{}
	_ defenses.Presetter = RegulaTor{}
	_ defenses.DrawIDer  = RegulaTor{}
)

// NewRegulaTor is RegulaTor for the rates of smart homes.
func NewRegulaTor() RegulaTor {
	return RegulaTor{R: 20, D: 0.8, T: 3.55, N: 100, U: 2, C: 0.5, QuietS: 2, SizeBytes: 1000}
}

// Presets are the parameters of the publication and of its implementations. They
// count Tor cells; the packet's size stays.
func (RegulaTor) Presets() []defenses.Preset {
	preset := func(name, doc string, r, d, t float64, n int, u, c float64) defenses.Preset {
		return defenses.Preset{Name: "regulator-" + name, Doc: doc, Defense: RegulaTor{
			R: r, D: d, T: t, N: n, U: u, C: c, QuietS: 2, SizeBytes: 1000,
		}}
	}
	return []defenses.Preset{
		preset("published", "Holland and Hopper 2022", 277, 0.94, 3.55, 3550, 3.95, 1.77),
		preset("light", "Holland and Hopper 2022 with a budget of 2000", 277, 0.94, 3.55, 2000, 3.95, 1.77),
		preset("maybenot-infinite", "Maybenot's machines for unlimited bandwidth", 1200, 0.98, 2.5, 5600, 4.5, 0.5),
		preset("maybenot-bottleneck", "Maybenot's machines for a bottleneck", 220, 0.94, 3.55, 2000, 3.95, 1.77),
	}
}

// DrawID is the ID of when presets were variants.
func (d RegulaTor) DrawID() string {
	return shaping.VariantID(d, NewRegulaTor(), "home", "r", "d", "t", "n", "u", "c")
}

// Info puts it at the device and at the end of its tunnel, which sends the
// surges down.
func (RegulaTor) Info() defenses.Info {
	return defenses.Info{
		Name: "regulator", Doc: "downloads in decaying surges, uploads in proportion",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.TunnelEnd}, Cite: "Holland and Hopper 2022 (RegulaTor)", Works: cite.Of("holland2022regulator"),
	}
}

// Validate refuses a rate that grows (D above 1), a budget of less than one, and
// what is out of all proportion.
func (d RegulaTor) Validate() error {
	return cmp.Or(
		params.Within("r", d.R, 0.1, 1e5),
		params.Within("d", d.D, 0.01, 1),
		params.Within("t", d.T, 0.01, 1000),
		params.Within("n", d.N, 1, 10_000_000),
		params.Within("u", d.U, 0.01, 1000),
		params.Within("c", d.C, 0.001, 60),
		params.Within("quiet_s", d.QuietS, 0.1, 3600),
		params.Within("size_bytes", d.SizeBytes, shaping.UDP4Headers+1, shaping.MTU),
	)
}

// Apply takes all that leaves the home into sessions of surges on a tunnel for
// each device. It fails with ErrSaturated when the surges cannot carry the
// traffic.
func (d RegulaTor) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	decay := decay{d: d}
	return pace(rng, in, false, int32(d.SizeBytes), func(rng *rand.Rand, p *part) {
		for start, ok := p.next(); ok; start, ok = p.next() {
			s := surge{d: d, decay: &decay, p: p, start: p.after(start), budget: rng.IntN(d.N)}
			if !s.session() {
				return
			}
		}
	})
}

// decay are the slots of a surge in order. They are the same in every surge: how long
// a slot takes hangs on the time since the surge began alone. So a power is taken once
// for each, and not for each slot of each surge of each stream.
type decay struct {
	d     RegulaTor
	slots []slot
}

// slot is the time from one packet down to the next.
type slot struct {
	takes time.Duration
	most  int  // packets that may wait before the surge begins anew
	same  bool // all later ones of the surge are like it
}

// maxSlots bounds what decay keeps, 24 bytes each: a rate that hardly decays has as
// many slots as a trace is long.
const maxSlots = 1 << 20

// at is slot k, which begins so long after its surge; those before it were asked for.
func (c *decay) at(k int, begin time.Duration) slot {
	if k < len(c.slots) {
		return c.slots[k]
	}

	// The rate falls until it is one packet a second, or does not fall at all.
	rate := max(1, c.d.R*math.Pow(c.d.D, begin.Seconds()))
	s := slot{params.Seconds(1 / rate), int(c.d.T * rate), rate == 1 || c.d.D == 1}
	if k < maxSlots {
		c.slots = append(c.slots, s)
	}
	return s
}

// surge is the state of a session: a surge after the other.
type surge struct {
	d      RegulaTor
	decay  *decay
	p      *part
	start  time.Duration // of the surge that runs
	slot   int           // of it, the next
	budget int           // dummies left
	earned float64       // uploads that downloads have paid for
}

// session runs until silence; false means that observing is over.
func (s *surge) session() bool {
	for now := s.start; ; {
		if s.p.over(now) {
			return false
		}

		// Too much waits: the rate starts again from its peak.
		down := &s.p.qs[datasets.Down]
		slot := s.decay.at(s.slot, now-s.start)
		if down.count(now) > slot.most {
			s.start, s.slot = now, 0
			slot = s.decay.at(0, 0)
		}
		if !slot.same {
			s.slot++
		}

		// A slot with neither traffic nor budget passes in silence, and pays for
		// no upload.
		if down.waits(now) || s.budget > 0 {
			if !down.waits(now) {
				s.budget--
			}
			s.p.send(datasets.Down, now)
			for s.earned += 1 / s.d.U; s.earned >= 1; s.earned-- {
				s.p.send(datasets.Up, now)
			}
		}

		next := now + slot.takes
		s.overdue(now, next)
		now = next
		if s.budget == 0 && !s.p.waits(now) && now-s.p.last() >= params.Seconds(s.d.QuietS) {
			return true
		}
	}
}

// overdue sends the uploads whose wait ends between now and the next slot.
func (s *surge) overdue(now, slot time.Duration) {
	up := &s.p.qs[datasets.Up]
	for !up.empty() {
		t := max(now, up.first()+params.Seconds(s.d.C))
		if t >= slot || s.p.over(t) {
			return
		}
		s.p.send(datasets.Up, t)
		now = t
	}
}
