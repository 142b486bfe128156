package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Without ties p is the share of all orders of the figures whose sum of signs is as
// far from 0, counted one by one.
func TestTrendIsExact(t *testing.T) {
	for _, y := range [][]float64{{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {1, 3, 2, 5, 4, 6}, {2, 1, 4, 3, 6, 5}} {
		_, p, ok := Trend(y)
		sum := func(y []float64) (s int) {
			for i := range y {
				for j := i + 1; j < len(y); j++ {
					if y[j] > y[i] {
						s++
					} else {
						s--
					}
				}
			}
			return s
		}
		far, all := 0, 0
		var orders func(done, rest []float64)
		orders = func(done, rest []float64) {
			if len(rest) == 0 {
				all++
				if abs(sum(done)) >= abs(sum(y)) {
					far++
				}
				return
			}
			for i := range rest {
				left := append(append([]float64(nil), rest[:i]...), rest[i+1:]...)
				orders(append(append([]float64(nil), done...), rest[i]), left)
			}
		}
		orders(nil, y)
		if want := float64(far) / float64(all); !ok || math.Abs(p-want) > 1e-12 {
			t.Errorf("%v: p %v, want %v of %d orders", y, p, want, all)
		}
	}
}

// The slope is that of a line, whatever one figure far off does; without a trend p is
// below 0.05 no more often than it says, ties or not.
func TestTrend(t *testing.T) {
	slope, p, ok := Trend([]float64{1, 1.5, 2, 50, 3, 3.5, 4})
	if !ok || math.Abs(slope-0.5) > 1e-12 || p > 0.2 {
		t.Errorf("slope %v, p %v", slope, p)
	}
	if _, _, ok := Trend([]float64{1, 2, 3, 4}); ok {
		t.Error("a trend of four figures")
	}
	if slope, p, _ := Trend([]float64{2, 2, 2, 2, 2, 2}); slope != 0 || p != 1 {
		t.Errorf("of the same figures: slope %v, p %v", slope, p)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, values := range []float64{1e9, 4} {
		wrong := 0
		const rounds = 2000
		for range rounds {
			y := make([]float64, 10)
			for i := range y {
				y[i] = math.Floor(values * r.Float64())
			}
			if _, p, _ := Trend(y); p <= 0.05 {
				wrong++
			}
		}
		if share := float64(wrong) / rounds; share > 0.06 {
			t.Errorf("%v values: %.3f of series without a trend have one", values, share)
		}
	}
}

func TestQuantile(t *testing.T) {
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 0.75: 3.25, 1: 4} {
		if got := Quantile([]float64{4, 1, 3, 2}, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}
