package stats

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// flipWork bounds the signs that are tried one by one, times the attackers;
	// above it signs are sampled.
	flipWork = 1 << 21
	// flipSample is how many signs are sampled.
	flipSample = 1 << 14
)

// Flipped is the outcome of Flip.
type Flipped struct {
	// Difference is the largest mean of x less the largest of y.
	Difference float64
	// P is two-sided; Exact says that all signs were tried.
	P     float64
	Exact bool
}

// Flip tests whether the best attacker of x does as well as the best of y.
// x[a][g] is what attacker a reached in group g; the groups of x and y are the
// same in the same order, the attackers may be others, and of another number.
// The statistic is the difference of the two largest means. Of n groups there
// are 2 to the power of n signs, the real ones among them, so P is never below
// 2 to the power of 1 - n.
//
// Whole groups change sides, all attackers together. Were the statistic simply
// taken again of what then stands on each side, it would hold its level where
// each attacker does alike on both sides, but not where one side has one good
// attacker and the other has many: the best of many is lucky. So each side is
// held against every single attacker of the other, and the largest p counts.
// If x is no better than y, none of x is better than the truly best of y,
// whichever that is, and turning groups round shows how far the best of x gets
// ahead of that one by luck.
func Flip(x, y [][]float64) Flipped {
	if len(x) == 0 || len(y) == 0 || len(x[0]) == 0 {
		return Flipped{P: 1, Exact: true}
	}
	groups := len(x[0])
	a, b := newSide(x), newSide(y)
	out := Flipped{Difference: a.mean[0] - b.mean[0], Exact: groups < 22 && (len(x)+len(y))<<groups <= flipWork}
	ahead, behind := newRace(a, b), newRace(b, a)

	// From one sign to the next a single group is turned (Gray's code), or of a
	// sample half of them. The real signs are one of those tried, or P could be 0.
	tried := 1 << groups
	rng := rand.New(rand.NewPCG(1, uint64(groups)))
	if !out.Exact {
		tried = flipSample
	}
	for i := range tried {
		switch {
		case i == 0:
		case out.Exact:
			g := bits.TrailingZeros(uint(i))
			a.turn(g)
			b.turn(g)
		default:
			var draw uint64
			for g := range groups {
				if g%64 == 0 {
					draw = rng.Uint64()
				}
				if draw>>(g%64)&1 == 1 {
					a.turn(g)
					b.turn(g)
				}
			}
		}
		a.top()
		b.top()
		ahead.count()
		behind.count()
	}
	n := min(slices.Max(ahead.reached), slices.Max(behind.reached))
	out.P = min(1, 2*float64(n)/float64(tried))
	return out
}

// side is one side of a comparison under the present signs.
type side struct {
	x    [][]float64 // x[g][a] over the number of groups; attackers by falling mean
	mean []float64
	// sign[g] is 1, or -1 where the group is turned; signs is their mean.
	sign  []float64
	signs float64
	// now are the means under the signs. best[i] is the largest of the first i,
	// rest[i] that of the others, each less its own mean times signs.
	now, best, rest []float64
}

func newSide(x [][]float64) *side {
	x = slices.Clone(x)
	slices.SortStableFunc(x, func(p, q []float64) int { return cmp.Compare(stat.Mean(q, nil), stat.Mean(p, nil)) })
	groups, k := len(x[0]), len(x)
	s := &side{signs: 1, now: make([]float64, k), best: make([]float64, k+1), rest: make([]float64, k+1)}
	for g := range groups {
		row := make([]float64, k)
		for a := range x {
			row[a] = x[a][g] / float64(groups)
			s.now[a] += row[a]
		}
		s.x, s.sign = append(s.x, row), append(s.sign, 1)
	}
	s.mean = slices.Clone(s.now)
	s.best[0], s.rest[k] = math.Inf(-1), math.Inf(-1)
	return s
}

// turn changes the sign of group g.
func (s *side) turn(g int) {
	step := -2 * s.sign[g]
	for a, v := range s.x[g] {
		s.now[a] += step * v
	}
	s.sign[g] = -s.sign[g]
	s.signs += step / float64(len(s.x))
}

// top finds the largest means under the signs.
func (s *side) top() {
	for a, v := range s.now {
		s.best[a+1] = max(s.best[a], v)
	}
	for a := len(s.now) - 1; a >= 0; a-- {
		s.rest[a] = max(s.rest[a+1], s.now[a]-s.mean[a]*s.signs)
	}
}

// race counts for each attacker of the other side how often the best of ours
// gets as far ahead of it as under the real signs.
type race struct {
	us, them *side
	// better is how many of ours have at least the mean of each of theirs.
	better  []int
	reached []int
}

func newRace(us, them *side) *race {
	r := &race{us: us, them: them, reached: make([]int, len(them.mean))}
	for _, m := range them.mean {
		r.better = append(r.better, sortedAbove(us.mean, m))
	}
	return r
}

// sortedAbove is how many of the falling means are at least m.
func sortedAbove(means []float64, m float64) int {
	n := 0
	for n < len(means) && means[n] >= m-slack {
		n++
	}
	return n
}

// slack is what sums of the same shares in another order differ by at most.
const slack = 1e-9

// count takes one sign. Attackers of ours that are worse than theirs are taken
// to be as good, their deviations kept: turned round as they are, a bad one
// would look good, and hide what the good one does.
func (r *race) count() {
	for j, m := range r.them.mean {
		n := r.better[j]
		best := max(r.us.best[n], r.us.rest[n]+m*r.us.signs)
		if best-r.them.now[j] >= r.us.mean[0]-m-slack {
			r.reached[j]++
		}
	}
}

// DifferenceInterval bounds the largest true mean of x less the largest of y,
// by Student's t over groups of the differences between one attacker and
// another. Each limit errs in half of 1 - level: the best attacker of x is ahead
// of the best of y by as much as of the one it is least ahead of, so that limit
// is taken, at a level shared among those it may be; and since nobody knows
// which of x is best, the largest for any of them. ok is false below MinGroups.
func DifferenceInterval(x, y [][]float64, level float64) (lo, hi float64, ok bool) {
	if len(x) == 0 || len(y) == 0 || len(x[0]) < MinGroups {
		return 0, 0, false
	}
	alpha := (1 - level) / 2
	return -differenceUpper(y, x, alpha), differenceUpper(x, y, alpha), true
}

func differenceUpper(x, y [][]float64, alpha float64) float64 {
	groups := float64(len(x[0]))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: groups - 1}.Quantile(1 - alpha/float64(len(y)))
	d := make([]float64, len(x[0]))
	most := math.Inf(-1)
	for _, a := range x {
		least := math.Inf(1)
		for _, b := range y {
			for g := range d {
				d[g] = a[g] - b[g]
			}
			mean, sd := stat.MeanStdDev(d, nil)
			least = min(least, mean+t*sd/math.Sqrt(groups))
		}
		most = max(most, least)
	}
	return most
}
