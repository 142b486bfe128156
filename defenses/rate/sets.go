package rate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// AnonymitySets makes activities alike in sets (after Palette, Shen et al. 2024, and
// Adaptive Tamaraw, arXiv 2509.01046, which do so with websites). Training sorts the
// activities into sets of at least K that cost little to make alike, and learns an
// envelope for each set: how many packets of one size leave each way in every step
// after it has begun.
//
// All that leaves the home shares one tunnel, which sends a packet each way every
// TailS, always. The first original after a rest begins an envelope at the next tick
// of a clock of BeginS; whose is chosen from what came until then, by the kinds of
// packets that activities began with in training. What the envelope has no room for
// leaves in the tail. No other envelope begins before the longest that training saw
// of an activity, or of a recording with one activity, is over.
//
// So there are as many kinds of traces of one activity as there are sets, but for
// when they begin, whatever the choice hangs on: an attacker names at most one
// activity of each set, and the mean of their recalls is at most sets / activities,
// which is at most 1/K. Choosing badly costs delay, never privacy. A trace whose rest
// does not leave until its end goes on for the minute that a backlog may last,
// however much was left.
//
// Deviations: the envelope is of the quantile Share of each step and way, not of a
// generated trace; and Adaptive Tamaraw begins with a general pattern before it
// knows the set, where here the clock's tick gives the time to choose.
type AnonymitySets struct {
	K         int     `help:"least number of activities in a set"`
	Share     float64 `help:"share of training activities that a step of their envelope is to carry at once"`
	SizeBytes int     `help:"size of every IP packet"`
	StepS     float64 `help:"length of a step of an envelope"`
	BeginS    float64 `help:"time between moments at which an envelope may begin"`
	TailS     float64 `help:"time between packets each way outside of envelopes"`

	learned *anonymity
}

var (
	_ defenses.Fitter   = AnonymitySets{}
	_ defenses.Promiser = AnonymitySets{}
	_ defenses.Tunneler = AnonymitySets{}
)

// NewAnonymitySets has sets of two, steps of 100 ms and a second to choose in.
func NewAnonymitySets() AnonymitySets {
	return AnonymitySets{K: 2, Share: 0.95, SizeBytes: 600, StepS: 0.1, BeginS: 1, TailS: 1}
}

// Info puts it at the gateway and at the end of its tunnel.
func (AnonymitySets) Info() defenses.Info {
	return defenses.Info{
		Name: "anonymity-sets", Doc: "activities in sets that share one learned envelope",
		Place: defenses.AtGateway, Needs: []defenses.Party{defenses.TunnelEnd}, Cite: "Shen et al. 2024 (Palette)", Works: cite.Of("shen2024palette"),
	}
}

// Validate refuses sets of fewer than two, which hide nothing, shares that are none,
// packets without room for a byte or above the MTU, and times out of all proportion.
func (d AnonymitySets) Validate() error {
	return cmp.Or(
		params.Within("k", d.K, 2, 1000),
		params.Within("share", d.Share, 0, 1),
		params.Within("size_bytes", d.SizeBytes, shaping.UDP4Headers+1, shaping.MTU),
		params.Within("step_s", d.StepS, 0.01, 10),
		params.Within("begin_s", d.BeginS, 0.01, 60),
		params.Within("tail_s", d.TailS, 0.001, 60),
	)
}

// Tunnel is that of the home.
func (AnonymitySets) Tunnel() defenses.Defense { return plainTunnel{Per: "home"} }

const recallClaim = "mean recall of activities seen one by one, at most"

// Claims states how many sets were made of how many activities, once that is learned.
func (d AnonymitySets) Claims() []defenses.Claim {
	out := []defenses.Claim{{Name: "k", Value: float64(d.K)}, {Name: "1/k", Value: 1 / float64(d.K)}}
	if l := d.learned; l != nil {
		out = append(out,
			defenses.Claim{Name: "sets", Value: float64(len(l.envelopes))},
			defenses.Claim{Name: "activities", Value: float64(len(l.kinds))},
			defenses.Claim{Name: recallClaim, Value: float64(len(l.envelopes)) / float64(len(l.kinds))})
	}
	return out
}

// Promises bounds the kinds of traces by the sets; before Fit there are none.
func (d AnonymitySets) Promises() []defenses.Promise {
	if d.learned == nil {
		return nil
	}
	return []defenses.Promise{{Claim: recallClaim, Sets: len(d.learned.envelopes)}}
}

// envelope is how many packets leave in each step, by direction.
type envelope [2][]int

// steps is how long it is.
func (e envelope) steps() int { return max(len(e[0]), len(e[1])) }

// at is how many packets leave in a step.
func (e envelope) at(dir datasets.Dir, step int) int {
	if step < len(e[dir]) {
		return e[dir][step]
	}
	return 0
}

// Apply takes all that leaves the home into the tunnel. It fails before Fit, and with
// ErrSaturated when envelopes and tail cannot carry the traffic.
func (d AnonymitySets) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if d.learned == nil {
		return defenses.Defended{}, fmt.Errorf("anonymity-sets: %w", defenses.ErrNotFitted)
	}
	return pace(rng, in, true, int32(d.SizeBytes), func(rng *rand.Rand, p *part) {
		d.play(rng, p, in.Flows)
		if p.drained > in.End {
			p.drained = p.hard // how much was left is nobody's business
		}
	})
}

// play runs the tail and the envelopes until p is over.
func (d AnonymitySets) play(rng *rand.Rand, p *part, flows []datasets.Flow) {
	step, begin, every := params.Seconds(d.StepS), params.Seconds(d.BeginS), params.Seconds(d.TailS)
	tail := time.Duration(rng.Int64N(int64(every))) // does not depend on the traffic

	var running envelope
	next := shaping.Never // when the envelope at work, or the next one, sends again
	done := 0             // steps of it
	var from [2]int       // the originals that the next one is chosen by begin here
	var free time.Duration
	for {
		// What begins an envelope is noted before it leaves: one that the tail carries
		// away begins one like any other.
		if next == shaping.Never {
			if at, ok := p.next(); ok {
				next = max((at+begin-1)/begin*begin, free)
				from = [2]int{p.qs[0].at, p.qs[1].at}
				running, done = envelope{}, 0
			}
		}
		now := min(tail, next)
		if p.over(now) {
			return
		}
		if tail <= next {
			p.send(datasets.Up, now)
			p.send(datasets.Down, now)
			tail += every
			continue
		}

		if done == 0 {
			running = d.learned.choose(p, from, now, flows)
			free = now + d.learned.rest
		}
		for dir := range datasets.Down + 1 {
			for range running.at(dir, done) {
				p.send(dir, now)
			}
		}
		next += step
		if done++; done >= running.steps() {
			next = shaping.Never
		}
	}
}
