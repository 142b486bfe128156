package stats

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
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
	scale := scaleOf(groups, x, y)
	a, b := newSide(x, scale), newSide(y, scale)
	out := Flipped{Difference: largestMean(x) - largestMean(y), Exact: groups < 22 && (len(x)+len(y))<<groups <= flipWork}
	ahead, behind := newRace(a, b, scale), newRace(b, a, scale)

	// turned has a bit for each group. The real signs, none turned, are one of those
	// tried, or P could be 0.
	turned := make([]uint64, (groups+63)/64)
	tried := 1 << groups
	rng := rand.New(rand.NewPCG(1, uint64(groups)))
	if !out.Exact {
		tried = flipSample
	}
	for i := range tried {
		for w := range turned {
			switch {
			case out.Exact:
				turned[w] = uint64(i)
			case i > 0:
				turned[w] ^= rng.Uint64()
			}
		}
		a.turn(turned)
		b.turn(turned)
		ahead.count()
		behind.count()
	}
	n := min(slices.Max(ahead.reached), slices.Max(behind.reached))
	out.P = min(1, 2*float64(n)/float64(tried))
	return out
}

func largestMean(x [][]float64) float64 {
	best := math.Inf(-1)
	for _, a := range x {
		best = max(best, stat.Mean(a, nil))
	}
	return best
}

// scaleOf is how many parts the scores are counted in. All sums below are whole
// numbers of parts, so that the order of adding changes nothing and comparing
// needs no branch. The largest is that of groups scores, times groups, and two
// such are subtracted from one another twice: below 2 to the power of 62.
func scaleOf(groups int, sides ...[][]float64) float64 {
	most := 1.0
	for _, x := range sides {
		for _, a := range x {
			for _, v := range a {
				most = max(most, math.Abs(v))
			}
		}
	}
	return math.Floor((1 << 58) / (most * float64(groups) * float64(groups)))
}

// block is of how many groups all signs are summed beforehand.
const block = 8

// side is one side of a comparison under the present signs.
type side struct {
	groups int
	total  []int64 // sums of the attackers over groups, falling
	// sums[b][m*k+a] is what the groups from b*block on, those of the bits m turned,
	// add to now of attacker a of k: a sign costs one addition for each block
	// instead of one for each group.
	sums  [][]int64
	signs int64 // the sum of the signs
	// now are the sums under the signs, times groups. best[i] is the largest of the
	// first i, rest[i] that of the others, each less its own total times signs.
	now, best, rest []int64
}

func newSide(x [][]float64, scale float64) *side {
	x = byMean(x)
	groups, k := len(x[0]), len(x)
	s := &side{groups: groups, total: make([]int64, k), now: make([]int64, k), best: make([]int64, k+1), rest: make([]int64, k+1)}
	s.best[0], s.rest[k] = nobody, nobody

	for from := 0; from < groups; from += block {
		n := min(block, groups-from)
		sums := make([]int64, k<<n)
		for a := range x {
			for g := from; g < from+n; g++ {
				parts := int64(math.Round(x[a][g] * scale))
				s.total[a] += parts
				sums[a] += parts * int64(groups)
			}

			// All but the lowest of the turned groups were turned in another row.
			for m := 1; m < 1<<n; m++ {
				turned := x[a][from+bits.TrailingZeros(uint(m))]
				sums[m*k+a] = sums[m&(m-1)*k+a] - 2*int64(math.Round(turned*scale))*int64(groups)
			}
		}
		s.sums = append(s.sums, sums)
	}
	return s
}

// byMean are the attackers of x by falling mean.
func byMean(x [][]float64) [][]float64 {
	x = slices.Clone(x)
	slices.SortStableFunc(x, func(p, q []float64) int { return cmp.Compare(stat.Mean(q, nil), stat.Mean(p, nil)) })
	return x
}

// nobody is less than any sum, with room to subtract one.
const nobody = -1 << 62

// turn gives the groups of the bits turned the sign -1, the others 1, and finds
// the largest sums under these signs. Bits beyond the groups mean nothing.
func (s *side) turn(turned []uint64) {
	k, minus := len(s.now), 0
	for b, sums := range s.sums {
		m := int(turned[b*block/64]>>(b*block%64)) & (len(sums)/k - 1)
		minus += bits.OnesCount(uint(m))
		row := sums[m*k : m*k+k]
		if b == 0 {
			copy(s.now, row)
			continue
		}
		for a, v := range row {
			s.now[a] += v
		}
	}
	s.signs = int64(s.groups - 2*minus)

	// Races ask for the largest of any first few and of the others, for each of
	// their attackers: one pass from either end answers all.
	best := s.best[0]
	for a, v := range s.now {
		best = max(best, v)
		s.best[a+1] = best
	}
	rest := s.rest[k]
	for a := k - 1; a >= 0; a-- {
		rest = max(rest, s.now[a]-s.total[a]*s.signs)
		s.rest[a] = rest
	}
}

// race counts for each attacker of the other side how often the best of ours
// gets as far ahead of it as under the real signs.
type race struct {
	us, them *side
	// better is how many of ours have at least the mean of each of theirs, far how
	// far, in the units of now, the best of ours is really ahead.
	better  []int
	far     []int64
	reached []int64
}

// newRace takes means for equal that differ by less than slack: the same shares,
// divided and added in another order, differ by as much.
func newRace(us, them *side, scale float64) *race {
	groups := int64(us.groups)
	near := int64(slack * scale * float64(groups))
	r := &race{us: us, them: them, reached: make([]int64, len(them.total))}
	n := 0
	for _, m := range them.total { // falling, so that n only rises
		for n < len(us.total) && us.total[n] >= m-near {
			n++
		}
		r.better = append(r.better, n)
		r.far = append(r.far, (us.total[0]-m-near)*groups)
	}
	return r
}

const slack = 1e-9

// count takes one sign. Attackers of ours that are worse than theirs are taken
// to be as good, their deviations kept: turned round as they are, a bad one
// would look good, and hide what the good one does.
func (r *race) count() {
	for j, m := range r.them.total {
		n := r.better[j]
		ahead := max(r.us.best[n], r.us.rest[n]+m*r.us.signs) - r.them.now[j]

		// The sign bit is set where ahead is at least far: a branch would be wrong
		// half of the time.
		r.reached[j] += int64(uint64(r.far[j]-1-ahead) >> 63)
	}
}

// DifferenceInterval bounds the largest true mean of x less the largest of y,
// by Student's t over groups of the differences between one attacker and
// another. Each limit errs in half of 1 - level: the best attacker of x is ahead
// of the best of y by as much as of the one it is least ahead of, so that limit
// is taken, at a level shared among those it may be; and since nobody knows
// which of x is best, the largest for any of them. ok is false below MinGroups.
//
// tested says how many items each group has and what its floor is. Groups in
// which both sides do alike, however many, do not show that they always do: no
// limit is nearer than that of the share of items, as exact as those of Best, in
// which one side is ahead. nil leaves that out.
func DifferenceInterval(x, y [][]float64, tested []Group, level float64) (lo, hi float64, ok bool) {
	if len(x) == 0 || len(y) == 0 || len(x[0]) < MinGroups {
		return 0, 0, false
	}
	// The best come first: with them the others need no exact limit.
	x, y = byMean(x), byMean(y)
	alpha := (1 - level) / 2
	return -differenceUpper(y, x, tested, alpha), differenceUpper(x, y, tested, alpha), true
}

func differenceUpper(x, y [][]float64, tested []Group, alpha float64) float64 {
	tail := newTail(alpha / float64(len(y)))
	d := make([]float64, len(x[0]))
	most := math.Inf(-1)
	for _, a := range x {
		least := math.Inf(1)
		for _, b := range y {
			if least <= most {
				break // a has no larger limit than those before, whatever else is in y
			}

			for g := range d {
				d[g] = a[g] - b[g]
			}
			// An exact limit is only looked for where that of t is not too large already.
			if r := ahead(d, tested); tested != nil {
				least = min(least, r.upper(tail, math.Inf(-1), least))
			} else {
				least = min(least, r.mean+tail.student(len(d))*r.sd/math.Sqrt(float64(len(d))))
			}
		}
		most = max(most, least)
	}
	return most
}

// ahead is the row of the mean of d whose items are those in which one side is
// ahead of the other: of each group as many as d says, if no more are.
func ahead(d []float64, tested []Group) row {
	gs := slices.Clone(tested)
	for g := range gs {
		// A floor may be nearly 1, or 1 for one of the sides, and must not make the
		// others' limit endless.
		floor := min(gs[g].Floor, 0.99)
		gs[g] = Group{Score: min(max(d[g], 0), 1) * (1 - floor), Floor: floor, N: max(gs[g].N, 1)}
	}
	r := newRow(gs, Group.left)
	r.mean, r.sd = stat.MeanStdDev(d, nil)
	return r
}
