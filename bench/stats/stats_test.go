package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// The wanted values come from SciPy 1.10: t.interval with sem,
// binomtest(...).proportion_ci, binomtest for McNemar, permutation_test over
// all sign changes, wilcoxon(mode="exact"), chi2.ppf.
func TestKnownAnswers(t *testing.T) {
	const tol = 1e-9
	lo, hi, ok := Interval([]float64{.81, .77, .85, .79, .90, .70}, 0.95)
	if !ok {
		t.Fatal("no interval for six groups")
	}
	near(t, "t interval low", lo, 0.7313366433555146, 1e-7)
	near(t, "t interval high", hi, 0.8753300233111521, 1e-7)
	lo, hi = ClopperPearson(8, 10, 0.95)
	near(t, "Clopper-Pearson low", lo, 0.4439045376923585, 1e-8)
	near(t, "Clopper-Pearson high", hi, 0.9747892736731665, 1e-8)
	lo, hi = ClopperPearson(0, 20, 0.95)
	near(t, "Clopper-Pearson of none, low", lo, 0, 0)
	near(t, "Clopper-Pearson of none, high", hi, 0.16843347098308548, 1e-8)
	near(t, "McNemar 10:2", McNemar(10, 2), 0.03857421875, tol)
	flip := Flip([][]float64{{.1, .2, -.05, .3, .12, .02, .4}}, [][]float64{make([]float64, 7)})
	near(t, "sign flip", flip.P, 0.046875, tol)
	p, _ := Wilcoxon([]float64{1, 2, -3, 4, 5, 6, 7, -8.5})
	near(t, "Wilcoxon", p, 0.3828125, tol)
	p, _ = Wilcoxon([]float64{1, 2, 3, 4, 5, 6})
	near(t, "Wilcoxon, all one way", p, 0.03125, tol)
	near(t, "Poisson upper of 0", PoissonUpper(0, 0.95), 2.9957322735539895, 1e-7)
	near(t, "Poisson upper of 3", PoissonUpper(3, 0.95), 7.753656527932725, 1e-7)
}

// By hand: sorted p .01 .02 .04 .5 times 4, 3, 2, 1, then never falling.
func TestHolm(t *testing.T) {
	got := Holm([]float64{.5, .01, .04, .02})
	want := []float64{.5, .04, .08, .06}
	for i := range want {
		near(t, "Holm", got[i], want[i], 1e-12)
	}
}

// By hand: of six pairs 4 are above, 1 below, 1 equal.
func TestCliffDelta(t *testing.T) {
	near(t, "delta", CliffDelta([]float64{3, 2, 5}, []float64{1, 3}), (4.0-1)/6, 1e-12)
	near(t, "delta of nothing", CliffDelta(nil, []float64{1}), 0, 0)
}

// By hand: a nearest neighbor that guesses (R = (L-1)/L) bounds nothing better
// than guessing; one that never errs leaves 0.
func TestBayesBound(t *testing.T) {
	near(t, "guessing", BayesBound(0.75, 4), 0.75, 1e-12)
	near(t, "perfect", BayesBound(0, 4), 0, 0)
	near(t, "two classes", BayesBound(0.18, 2), 0.5*(1-math.Sqrt(1-0.36)), 1e-12)
}

// By hand: two bins that name two equally likely classes tell one bit, less
// the correction (2+2-2-1)/(2n) nats; independent ones tell nothing.
func TestMutualInformation(t *testing.T) {
	near(t, "one bit", MutualInformation([][]int{{50, 0}, {0, 50}}), 1+1/(200*math.Ln2), 1e-12)
	near(t, "nothing", MutualInformation([][]int{{25, 25}, {25, 25}}), 0, 1e-12)
	near(t, "empty", MutualInformation(nil), 0, 0)
}

func TestNoIntervalBelowMinGroups(t *testing.T) {
	if _, _, ok := Interval([]float64{1, 2, 3, 4}, 0.95); ok {
		t.Error("an interval over four groups")
	}
}

// The 95 % interval must hold the true mean in 93 to 97 % of simulated
// experiments with normal groups, and in at least 92.5 % with groups as skewed
// as F1 near its ceiling: Beta(8, 2).
func TestCoverage(t *testing.T) {
	laws := map[string]func(*rand.Rand) float64{
		"normal": func(r *rand.Rand) float64 { return 0.7 + 0.1*r.NormFloat64() },
		"beta(8,2)": func(r *rand.Rand) float64 {
			// The 8th smallest of nine uniforms is Beta(8, 2).
			u := make([]float64, 9)
			for i := range u {
				u[i] = r.Float64()
			}
			slices.Sort(u)
			return u[7]
		},
	}
	means := map[string]float64{"normal": 0.7, "beta(8,2)": 0.8}
	const runs = 20000
	for name, draw := range laws {
		for _, groups := range []int{5, 10, 30} {
			r := rand.New(rand.NewPCG(1, uint64(groups)))
			in := 0
			for range runs {
				x := make([]float64, groups)
				for i := range x {
					x[i] = draw(r)
				}
				if lo, hi, _ := Interval(x, 0.95); lo <= means[name] && means[name] <= hi {
					in++
				}
			}
			share := float64(in) / runs
			t.Logf("%s, %d groups: %.2f %%", name, groups, 100*share)
			least := 0.93
			if name != "normal" {
				least = 0.925
			}
			if share < least || share > 0.97 {
				t.Errorf("%s, %d groups: the 95 %% interval covers %.2f %%", name, groups, 100*share)
			}
		}
	}
}

func BenchmarkInterval(b *testing.B) {
	x := make([]float64, 30)
	for i := range x {
		x[i] = float64(i)
	}
	for b.Loop() {
		Interval(x, 0.95)
	}
}

// The sleep data of Student (1908), as R's help of t.test has them: Welch's interval
// of group 1 less group 2 is -3.3654832 to 0.2054832.
func TestDifference(t *testing.T) {
	one := []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0}
	two := []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
	lo, hi, ok := Difference(two, one, 0.95)
	if !ok || math.Abs(lo+3.3654832) > 1e-7 || math.Abs(hi-0.2054832) > 1e-7 {
		t.Errorf("%v %v %v", lo, hi, ok)
	}
	if _, _, ok := Difference(one[:4], two, 0.95); ok {
		t.Error("an interval of four groups")
	}
	if lo, hi, ok := Difference([]float64{1, 1, 1, 1, 1}, []float64{3, 3, 3, 3, 3}, 0.95); !ok || lo != 2 || hi != 2 {
		t.Errorf("%v %v %v", lo, hi, ok)
	}
}
