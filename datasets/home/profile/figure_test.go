package profile

import (
	"math"
	"slices"
	"testing"

	"veilbench/datasets/home/draw"
)

func TestLognormalQuantiles(t *testing.T) {
	v, err := parseFigure(map[string]any{"dist": "lognormal", "med": 0.3, "p90": 1.0}, float64(second))
	if err != nil {
		t.Fatal(err)
	}
	r := draw.New(1, "lognormal")
	var draws []int64
	for range 20_001 {
		draws = append(draws, v.Draw(r))
	}
	slices.Sort(draws)
	med, p90 := float64(draws[10_000])/float64(second), float64(draws[18_000])/float64(second)
	if math.Abs(med-0.3) > 0.01 || math.Abs(p90-1) > 0.04 {
		t.Errorf("median %.3f, 90 %% %.3f; want 0.3, 1", med, p90)
	}
}

func TestChoice(t *testing.T) {
	v, err := parseFigure(map[string]any{"v": map[string]any{"5": 0.25, "-1": 0.75}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := draw.New(1, "choice")
	n := map[int64]int{}
	for range 10_000 {
		n[v.Draw(r)]++
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
		if v, err := parseFigure(x, 1); err == nil {
			t.Errorf("%v is taken for %+v, want an error", x, v)
		}
	}
}
