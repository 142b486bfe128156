package defenses

import (
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// CoverSTP is stochastic traffic padding (Apthorpe et al. 2019): traffic is
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
// The stp variant is T = 1 s, R = 100 packets/s, q = 0.1, as Engelberg and Wool
// implement it (the publication's own values could not be had); home is ours,
// for slow devices: T = 5 s, R = 10 packets/s, q = 0.1. A parameter of 0 takes
// the variant's value.
type CoverSTP struct {
	Variant     string  `help:"stp or home"`
	Q           float64 `help:"probability of cover in a period; 0: of the variant"`
	PacketsPerS float64 `help:"rate in each direction; 0: of the variant"`
	PeriodS     float64 `help:"length of a period; 0: of the variant"`
	SizeBytes   int     `help:"size of every IP packet"`
	Per         string  `help:"device or home: what has a stream of its own"`
}

var (
	_ Defense = CoverSTP{}
	_ Claimer = CoverSTP{}
)

func stpVariants() map[string]CoverSTP {
	return map[string]CoverSTP{
		"stp":  {Q: 0.1, PacketsPerS: 100, PeriodS: 1},
		"home": {Q: 0.1, PacketsPerS: 10, PeriodS: 5},
	}
}

// Info describes the defense. Its place depends on Per.
func (d CoverSTP) Info() Info {
	i := Info{
		Name: "cover-stp", Doc: "activity at a constant rate, and cover periods that look like it",
		Place: AtDevice, Needs: []Party{TunnelEnd}, Cite: "Apthorpe et al. 2019; Engelberg and Wool 2022", Works: cite.Of("apthorpe2019stp", "engelberg2022iot"),
	}
	if d.Per == "home" {
		i.Place = AtGateway
	}
	return i
}

// Validate refuses parameters out of range.
func (d CoverSTP) Validate() error {
	return first(
		variant(d.Variant, stpVariants()),
		within("q", d.Q, 0, 1),
		orZero("packets_per_s", d.PacketsPerS, 0.01, 10000),
		orZero("period_s", d.PeriodS, 0.01, 3600),
		within("size_bytes", d.SizeBytes, udp4+1, mtu),
		oneOf("per", d.Per, "device", "home"),
	)
}

// values are q, packets per second and seconds in a period: those of the
// variant, overridden by parameters that are set.
func (d CoverSTP) values() (q, rate, period float64) {
	v := stpVariants()[d.Variant]
	return either(d.Q, v.Q), either(d.PacketsPerS, v.PacketsPerS), either(d.PeriodS, v.PeriodS)
}

// Claims states q, R and T, and what they promise of one period: one with
// activity is always shaped, one without with probability q, so by Bayes' rule
// seeing a shaped period multiplies the odds of activity by 1/q at most. It is
// the account of a single period and of period-aligned cover; several periods
// in a row multiply.
func (d CoverSTP) Claims() []Claim {
	q, rate, period := d.values()
	out := []Claim{{"q", q, ""}, {"R", rate, "packets/s"}, {"T", period, "s"}}
	if q > 0 {
		out = append(out, Claim{"odds of activity in a shaped period, at most times", 1 / q, ""})
	}
	return out
}

// Apply shapes.
func (d CoverSTP) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	q, rate, length := d.values()
	period := seconds(length)
	step := seconds(1 / rate)
	return pace(rng, in, d.Per == "home", int32(d.SizeBytes), func(rng *rand.Rand, qs *[2]queue, p *part) {
		cover := injected{rng: rng, q: q, period: period}
		cover.advance()
		now := time.Duration(0) // when the next slot may be
		for {
			start, ok := next(qs)
			if !ok || cover.at < start {
				start = cover.at
			}
			start = max(start, now)
			end := start + period
			for now = start; now < end; now += step {
				if p.over(now, qs) {
					return
				}
				p.send(&qs[0], datasets.Up, now)
				p.send(&qs[1], datasets.Down, now)
				for cover.at <= now {
					end = max(end, cover.at+period)
					cover.advance()
				}
				if now+step >= end && (waits(&qs[0], now) || waits(&qs[1], now)) {
					end += period
				}
			}
			if p.over(now, qs) {
				return
			}
		}
	})
}

// waits tells whether something is left of what was there at now.
func waits(q *queue, now time.Duration) bool { return q.begun || q.ready(now) }

// never is later than any trace ends.
const never = time.Duration(1 << 61)

// injected draws the starts of cover periods, forward in time.
type injected struct {
	rng    *rand.Rand
	q      float64
	period time.Duration
	done   int64         // periods looked at
	at     time.Duration // the next start
}

func (c *injected) advance() {
	if c.q == 0 {
		c.at = never
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
	c.at = never
}
