package hmm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
)

// logs are the logarithms of probabilities.
func logs(rows ...[]float64) [][]float64 {
	for _, r := range rows {
		for i, v := range r {
			r[i] = math.Log(v)
		}
	}
	return rows
}

// umbrella is the example of Russell and Norvig, Artificial Intelligence (third
// edition), section 15.2: rain or none, one step for all times.
func umbrella() Chain {
	return Chain{logs([]float64{0.5, 0.5})[0], [][][]float64{logs([]float64{0.7, 0.3}, []float64{0.3, 0.7})}}
}

// seen is what days with and without an umbrella say of rain and none.
func seen(umbrellas ...bool) [][]float64 {
	var out [][]float64
	for _, u := range umbrellas {
		if u {
			out = append(out, logs([]float64{0.9, 0.2})[0])
		} else {
			out = append(out, logs([]float64{0.1, 0.8})[0])
		}
	}
	return out
}

// TestPosteriorOfUmbrellas: two days with an umbrella. Forward messages are
// (.818, .182) and (.883, .117), the backward one of day 1 is (.69, .41); together
// (.883, .117) for both days, as the book has it.
func TestPosteriorOfUmbrellas(t *testing.T) {
	got := umbrella().Posterior(seen(true, true), make([]int, 2))
	for day, p := range got {
		if math.Abs(p[0]-0.8834) > 5e-5 || math.Abs(p[1]-0.1166) > 5e-5 {
			t.Errorf("day %d: %v, want .8834 and .1166", day+1, p)
		}
	}
	if one := umbrella().Posterior(seen(true), make([]int, 1)); math.Abs(one[0][0]-9./11) > 1e-12 {
		t.Errorf("one day: %v, want 9/11", one[0])
	}
}

// TestViterbiOfUmbrellas: the umbrella is left at home on the third of five days; the
// book's path is rain, rain, none, rain, rain.
func TestViterbiOfUmbrellas(t *testing.T) {
	path, _ := umbrella().Viterbi(seen(true, true, false, true, true), make([]int, 5))
	if !slices.Equal(path, []int{0, 0, 1, 0, 0}) {
		t.Errorf("path %v", path)
	}
}

// TestViterbiOfFever is the textbook's patient: healthy or fever, who feels normal,
// cold, dizzy. By hand: .3 and .04; .084 and .027; .00588 and .01512, which comes
// from healthy.
func TestViterbiOfFever(t *testing.T) {
	c := Chain{logs([]float64{0.6, 0.4})[0], [][][]float64{logs([]float64{0.7, 0.3}, []float64{0.4, 0.6})}}
	path, p := c.Viterbi(logs([]float64{0.5, 0.1}, []float64{0.4, 0.3}, []float64{0.1, 0.6}), make([]int, 3))
	if !slices.Equal(path, []int{0, 0, 1}) || math.Abs(math.Exp(p)-0.01512) > 1e-12 {
		t.Errorf("path %v with %v, want 0 0 1 with .01512", path, math.Exp(p))
	}
}

// TestPhases: nothing is seen at all, and the step of phase 1 turns the state round
// for certain, that of phase 0 keeps it.
func TestPhases(t *testing.T) {
	c := Chain{logs([]float64{0.75, 0.25})[0], [][][]float64{logs([]float64{1, 0}, []float64{0, 1}), logs([]float64{0, 1}, []float64{1, 0})}}
	nothing, phase := rows(4, 2), []int{0, 0, 1, 0}
	got := c.Posterior(nothing, phase)
	for i, want := range []float64{0.75, 0.75, 0.25, 0.25} {
		if math.Abs(got[i][0]-want) > 1e-12 {
			t.Errorf("time %d: %v, want %v", i, got[i][0], want)
		}
	}
	if path, _ := c.Viterbi(nothing, phase); !slices.Equal(path, []int{0, 0, 1, 1}) {
		t.Errorf("path %v", path)
	}
}

// TestAgainstAllPaths compares both algorithms with adding up every path there is.
func TestAgainstAllPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const states, n, phases = 3, 5, 2
	for range 50 {
		draw := func() []float64 {
			out := make([]float64, states)
			for i := range out {
				out[i] = math.Log(rng.Float64())
			}
			normalize(out)
			return out
		}
		c := Chain{draw(), nil}
		for range phases {
			c.Step = append(c.Step, [][]float64{draw(), draw(), draw()})
		}
		emit, phase := make([][]float64, n), make([]int, n)
		for i := range emit {
			emit[i], phase[i] = draw(), rng.IntN(phases)
		}

		want, best := rows(n, states), math.Inf(-1)
		var bestPath []int
		for k := range 243 { // 3^5 paths
			path := []int{k % 3, k / 3 % 3, k / 9 % 3, k / 27 % 3, k / 81}
			p := c.Start[path[0]] + emit[0][path[0]]
			for i := 1; i < n; i++ {
				p += c.Step[phase[i]][path[i-1]][path[i]] + emit[i][path[i]]
			}
			for i, s := range path {
				want[i][s] += math.Exp(p)
			}
			if p > best {
				best, bestPath = p, path
			}
		}
		for i, row := range c.Posterior(emit, phase) {
			floats.Scale(1/floats.Sum(want[i]), want[i])
			if !floats.EqualApprox(row, want[i], 1e-12) {
				t.Fatalf("time %d: %v, want %v", i, row, want[i])
			}
		}
		if path, p := c.Viterbi(emit, phase); !slices.Equal(path, bestPath) || math.Abs(p-best) > 1e-9 {
			t.Fatalf("path %v with %v, want %v with %v", path, p, bestPath, best)
		}
	}
}

// TestLong: over a year of quarter hours nothing vanishes, and an observation that
// no state explains says nothing of the others.
func TestLong(t *testing.T) {
	emit := make([][]float64, 96*365)
	for i := range emit {
		emit[i] = []float64{-800, -801}
	}
	emit[1000] = []float64{math.Inf(-1), math.Inf(-1)}
	for i, p := range umbrella().Posterior(emit, make([]int, len(emit))) {
		if math.IsNaN(p[0]) || math.Abs(p[0]+p[1]-1) > 1e-9 || i > 1010 && p[0] < 0.6 {
			t.Fatalf("time %d: %v", i, p)
		}
	}
}

// TestCounts: three steps 0 to 0 and one 0 to 1 in phase 0, one 1 to 1 in phase 1;
// unknown states break the path. All phases together: from 0 (3+.5)/(4+1), from 1
// (1+.5)/(1+1); phase 0 from 0 with a prior of 2: (3+2*.7)/(4+2).
func TestCounts(t *testing.T) {
	c := NewCounts(2, 2)
	c.Add([]int{0, 0, 0, 0, 1, 1, -1, 0}, []int{0, 0, 0, 0, 0, 1, 0, 0})
	got := c.Chain(2)
	for _, x := range []struct {
		what      string
		got, want float64
	}{
		{"start", got.Start[0], 6. / 9},
		{"0 to 0 in phase 0", got.Step[0][0][0], 4.4 / 6},
		{"0 to 1 in phase 0", got.Step[0][0][1], 1.6 / 6},
		{"0 to 0 in phase 1", got.Step[1][0][0], 0.7},
		{"1 to 1 in phase 1", got.Step[1][1][1], (1 + 2*0.75) / 3},
	} {
		if math.Abs(math.Exp(x.got)-x.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", x.what, math.Exp(x.got), x.want)
		}
	}
}

// BenchmarkChain decodes a month of quarter hours, of three states and other steps at
// each hour of the day.
func BenchmarkChain(b *testing.B) {
	const n, states, phases = 30 * 96, 3, 24
	rng := rand.New(rand.NewPCG(1, 1))
	c := NewCounts(states, phases)
	path, phase, emit := make([]int, n), make([]int, n), make([][]float64, n)
	for i := range n {
		path[i], phase[i] = i/20%states, i/4%phases
		for range states {
			emit[i] = append(emit[i], -rng.ExpFloat64())
		}
		emit[i][path[i]]++
	}
	c.Add(path, phase)

	chain := c.Chain(1)
	for name, decode := range map[string]func(){
		"posterior": func() { chain.Posterior(emit, phase) },
		"viterbi":   func() { chain.Viterbi(emit, phase) },
	} {
		b.Run("do="+name+"/slots=2880", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				decode()
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "slots/s")
		})
	}
}
