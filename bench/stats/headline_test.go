package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// clopperPearson is the interval of a share of k of n items by its definition,
// k and n not whole: the quantiles of two beta distributions.
func clopperPearson(k, n, alpha float64) (lo, hi float64) {
	lo, hi = 0, 1
	if k > 0 {
		lo = distuv.Beta{Alpha: k, Beta: n - k + 1}.Quantile(alpha)
	}
	if k < n {
		hi = distuv.Beta{Alpha: k + 1, Beta: n - k}.Quantile(1 - alpha)
	}
	return lo, hi
}

// plainLimits are those of one attacker, both at once, as statistics.md has
// them; floors are 0.
func plainLimits(gs []Group, alpha float64) (lo, hi float64) {
	var sum, squares, perItem float64
	g := float64(len(gs))
	for _, x := range gs {
		sum += x.Score
		perItem += 1 / float64(x.N)
	}
	mean := sum / g
	for _, x := range gs {
		squares += (x.Score - mean) * (x.Score - mean)
	}
	variance := squares / (g - 1)
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: g - 1}.Quantile(1 - alpha)
	z := distuv.UnitNormal.Quantile(1 - alpha)
	half := t * math.Sqrt(variance/g)
	n := g * g / perItem
	effect := 1.0
	if mean > 0 && mean < 1 {
		effect = max(effect, variance/g/(mean*(1-mean)/n)*t*t/z/z)
	}
	assumed := 1 + (n/g-1)/21
	effect = max(effect, 1+(assumed-1)*4*assumed/(4*assumed+n*min(mean, 1-mean)))
	a, b := clopperPearson(mean*n/effect, n/effect, alpha)
	return min(mean-half, a), max(mean+half, b)
}

// experiment is k attackers on groups of various sizes, some of them at 0 or 1.
func experiment(r *rand.Rand, k, groups int) [][]Group {
	n := make([]int, groups)
	for g := range n {
		n[g] = 5 + r.IntN(40)
	}
	out := make([][]Group, k)
	for a := range out {
		p := []float64{0, 1, r.Float64(), r.Float64(), r.Float64() / 20}[r.IntN(5)]
		for g := range groups {
			right := 0
			for range n[g] {
				if r.Float64() < p {
					right++
				}
			}
			out[a] = append(out[a], Group{Score: float64(right) / float64(n[g]), N: n[g]})
		}
	}
	return out
}

// What is gained over a floor that all groups have is what it leaves times the
// advantage, with limits that are as wide; a floor near 1 makes no group count more.
func TestGainIsTheAdvantageInShares(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		gs := experiment(r, 1, 5+r.IntN(4))[0]
		for i := range gs {
			gs[i].Floor = 0.4
		}
		gain, best := Gain(gs, 0.95), Best([][]Group{gs}, 0.95)
		for _, x := range [][2]float64{{gain.Mean, best.Mean}, {gain.Lo, best.Lo}, {gain.Hi, best.Hi}} {
			if math.Abs(x[0]-0.6*x[1]) > 1e-7 || !gain.OK {
				t.Fatalf("%+v, want .6 times %+v", gain, best)
			}
		}
	}
	gs := []Group{{0.9, 0.99, 100}, {0.7, 0.5, 100}, {0.7, 0.5, 100}, {0.7, 0.5, 100}, {0.7, 0.5, 100}}
	if h := Gain(gs, 0.95); math.Abs(h.Mean-0.142) > 1e-9 {
		t.Errorf("%+v", h)
	}
	if h := Gain(gs[:1], 0.95); h.OK || h.Best != 0 {
		t.Errorf("one group: %+v", h)
	}
}

// Best skips limits that cannot matter; a plain loop over all gives the same.
func TestBestIsThePlainMaximum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		k, groups := 1+r.IntN(12), 5+r.IntN(4)
		x := experiment(r, k, groups)
		h := Best(x, 0.95)
		lo, hi, mean := math.Inf(-1), math.Inf(-1), math.Inf(-1)
		for _, gs := range x {
			a, _ := plainLimits(gs, 0.025/float64(k))
			_, b := plainLimits(gs, 0.025)
			lo, hi = max(lo, a), max(hi, b)
			m := 0.0
			for _, g := range gs {
				m += g.Score / float64(groups)
			}
			mean = max(mean, m)
		}
		if math.Abs(h.Lo-lo) > 1e-7 || math.Abs(h.Hi-hi) > 1e-7 || math.Abs(h.Mean-mean) > 1e-12 {
			t.Fatalf("%d attackers, %d groups: %v [%v %v], plainly %v [%v %v]", k, groups, h.Mean, h.Lo, h.Hi, mean, lo, hi)
		}
	}
}

// No limit is nearer to the mean than Clopper and Pearson's of the pooled items.
func TestNoLimitNearerThanClopperPearson(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		x := experiment(r, 1, 5+r.IntN(10))
		items := 0
		for _, g := range x[0] {
			items += g.N
		}
		h := Best(x, 0.95)
		lo, hi := clopperPearson(h.Mean*float64(items), float64(items), 0.025)
		if h.Lo > lo+1e-9 || h.Hi < hi-1e-9 {
			t.Fatalf("%v [%v %v], the share of %d items has [%v %v]", h.Mean, h.Lo, h.Hi, items, lo, hi)
		}
	}
}

// W9: five groups of 20 that are all 0, or all 1, are no proof of 0 or 1.
func TestNoZeroWidthAtTheEnds(t *testing.T) {
	for _, v := range []float64{0, 1} {
		gs := make([]Group, 5)
		for g := range gs {
			gs[g] = Group{Score: v, N: 20}
		}
		h := Best([][]Group{gs}, 0.95)
		if h.Hi-h.Lo < 0.036 || h.Hi-h.Lo > 0.08 || !h.Edge {
			t.Errorf("all %v: [%v %v], mark %v", v, h.Lo, h.Hi, h.Edge)
		}
	}
}

// W8, B: one attacker more never lowers the estimate or the upper limit, be it
// good, bad, or tried in few groups only.
func TestOneAttackerMoreNeverLowers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		x := experiment(r, 20, 3+r.IntN(12))
		for a := range x {
			for g := range x[a] {
				if r.IntN(12) == 0 {
					x[a][g] = Group{}
				}
				x[a][g].Floor = 0.3 * float64(g%3)
			}
		}
		last := Headline{Mean: -9, Hi: -9}
		for k := range x {
			h := Best(x[:k+1], 0.95)
			if h.Mean < last.Mean || last.OK && (!h.OK || h.Hi < last.Hi) {
				t.Fatalf("attacker %d takes %v, %v to %v, %v", k, last.Mean, last.Hi, h.Mean, h.Hi)
			}
			last = h
		}
	}
}

// Groups without items and with a floor of 1 are as if they were not there.
func TestGroupsThatDoNotCount(t *testing.T) {
	gs := []Group{{.5, .1, 20}, {.6, .1, 20}, {.4, .1, 20}, {.7, .1, 20}, {.5, .1, 20}}
	want := Best([][]Group{gs}, 0.95)
	got := Best([][]Group{append(slices.Clone(gs), Group{}, Group{1, 1, 9})}, 0.95)
	if got != want || !got.OK {
		t.Errorf("%+v, without them %+v", got, want)
	}
	if h := Best([][]Group{gs[:4]}, 0.95); h.OK || h.Best != 0 {
		t.Errorf("four groups: %+v", h)
	}
	if h := Best([][]Group{make([]Group, 3)}, 0.95); h.OK || h.Best != -1 {
		t.Errorf("nothing: %+v", h)
	}
}

// Attackers that are copies of each other share no error: with ten groups and
// more the lower limit is that of one of them.
func TestCopiesShareNoError(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, groups := range []int{10, 30} {
		x := experiment(r, 1, groups)
		for g := range x[0] {
			x[0][g].Score = 0.3 + 0.4*r.Float64()
		}
		one := Best(x, 0.95)
		many := Best(slices.Repeat(x, 30), 0.95)
		bonferroni, _ := plainLimits(x[0], 0.025/30)
		if many.Lo < one.Lo-0.25*(one.Lo-bonferroni) {
			t.Errorf("%d groups: one %v, thirty copies %v, shared out %v", groups, one.Lo, many.Lo, bonferroni)
		}
		if many.Hi != one.Hi || many.Mean != one.Mean {
			t.Errorf("%d groups: copies move %v %v to %v %v", groups, one.Mean, one.Hi, many.Mean, many.Hi)
		}
	}
}

func BenchmarkBest(b *testing.B) {
	x := experiment(rand.New(rand.NewPCG(1, 1)), 20, 30)
	for b.Loop() {
		Best(x, 0.95)
	}
}
