package rate

import (
	"math"
	"testing"

	"veilbench/datasets"
)

// The defense's own promise: noise and window give back the epsilon asked for,
// and twice the releases in a window cost more.
func TestRenyiAccount(t *testing.T) {
	d := NewDPShape()
	d.SensitivityBytes, d.SensitivityUpBytes = 60_000, 200
	d.IntervalS, d.IntervalUpS, d.WindowS = 0.05, 0.01, 1
	for dir, m := range d.mechanisms() {
		if math.Abs(m.epsilon-1) > 1e-9 {
			t.Errorf("%v: %+v", datasets.Dir(dir), m)
		}
	}
	// By hand for down: n = 1 s / 50 ms = 20, log 10^6 = 13.815511,
	// sqrt(14.815511) - sqrt(13.815511) = 0.132170, sigma = 60000 sqrt(10) /
	// 0.132170 = 1435550.
	if m := d.mechanisms()[datasets.Down]; m.releases != 20 || math.Abs(m.sigma-1435550) > 200 {
		t.Errorf("%+v", m)
	}
	// The least over orders by search is what the closed form says.
	best := math.Inf(1)
	for order := 1.01; order < 500; order += 0.01 {
		best = min(best, 20*order*math.Pow(60000/1435550.0, 2)/2+math.Log(1e6)/(order-1))
	}
	if math.Abs(best-1) > 1e-3 {
		t.Errorf("the search over orders gives %v", best)
	}
}
