package stats

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
)

// plainFlip is Flip by its definition: for each attacker of the other side all
// signs, and under each all attackers.
func plainFlip(x, y [][]float64) float64 {
	ahead := func(x, y [][]float64) float64 {
		groups, worst := len(x[0]), 0.0
		for _, b := range y {
			real := math.Inf(-1)
			for _, a := range x {
				real = max(real, stat.Mean(a, nil)-stat.Mean(b, nil))
			}
			reached := 0
			for signs := range 1 << groups {
				best := math.Inf(-1)
				for _, a := range x {
					off := min(0, stat.Mean(a, nil)-stat.Mean(b, nil))
					sum := 0.0
					for g := range groups {
						sum += (a[g] - b[g] - off) * float64(1-2*(signs>>g&1))
					}
					best = max(best, sum/float64(groups))
				}
				if best >= real-1e-9 {
					reached++
				}
			}
			worst = max(worst, float64(reached)/float64(int(1)<<groups))
		}
		return worst
	}
	return min(1, 2*min(ahead(x, y), ahead(y, x)))
}

func sides(r *rand.Rand, kx, ky, groups int) (x, y [][]float64) {
	draw := func(k int) [][]float64 {
		out := make([][]float64, k)
		for a := range out {
			p := r.Float64()
			for range groups {
				out[a] = append(out[a], math.Round(20*(p+r.Float64())/2)/20)
			}
		}
		return out
	}
	return draw(kx), draw(ky)
}

func TestFlipIsTheEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for range 150 {
		x, y := sides(r, 1+r.IntN(5), 1+r.IntN(5), 2+r.IntN(6))
		f := Flip(x, y)
		if p := plainFlip(x, y); !f.Exact || math.Abs(f.P-p) > 1e-12 {
			t.Fatalf("%v against %v: p %v, by enumeration %v", x, y, f.P, p)
		}
		if back := Flip(y, x); back.P != f.P || math.Abs(back.Difference+f.Difference) > 1e-12 {
			t.Fatalf("the other way round %+v and %+v", f, back)
		}
	}
}

// With one attacker on each side it is the sign-flip test of the differences.
func TestFlipOfOneIsSignFlip(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	for range 100 {
		x, y := sides(r, 1, 1, 2+r.IntN(9))
		n, far, real := len(x[0]), 0, 0.0
		for g := range n {
			real += x[0][g] - y[0][g]
		}
		for signs := range 1 << n {
			sum := 0.0
			for g := range n {
				sum += (x[0][g] - y[0][g]) * float64(1-2*(signs>>g&1))
			}
			if math.Abs(sum) >= math.Abs(real)-1e-9 {
				far++
			}
		}
		if f, want := Flip(x, y), float64(far)/float64(int(1)<<n); math.Abs(f.P-want) > 1e-12 {
			t.Fatalf("p %v, sign flips give %v", f.P, want)
		}
	}
}

// A sample of signs agrees with the normal limit of the sum, is the same each
// time, and is said to be one.
func TestFlipSamples(t *testing.T) {
	x, y := [][]float64{nil}, [][]float64{make([]float64, 25)}
	for i := range 25 {
		x[0] = append(x[0], -1+3*float64(i)/24)
	}
	f := Flip(x, y)
	if f.Exact || f != Flip(x, y) || math.Abs(f.P-0.015293371030198965) > 0.004 { // SciPy: 2*norm.sf
		t.Errorf("%+v", f)
	}
	if f := Flip(nil, y); f.P != 1 {
		t.Errorf("nobody: %+v", f)
	}
}

// W7: two sides whose headline is the same, one good attacker against fifty.
// The plain statistic, taken anew of what stands on each side, tells them
// apart in more than one of five experiments.
func TestManyAttackersAreNoDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	const groups, attackers, repeats = 8, 30, 200
	plain, corrected := 0, 0
	for range repeats {
		lone, all := newLaw(20, .05, 0, false), newLaw(20, .4, 0, false)
		x, y := make([][]float64, attackers), make([][]float64, attackers)
		for a := range attackers {
			for range groups {
				l := lone
				if a == 0 {
					l = all
				}
				x[a], y[a] = append(x[a], l.draw(r)), append(y[a], all.draw(r))
			}
		}
		if plainStatistic(x, y) <= 0.05 {
			plain++
		}
		if Flip(x, y).P <= 0.05 {
			corrected++
		}
	}
	t.Logf("of %d: plain %d, corrected %d", repeats, plain, corrected)
	if plain < repeats/10 || corrected > repeats/20+10 {
		t.Errorf("of %d: plain %d, corrected %d", repeats, plain, corrected)
	}
}

// plainStatistic swaps groups and takes the difference of largest means anew.
func plainStatistic(x, y [][]float64) float64 {
	groups := len(x[0])
	of := func(signs int) float64 {
		a, b := math.Inf(-1), math.Inf(-1)
		for k := range x {
			var p, q float64
			for g := range groups {
				u, v := x[k][g], y[k][g]
				if signs>>g&1 == 1 {
					u, v = v, u
				}
				p, q = p+u, q+v
			}
			a, b = max(a, p), max(b, q)
		}
		return math.Abs(a - b)
	}
	far, real := 0, of(0)
	for signs := range 1 << groups {
		if of(signs) >= real-1e-9 {
			far++
		}
	}
	return float64(far) / float64(int(1)<<groups)
}

// With one attacker on each side the interval of the difference is the plain
// one; more attackers on either side make it no narrower than that of the true
// pair at the same level.
func TestDifferenceInterval(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	for range 50 {
		x, y := sides(r, 1, 1, 5+r.IntN(9))
		var d []float64
		for g := range x[0] {
			d = append(d, x[0][g]-y[0][g])
		}
		lo, hi, ok := DifferenceInterval(x, y, nil, 0.95)
		a, b, _ := Interval(d, 0.95)
		if !ok || math.Abs(lo-a) > 1e-9 || math.Abs(hi-b) > 1e-9 {
			t.Fatalf("[%v %v], t gives [%v %v]", lo, hi, a, b)
		}
	}
	if _, _, ok := DifferenceInterval([][]float64{{1, 2, 3, 4}}, [][]float64{{1, 2, 3, 4}}, nil, 0.95); ok {
		t.Error("an interval over four groups")
	}

	// Six attackers on one side, one on the other, all of one truth.
	low, up := 0, 0
	const repeats = 2000
	for range repeats {
		l := newLaw(20, .4, 0, false)
		x, y := make([][]float64, 6), make([][]float64, 1)
		for range 8 {
			for a := range x {
				x[a] = append(x[a], l.draw(r))
			}
			y[0] = append(y[0], l.draw(r))
		}
		lo, hi, _ := DifferenceInterval(x, y, nil, 0.95)
		if lo > 0 {
			low++
		}
		if hi < 0 {
			up++
		}
	}
	if limit := repeats * 35 / 1000; low > limit || up > limit {
		t.Errorf("of %d intervals %d lie above the truth and %d below", repeats, low, up)
	}
}

// Two sides that do alike in every group may still differ: the limits are those of
// the items on which they could.
func TestDifferenceHasNoZeroWidth(t *testing.T) {
	for _, groups := range []int{5, 10, 30} {
		for _, v := range []float64{0, .5, 1} {
			x := [][]float64{make([]float64, groups), make([]float64, groups)}
			tested := make([]Group, groups)
			for g := range groups {
				x[0][g], x[1][g], tested[g] = v, v/2, Group{N: 20, Floor: .5}
			}
			lo, hi, ok := DifferenceInterval(x[:1], x[:1], tested, 0.95)
			_, share := ClopperPearson(0, 20*groups, 0.95)
			if !ok || hi < 2*share-1e-9 || math.Abs(lo+hi) > 1e-12 || hi > 0.5 {
				t.Errorf("%d groups of %v against themselves: [%v %v], no item of %d gives %v", groups, v, lo, hi, 20*groups, share)
			}
			if _, both, _ := DifferenceInterval(x, x, tested, 0.95); both < hi-1e-12 {
				t.Errorf("%d groups of %v: upper limit %v with one attacker, %v with two", groups, v, hi, both)
			}
		}
	}
}

// Each limit of a difference near the ends errs in at most 3 %, as those of the
// headline do.
func TestDifferenceNearTheEnds(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 9))
	const repeats = 1500
	for _, c := range []struct {
		p, q   float64
		groups int
	}{{.01, .01, 5}, {.01, .05, 5}, {.99, .97, 5}, {.02, .01, 10}, {.98, .9, 10}, {.5, .4, 10}, {1, .98, 30}} {
		lx, ly := newLaw(20, c.p, 0, false), newLaw(20, c.q, 0, false)
		x, y, tested := [][]float64{make([]float64, c.groups)}, [][]float64{make([]float64, c.groups)}, make([]Group, c.groups)
		low, up, plain := 0, 0, 0
		for range repeats {
			for g := range c.groups {
				x[0][g], y[0][g], tested[g] = lx.draw(r), ly.draw(r), Group{N: 20}
			}
			lo, hi, _ := DifferenceInterval(x, y, tested, 0.95)
			if lo > c.p-c.q+1e-12 {
				low++
			}
			if hi < c.p-c.q-1e-12 {
				up++
			}
			if lo, hi, _ := DifferenceInterval(x, y, nil, 0.95); lo > c.p-c.q+1e-12 || hi < c.p-c.q-1e-12 {
				plain++
			}
		}
		t.Logf("%v: below %d and above %d of %d, t alone errs in %d", c, low, up, repeats, plain)
		if most := repeats*3/100 + 20; low > most || up > most {
			t.Errorf("%v: limits err in %d and %d of %d", c, low, up, repeats)
		}
	}
}

// The least p of n groups is 2 to the power of 1 - n.
func TestLeastP(t *testing.T) {
	for groups := 5; groups <= 10; groups++ {
		x, y := make([][]float64, 3), make([][]float64, 2)
		for a := range x {
			for g := range groups {
				x[a] = append(x[a], 0.9-0.1*float64(a)+0.001*float64(bits.OnesCount(uint(g))))
			}
		}
		for a := range y {
			y[a] = make([]float64, groups)
		}
		if p := Flip(x, y).P; p != math.Pow(2, float64(1-groups)) {
			t.Errorf("%d groups: %v", groups, p)
		}
	}
}

func BenchmarkFlip(b *testing.B) {
	x, y := sides(rand.New(rand.NewPCG(1, 1)), 20, 20, 30)
	for b.Loop() {
		Flip(x, y)
	}
}
