package defenses

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// DPShape releases, every interval, a random number of bytes around what
// waits, so that what an observer sees is differentially private (NetShaper,
// Sabzi et al. 2024). All streams share one tunnel at the gateway. In each
// direction, every interval, it reads the bytes in the queue, adds Gaussian
// noise, clips to 0 and what 100 Mbit/s could carry, and sends that many bytes
// at once in packets of at most the MTU, real ones first.
//
// Account is the promise: two patterns of traffic whose queues never differ by
// more than the sensitivity, over any WindowS seconds, give releases that are
// (Epsilon, Delta)-indistinguishable. It holds for each direction; for both
// together the Epsilons add up. It says nothing about traffic that differs by
// more.
//
// Variants: video-1s, video-500ms, video-100ms (sensitivity 2.5 MB down,
// window 5 s) and web-10ms, web-50ms, web-100ms (60 kB, 1 s) are published,
// with 200 bytes and 10 ms up; home is ours, for slow devices: 1000 bytes both
// ways, every second, window 5 s. A parameter of 0 takes the variant's value.
type DPShape struct {
	Variant            string  `help:"video-1s, video-500ms, video-100ms, web-10ms, web-50ms, web-100ms or home"`
	Epsilon            float64 `help:"privacy loss in a window"`
	Delta              float64 `help:"probability that it is larger"`
	SensitivityBytes   float64 `help:"difference to hide down; 0: of the variant"`
	SensitivityUpBytes float64 `help:"difference to hide up; 0: of the variant"`
	IntervalS          float64 `help:"time between releases down; 0: of the variant"`
	IntervalUpS        float64 `help:"time between releases up; 0: of the variant"`
	WindowS            float64 `help:"time over which the promise holds; 0: of the variant"`
}

var (
	_ Defense = DPShape{}
	_ Claimer = DPShape{}
)

func dpVariants() map[string]DPShape {
	video := func(interval float64) DPShape {
		return DPShape{SensitivityBytes: 2.5e6, SensitivityUpBytes: 200, IntervalS: interval, IntervalUpS: 0.01, WindowS: 5}
	}
	web := func(interval float64) DPShape {
		return DPShape{SensitivityBytes: 60e3, SensitivityUpBytes: 200, IntervalS: interval, IntervalUpS: 0.01, WindowS: 1}
	}
	return map[string]DPShape{
		"video-1s": video(1), "video-500ms": video(0.5), "video-100ms": video(0.1),
		"web-10ms": web(0.01), "web-50ms": web(0.05), "web-100ms": web(0.1),
		"home": {SensitivityBytes: 1000, SensitivityUpBytes: 1000, IntervalS: 1, IntervalUpS: 1, WindowS: 5},
	}
}

// values are those of the variant, overridden by parameters that are set.
func (d DPShape) values() DPShape {
	v := dpVariants()[d.Variant]
	d.SensitivityBytes = either(d.SensitivityBytes, v.SensitivityBytes)
	d.SensitivityUpBytes = either(d.SensitivityUpBytes, v.SensitivityUpBytes)
	d.IntervalS, d.IntervalUpS = either(d.IntervalS, v.IntervalS), either(d.IntervalUpS, v.IntervalUpS)
	d.WindowS = either(d.WindowS, v.WindowS)
	return d
}

// Info describes the defense with its promise.
func (d DPShape) Info() Info {
	return Info{
		Name: "dp-shape", Place: AtGateway, Needs: []Party{TunnelEnd}, Cite: "Sabzi et al. 2024 (NetShaper)", Works: cite.Of("sabzi2024netshaper"),
		Doc: fmt.Sprintf("differentially private shaping, epsilon %v and delta %v in %v s", d.Epsilon, d.Delta, d.values().WindowS),
	}
}

// Validate refuses parameters out of range.
func (d DPShape) Validate() error {
	return first(
		variant(d.Variant, dpVariants()),
		within("epsilon", d.Epsilon, 1e-3, 1e6),
		within("delta", d.Delta, 1e-15, 0.1),
		orZero("sensitivity_bytes", d.SensitivityBytes, 1, 1e9),
		orZero("sensitivity_up_bytes", d.SensitivityUpBytes, 1, 1e9),
		orZero("interval_s", d.IntervalS, 1e-3, 3600),
		orZero("interval_up_s", d.IntervalUpS, 1e-3, 3600),
		orZero("window_s", d.WindowS, 1e-3, 86400),
	)
}

// Release is the mechanism of one direction.
type Release struct {
	Interval time.Duration
	// Releases is how many happen in a window at most.
	Releases int
	// Sigma is the standard deviation of the noise in bytes.
	Sigma float64
	// Epsilon at Delta is the privacy loss of a window, by Renyi accounting.
	Epsilon, Delta float64
}

// Account returns the mechanism of each direction with its privacy loss.
//
// A release is a Gaussian mechanism, of Renyi divergence a s^2 / (2 sigma^2)
// at order a for sensitivity s. Those of the n releases of a window add up, and
// loss at Delta is the least over a > 1 of n a s^2 / (2 sigma^2) +
// log(1/Delta) / (a - 1) (Mironov 2017, proposition 3), which is r + 2 sqrt(r
// log(1/Delta)) with r = n s^2 / (2 sigma^2).
func (d DPShape) Account() [2]Release {
	v := d.values()
	one := func(interval, sensitivity float64) Release {
		n := int(math.Ceil(v.WindowS/interval - 1e-9))
		l := math.Log(1 / d.Delta)
		// The r that gives Epsilon, and the noise that gives it.
		root := math.Sqrt(d.Epsilon+l) - math.Sqrt(l)
		sigma := sensitivity * math.Sqrt(float64(n)/2) / root
		return Release{
			Interval: seconds(interval), Releases: n, Sigma: sigma, Delta: d.Delta,
			Epsilon: gaussianLoss(n, sensitivity, sigma, d.Delta),
		}
	}
	return [2]Release{
		datasets.Up:   one(v.IntervalUpS, v.SensitivityUpBytes),
		datasets.Down: one(v.IntervalS, v.SensitivityBytes),
	}
}

// Claims states the account of each direction. Both together lose the sum of
// the epsilons.
func (d DPShape) Claims() []Claim {
	v, account := d.values(), d.Account()
	out := []Claim{{"window", v.WindowS, "s"}}
	for dir, hidden := range [2]float64{datasets.Up: v.SensitivityUpBytes, datasets.Down: v.SensitivityBytes} {
		a, of := account[dir], " "+datasets.Dir(dir).String()
		out = append(out,
			Claim{"epsilon" + of, a.Epsilon, ""}, Claim{"delta" + of, a.Delta, ""},
			Claim{"difference hidden" + of, hidden, "bytes"}, Claim{"noise" + of, a.Sigma, "bytes"},
			Claim{"releases in a window" + of, float64(a.Releases), ""})
	}
	return out
}

// gaussianLoss is Epsilon of n Gaussian releases.
func gaussianLoss(n int, sensitivity, sigma, delta float64) float64 {
	r := float64(n) * sensitivity * sensitivity / (2 * sigma * sigma)
	return r + 2*math.Sqrt(r*math.Log(1/delta))
}

// Apply shapes.
func (d DPShape) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	account := d.Account()
	return pace(rng, in, true, mtu, func(rng *rand.Rand, qs *[2]queue, p *part) {
		noise := [2]*rand.Rand{Stream(rng), Stream(rng)}
		at := [2]time.Duration{}
		for dir := range at {
			at[dir] = time.Duration(noise[dir].Int64N(int64(account[dir].Interval)))
		}
		for {
			dir := 0
			if at[1] < at[0] {
				dir = 1
			}
			now := at[dir]
			if p.over(now, qs) {
				return
			}
			a := account[dir]
			most := 12.5e6 * a.Interval.Seconds()
			n := float64(qs[dir].bytes(now)) + a.Sigma*noise[dir].NormFloat64()
			release(&qs[dir], datasets.Dir(dir), now, int64(max(0, min(n, most))), p)
			at[dir] += a.Interval
		}
	})
}

// release sends n bytes, headers of the tunnel not counted.
func release(q *queue, dir datasets.Dir, now time.Duration, n int64, p *part) {
	const full = mtu - udp4
	for ; n > 0; n -= full {
		p.sendSized(q, dir, now, int32(min(n, full))+udp4)
	}
}
