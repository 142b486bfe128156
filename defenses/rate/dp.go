package rate

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// DPShape releases, every interval, a random number of bytes around what
// waits, so that what an observer sees is differentially private (NetShaper,
// Sabzi et al. 2024). All streams share one tunnel at the gateway. In each
// direction, every interval, it reads the bytes in the queue, adds Gaussian
// noise, clips to 0 and what 100 Mbit/s could carry, and sends that many bytes
// at once in packets of at most the MTU, real ones first.
//
// Claims states the promise: two patterns of traffic whose queues never differ by
// more than the sensitivity, over any WindowS seconds, give releases that are
// (Epsilon, Delta)-indistinguishable. It holds for each direction; for both
// together the Epsilons add up. It says nothing about traffic that differs by
// more.
//
// The defaults are ours, for slow devices.
type DPShape struct {
	Epsilon            float64 `help:"privacy loss in a window"`
	Delta              float64 `help:"probability that it is larger"`
	SensitivityBytes   int     `help:"difference to hide down"`
	SensitivityUpBytes int     `help:"difference to hide up"`
	IntervalS          float64 `help:"time between releases down"`
	IntervalUpS        float64 `help:"time between releases up"`
	WindowS            float64 `help:"time over which the promise holds"`
}

var (
	_ defenses.Defense   = DPShape{}
	_ defenses.Promiser  = DPShape{}
	_ defenses.Presetter = DPShape{}
	_ defenses.DrawIDer  = DPShape{}
)

// NewDPShape hides 1000 bytes each way, released every second, over 5 s.
func NewDPShape() DPShape {
	return DPShape{
		Epsilon: 1, Delta: 1e-6, SensitivityBytes: 1000, SensitivityUpBytes: 1000,
		IntervalS: 1, IntervalUpS: 1, WindowS: 5,
	}
}

// Presets are the publication's, for a video and for web pages, with 200 bytes and
// 10 ms up.
func (DPShape) Presets() []defenses.Preset {
	preset := func(name, doc string, sensitivity int, interval, window float64) defenses.Preset {
		d := NewDPShape()
		d.SensitivityBytes, d.SensitivityUpBytes = sensitivity, 200
		d.IntervalS, d.IntervalUpS, d.WindowS = interval, 0.01, window
		return defenses.Preset{Name: "dp-shape-" + name, Doc: "Sabzi et al. 2024, " + doc, Defense: d}
	}
	return []defenses.Preset{
		preset("video-1s", "video streams, released every second", 2_500_000, 1, 5),
		preset("video-500ms", "video streams, released every 500 ms", 2_500_000, 0.5, 5),
		preset("video-100ms", "video streams, released every 100 ms", 2_500_000, 0.1, 5),
		preset("web-10ms", "web pages, released every 10 ms", 60_000, 0.01, 1),
		preset("web-50ms", "web pages, released every 50 ms", 60_000, 0.05, 1),
		preset("web-100ms", "web pages, released every 100 ms", 60_000, 0.1, 1),
	}
}

// DrawID is the ID of when presets were variants.
func (d DPShape) DrawID() string {
	return shaping.VariantID(d, NewDPShape(), "home",
		"sensitivity_bytes", "sensitivity_up_bytes", "interval_s", "interval_up_s", "window_s")
}

// Info states the promise in one line.
func (d DPShape) Info() defenses.Info {
	return defenses.Info{
		Name: "dp-shape", Place: defenses.AtGateway, Needs: []defenses.Party{defenses.TunnelEnd}, Cite: "Sabzi et al. 2024 (NetShaper)", Works: cite.Of("sabzi2024netshaper"),
		Doc: fmt.Sprintf("differentially private shaping, epsilon %v and delta %v in %v s", d.Epsilon, d.Delta, d.WindowS),
	}
}

// Validate refuses an epsilon or delta that promises nothing or costs without
// bound, a sensitivity of 0, which needs no noise, and times out of all
// proportion.
func (d DPShape) Validate() error {
	return cmp.Or(
		params.Within("epsilon", d.Epsilon, 1e-3, 1e6),
		params.Within("delta", d.Delta, 1e-15, 0.1),
		params.Within("sensitivity_bytes", d.SensitivityBytes, 1, 1_000_000_000),
		params.Within("sensitivity_up_bytes", d.SensitivityUpBytes, 1, 1_000_000_000),
		params.Within("interval_s", d.IntervalS, 1e-3, 3600),
		params.Within("interval_up_s", d.IntervalUpS, 1e-3, 3600),
		params.Within("window_s", d.WindowS, 1e-3, 86400),
	)
}

// mechanism is what one direction does every interval.
type mechanism struct {
	interval time.Duration
	releases int     // how many happen in a window at most
	hidden   int     // the difference in bytes that is hidden
	sigma    float64 // standard deviation of the noise in bytes
	epsilon  float64 // privacy loss of a window, by Renyi accounting
}

// mechanisms are those of both directions, with the least noise that keeps the
// promise.
//
// A release is a Gaussian mechanism, of Renyi divergence a s^2 / (2 sigma^2)
// at order a for sensitivity s. Those of the n releases of a window add up, and
// loss at Delta is the least over a > 1 of n a s^2 / (2 sigma^2) +
// log(1/Delta) / (a - 1) (Mironov 2017, proposition 3), which is r + 2 sqrt(r
// log(1/Delta)) with r = n s^2 / (2 sigma^2).
func (d DPShape) mechanisms() [2]mechanism {
	one := func(interval float64, hidden int) mechanism {
		// A window of 1 s has 20 releases at 50 ms: division may say a little
		// more, which must not round up to 21.
		n := int(math.Ceil(d.WindowS/interval - 1e-9))

		// Solved for the r whose loss is Epsilon, a quadratic in sqrt(r), and
		// that for sigma.
		l := math.Log(1 / d.Delta)
		root := math.Sqrt(d.Epsilon+l) - math.Sqrt(l)
		sigma := float64(hidden) * math.Sqrt(float64(n)/2) / root
		return mechanism{
			interval: params.Seconds(interval), releases: n, hidden: hidden, sigma: sigma,
			epsilon: gaussianLoss(n, float64(hidden), sigma, d.Delta),
		}
	}
	return [2]mechanism{
		datasets.Up:   one(d.IntervalUpS, d.SensitivityUpBytes),
		datasets.Down: one(d.IntervalS, d.SensitivityBytes),
	}
}

// Claims states the account of each direction. Both together lose the sum of
// the epsilons.
func (d DPShape) Claims() []defenses.Claim {
	out := []defenses.Claim{{Name: "window", Value: d.WindowS, Unit: "s"}}
	for dir, m := range d.mechanisms() {
		of := " " + datasets.Dir(dir).String()
		out = append(out,
			defenses.Claim{Name: "epsilon" + of, Value: m.epsilon},
			defenses.Claim{Name: "delta" + of, Value: d.Delta},
			defenses.Claim{Name: "difference hidden" + of, Value: float64(m.hidden), Unit: "bytes"},
			defenses.Claim{Name: "noise" + of, Value: m.sigma, Unit: "bytes"},
			defenses.Claim{Name: "releases in a window" + of, Value: float64(m.releases)})
	}
	return out
}

// Promises bounds what a difference of as many bytes as are hidden shows in a
// window, in each direction, whichever of the two patterns is the real one. Two
// bursts in windows that overlap would be more than is hidden.
func (d DPShape) Promises() []defenses.Promise {
	var out []defenses.Promise
	for dir, m := range d.mechanisms() {
		out = append(out, defenses.Promise{
			Claim: "epsilon " + datasets.Dir(dir).String(),
			Loss: &defenses.Loss{
				Epsilon: m.epsilon, Delta: d.Delta, Window: params.Seconds(d.WindowS), Bytes: m.hidden, Dir: datasets.Dir(dir), Both: true,
			},
		})
	}
	return out
}

// gaussianLoss is the epsilon at delta of n Gaussian releases.
func gaussianLoss(n int, sensitivity, sigma, delta float64) float64 {
	r := float64(n) * sensitivity * sensitivity / (2 * sigma * sigma)
	return r + 2*math.Sqrt(r*math.Log(1/delta))
}

// fullLoad is how many bytes a second at most are released in a direction: 100
// Mbit/s.
const fullLoad = 12.5e6

// Apply takes all that leaves the home into one tunnel, whose packets leave in
// groups at fixed times. It fails with ErrSaturated when too little is released
// to carry the traffic.
func (d DPShape) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	ms := d.mechanisms()
	return pace(rng, in, true, shaping.MTU, func(rng *rand.Rand, p *part) {
		// The phase of a clock is the first draw of its direction's generator.
		noise := [2]*rand.Rand{defenses.Stream(rng), defenses.Stream(rng)}
		at := [2]time.Duration{}
		for dir := range at {
			at[dir] = time.Duration(noise[dir].Int64N(int64(ms[dir].interval)))
		}

		for {
			dir := earlier(at)
			now := at[dir]
			if p.over(now) {
				return
			}

			// Clipping comes after the noise, so it costs no privacy.
			m := ms[dir]
			n := float64(p.qs[dir].bytes(now)) + m.sigma*noise[dir].NormFloat64()
			n = max(0, min(n, fullLoad*m.interval.Seconds()))
			p.release(dir, now, int64(n))
			at[dir] += m.interval
		}
	})
}

// release sends n bytes at once, headers of the tunnel not counted.
func (p *part) release(dir datasets.Dir, now time.Duration, n int64) {
	const full = shaping.MTU - shaping.UDP4Headers
	for ; n > 0; n -= full {
		p.sendSized(dir, now, int32(min(n, full))+shaping.UDP4Headers)
	}
}
