package draw

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestScaleExp2MatchesFloatingPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Int64Range(0, 1<<40).Draw(t, "x")
		e := rapid.Int64Range(-20<<32, 20<<32).Draw(t, "e")
		want := float64(x) * math.Exp2(float64(e)/(1<<32))
		if got := float64(ScaleExp2(x, e)); math.Abs(got-want) > 1+want*3e-5 {
			t.Fatalf("ScaleExp2(%d, %d) = %.0f, want %.1f", x, e, got, want)
		}
	})
}

func TestNormal(t *testing.T) {
	r := New(1, "normal")
	const n = 200_000
	var sum, square, beyond float64
	for range n {
		z := float64(Normal(r)) / 65536
		sum += z
		square += z * z
		if math.Abs(z) > 1.96 {
			beyond++
		}
	}
	// Three standard errors; 5 % lie beyond 1.96 in a normal distribution.
	if math.Abs(sum/n) > 0.007 || math.Abs(square/n-1) > 0.01 || math.Abs(beyond/n-0.05) > 0.003 {
		t.Errorf("mean %.4f, variance %.4f, beyond 1.96 %.4f", sum/n, square/n, beyond/n)
	}
}
