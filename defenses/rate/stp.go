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

// STP is stochastic traffic padding (Apthorpe et al. 2019): traffic is
// sent at a constant rate while there is some, and at random times the same is
// sent for nothing, so that an observer cannot tell which periods are real.
//
// Time is cut into periods of PeriodS. A packet outside a running period starts
// one at once; inside, it waits for the next slot. With probability Q a period
// of time gets cover of that length, from a random moment in it. Periods that
// overlap run on. The stream sends PacketsPerS in each direction, and a period
// with something still waiting at its end runs on. All traffic of a device
// counts as activity.
//
// The defaults are ours, for slow devices.
type STP struct {
	Q           float64 `help:"probability of cover in a period"`
	PacketsPerS float64 `help:"rate in each direction"`
	PeriodS     float64 `help:"length of a period"`
	SizeBytes   int     `help:"size of every IP packet"`
	Per         string  `help:"device or home: what has a stream of its own"`
}

var (
	_ defenses.Defense   = STP{}
	_ defenses.Promiser  = STP{}
	_ defenses.Presetter = STP{}
	_ defenses.DrawIDer  = STP{}
)

// NewSTP is q = 0.1, R = 10 packets/s and T = 5 s for each device.
func NewSTP() STP {
	return STP{Q: 0.1, PacketsPerS: 10, PeriodS: 5, SizeBytes: 1000, Per: "device"}
}

// Presets has the one set of q, R and T that is public.
func (STP) Presets() []defenses.Preset {
	d := NewSTP()
	d.Q, d.PacketsPerS, d.PeriodS = 0.1, 100, 1
	return []defenses.Preset{{
		Name: "stp", Doc: "Engelberg and Wool 2022: T 1 s, R 100 packets/s, q 0.1 (values of Apthorpe et al. 2019 could not be had)", Defense: d,
	}}
}

// DrawID is the ID of when presets were variants.
func (d STP) DrawID() string {
	return shaping.VariantID(d, NewSTP(), "home", "q", "packets_per_s", "period_s")
}

// Info names the publication and the implementation. Its place depends on Per.
func (d STP) Info() defenses.Info {
	i := defenses.Info{
		Name: "cover-stp", Doc: "activity at a constant rate, and cover periods that look like it",
		Place: shaping.PlaceOf(d.Per), Needs: []defenses.Party{defenses.TunnelEnd}, Cite: "Apthorpe et al. 2019; Engelberg and Wool 2022", Works: cite.Of("apthorpe2019stp", "engelberg2022iot"),
	}
	return i
}

// Validate refuses a q that is no probability, rates and periods out of all
// proportion, and packets without room for a byte or above the MTU.
func (d STP) Validate() error {
	return cmp.Or(
		params.Within("q", d.Q, 0, 1),
		params.Within("packets_per_s", d.PacketsPerS, 0.01, 10000),
		params.Within("period_s", d.PeriodS, 0.01, 3600),
		params.Within("size_bytes", d.SizeBytes, shaping.UDP4Headers+1, shaping.MTU),
		shaping.CheckPer(d.Per),
	)
}

// Claims states q, R and T, and what they promise of one period: one with
// activity is always shaped, one without with probability q, so by Bayes' rule
// seeing a shaped period multiplies the odds of activity by 1/q at most. It is
// the account of a single period and of period-aligned cover; several periods
// in a row multiply.
func (d STP) Claims() []defenses.Claim {
	out := []defenses.Claim{
		{Name: "q", Value: d.Q},
		{Name: "R", Value: d.PacketsPerS, Unit: "packets/s"},
		{Name: "T", Value: d.PeriodS, Unit: "s"},
	}
	if d.Q > 0 {
		out = append(out, defenses.Claim{Name: oddsClaim, Value: 1 / d.Q})
	}
	return out
}

const oddsClaim = "odds of activity in a shaped period, at most times"

// Promises bounds what is learned from whether a period is shaped, of activity that
// may come at any moment of it. The account says nothing about when in a period
// shaping begins or how long it lasts: activity on top of cover lasts longer, which
// where q is near 1 shows more than 1/q. A period with activity is always shaped, so
// it holds one way only.
func (d STP) Promises() []defenses.Promise {
	if d.Q == 0 {
		return nil
	}
	return []defenses.Promise{{Claim: oddsClaim, Loss: &defenses.Loss{
		Epsilon: math.Log(1 / d.Q), Odds: true, Window: params.Seconds(d.PeriodS), Bytes: 100, Random: true, Any: true,
	}}}
}

// Apply takes all that leaves the home into periods at a constant rate, each way
// alike, and adds periods of dummies. It fails with ErrSaturated when the rate
// cannot carry the traffic.
func (d STP) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	period := params.Seconds(d.PeriodS)
	step := params.Seconds(1 / d.PacketsPerS)
	return pace(rng, in, d.Per == shaping.PerHome, int32(d.SizeBytes), func(rng *rand.Rand, p *part) {
		cover := injected{rng: rng, q: d.Q, period: period}
		cover.advance()
		now := time.Duration(0) // when the next slot may be
		for {
			start, ok := p.next()
			if !ok || cover.at < start {
				start = cover.at
			}
			if now = cover.shape(p, max(start, now), step); p.over(now) {
				return
			}
		}
	})
}

// shape sends a period from start on, a packet each way in every step, and returns
// when the next slot may be. It ends early when p is over.
func (c *injected) shape(p *part, start, step time.Duration) (now time.Duration) {
	end := start + c.period
	for now = start; now < end; now += step {
		if p.over(now) {
			return now
		}
		p.send(datasets.Up, now)
		p.send(datasets.Down, now)

		// Cover that is due meanwhile does not wait its turn: as in the
		// implementation, the running period takes it in and goes on.
		for c.at <= now {
			end = max(end, c.at+c.period)
			c.advance()
		}
		if now+step >= end && p.waits(now) {
			end += c.period
		}
	}
	return now
}

// injected draws the starts of cover periods, forward in time.
type injected struct {
	rng    *rand.Rand
	q      float64
	period time.Duration
	done   int64         // periods looked at
	at     time.Duration // the next start
}

// advance draws the next start: one draw for whether a period has cover and one
// for when, both always, so that q does not shift the draws. After 2^20 periods
// without cover there is none.
func (c *injected) advance() {
	if c.q == 0 {
		c.at = shaping.Never
		return
	}
	for range 1 << 20 {
		base := time.Duration(c.done) * c.period
		c.done++
		hit, offset := c.rng.Float64() < c.q, c.rng.Int64N(int64(c.period))
		if hit {
			c.at = base + time.Duration(offset)
			return
		}
	}
	c.at = shaping.Never
}
