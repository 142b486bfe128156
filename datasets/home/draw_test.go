package home

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestScaleExp2MatchesFloatingPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Int64Range(0, 1<<40).Draw(t, "x")
		e := rapid.Int64Range(-20<<32, 20<<32).Draw(t, "e")
		want := float64(x) * math.Exp2(float64(e)/(1<<32))
		if got := float64(scaleExp2(x, e)); math.Abs(got-want) > 1+want*3e-5 {
			t.Fatalf("scaleExp2(%d, %d) = %.0f, want %.1f", x, e, got, want)
		}
	})
}

func TestNormal(t *testing.T) {
	r := newRand(1, "normal")
	const n = 200_000
	var sum, square, beyond float64
	for range n {
		z := float64(normal(r)) / 65536
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

func TestLognormalQuantiles(t *testing.T) {
	var v value
	if err := v.parse(map[string]any{"dist": "lognormal", "med": 0.3, "p90": 1.0}, second); err != nil {
		t.Fatal(err)
	}
	r := newRand(1, "lognormal")
	var draws []int64
	for range 20_001 {
		draws = append(draws, v.draw(r))
	}
	slices.Sort(draws)
	med, p90 := float64(draws[10_000])/second, float64(draws[18_000])/second
	if math.Abs(med-0.3) > 0.01 || math.Abs(p90-1) > 0.04 {
		t.Errorf("median %.3f, 90 %% %.3f; want 0.3, 1", med, p90)
	}
}

func TestChoice(t *testing.T) {
	var v value
	if err := v.parse(map[string]any{"v": map[string]any{"5": 0.25, "-1": 0.75}}, 1); err != nil {
		t.Fatal(err)
	}
	r := newRand(1, "choice")
	n := map[int64]int{}
	for range 10_000 {
		n[v.draw(r)]++
	}
	if len(n) != 2 || n[5] < 2350 || n[5] > 2650 {
		t.Errorf("draws %v, want a quarter of 5 and the rest -1", n)
	}
}

func TestBadValues(t *testing.T) {
	for _, x := range []any{
		[]any{3, 1},
		[]any{1},
		map[string]any{"dist": "lognormal", "med": 2, "p90": 1},
		map[string]any{"what": 1},
		map[string]any{"v": map[string]any{"x": 1}},
		map[string]any{"v": map[string]any{"1": -1}},
		true,
	} {
		var v value
		if err := v.parse(x, 1); err == nil {
			t.Errorf("%v is taken for %+v, want an error", x, v)
		}
	}
}
