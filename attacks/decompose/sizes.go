package decompose

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// knownCommand is a training command with the size of its message.
type knownCommand struct {
	counts []uint8
	size   int
	group  string
	heard  int // reports after it
}

// single returns the only action of k, or -1 where there are several or none.
func (k knownCommand) single() int {
	a := -1
	for i, c := range k.counts {
		if c > 0 && a >= 0 {
			return -1
		}
		if c > 0 {
			a = i
		}
	}
	return a
}

// sizeRule is what was learned about sizes (section IV-B, equation 1):
// |s| = content + e + the sum of action sizes, with e looked up among known
// commands of nearly that size. All are bytes of payload.
type sizeRule struct {
	content int
	action  []int // 0: not known
	k       int
	spread  bool        // take the range of e near a size, not the majority
	pairs   []variation // ascending by size
}

// variation is a known command's size with what the sum of its parts misses.
type variation struct {
	size, e        int
	group          string
	actions, heard int
}

// learnPairs is the published way (section IV-A): |a_i| is the size of two
// copies less the size of one, |ac| is one copy less |a_i|. Commands repeat,
// so medians are taken. An action that was not seen both ways takes its size
// from regress. m commands teach the variation, 0: all.
func learnPairs(commands []knownCommand, actions, k, m int) sizeRule {
	fit := regress(commands, actions)
	one, two := make([][]int, actions), make([][]int, actions)
	for _, c := range commands {
		if a := c.single(); a >= 0 && c.counts[a] == 1 {
			one[a] = append(one[a], c.size)
		} else if a >= 0 && c.counts[a] == 2 {
			two[a] = append(two[a], c.size)
		}
	}

	r := sizeRule{k: k, action: make([]int, actions)}
	var contents []int
	for a := range actions {
		if len(one[a]) == 0 || len(two[a]) == 0 {
			r.action[a] = int(math.Round(fit[a]))
			continue
		}
		s := lowerMedian(one[a])
		r.action[a] = lowerMedian(two[a]) - s
		contents = append(contents, s-r.action[a])
	}

	// Every action gives a content; what they differ by goes into e.
	r.content = int(math.Round(fit[actions]))
	if len(contents) > 0 {
		r.content = lowerMedian(contents)
	}
	return r.withPairs(commands, m)
}

// learnFit takes all sizes from least squares over all known commands, which
// is better than pairs where a defense adds noise (not in the paper).
func learnFit(commands []knownCommand, actions, k, m int) sizeRule {
	fit := regress(commands, actions)
	r := sizeRule{k: k, action: make([]int, actions), content: int(math.Round(fit[actions]))}
	for a := range actions {
		r.action[a] = int(math.Round(fit[a]))
	}
	return r.withPairs(commands, m)
}

// lowerMedian is the lower median of xs, which it sorts.
func lowerMedian(xs []int) int {
	slices.Sort(xs)
	return xs[(len(xs)-1)/2]
}

// regress fits the size of each action, and last the content, by least
// squares; a small ridge keeps actions that always occur together solvable.
func regress(commands []knownCommand, actions int) []float64 {
	n := actions + 1
	xx, xy := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	for i := range n {
		xx.SetSym(i, i, 1e-6) // sizes are rounded to bytes, which it cannot move
	}

	// The normal equations, summed up command by command: a few actions against
	// thousands of commands.
	row := mat.NewVecDense(n, nil)
	for _, c := range commands {
		for a, k := range c.counts {
			row.SetVec(a, float64(k))
		}
		row.SetVec(actions, 1)
		xx.SymRankOne(xx, 1, row)
		xy.AddScaledVec(xy, float64(c.size), row)
	}

	var chol mat.Cholesky
	out := mat.NewVecDense(n, nil)
	if chol.Factorize(xx) {
		// An ill-conditioned solution is still the best there is.
		_ = chol.SolveVecTo(out, xy)
	}
	return out.RawVector().Data
}

// withPairs adds the pairs (|s_j|, e_j) of m known commands (section IV-C).
// Commands of several kinds go first: those of one kind taught the sizes
// already.
func (r sizeRule) withPairs(commands []knownCommand, m int) sizeRule {
	order := make([]int, len(commands))
	for i := range order {
		order[i] = i
	}
	plain := func(i int) int {
		if c := commands[i]; c.single() >= 0 && totalCount(c.counts) <= 2 {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(order, func(a, b int) int { return plain(a) - plain(b) })
	if m > 0 {
		order = order[:min(m, len(order))]
	}

	for _, i := range order {
		c := commands[i]
		r.pairs = append(r.pairs, variation{c.size, c.size - r.content - r.sum(c.counts), c.group, totalCount(c.counts), c.heard})
	}
	// By e among equal sizes: the pairs must not depend on the order of commands.
	slices.SortStableFunc(r.pairs, func(a, b variation) int {
		return cmp.Or(a.size-b.size, a.e-b.e)
	})
	return r
}

// sum is the bytes of all actions of a multiset.
func (r sizeRule) sum(counts []uint8) int {
	sum := 0
	for a, c := range counts {
		sum += int(c) * r.action[a]
	}
	return sum
}

// variationAt is the range of e for an observed size. As published it is one
// value: the majority among the k nearest known sizes, all at an equal distance
// voting; among equally frequent values the one nearest to 0 wins, then the
// smaller. With spread it is the range that the spreadPairs nearest show. skip
// leaves pairs out.
func (r sizeRule) variationAt(size int, skip func(i int) bool) (lo, hi int, ok bool) {
	k := r.k
	if r.spread {
		k = spreadPairs
	}
	var room [128]int
	near := r.nearest(room[:0], size, k, skip)
	if len(near) == 0 {
		return 0, 0, false
	}
	if r.spread {
		return slices.Min(near), slices.Max(near), true
	}
	e := likeliest(near)
	return e, e, true
}

// spreadPairs is how many known sizes show the range of e where a defense
// rounds sizes or adds to them, so that no single value recurs.
const spreadPairs = 12

// nearest appends to dst, which is empty, e of the k nearest pairs, and of all at
// the distance of the last of them.
func (r sizeRule) nearest(out []int, size, k int, skip func(i int) bool) []int {
	hi, _ := slices.BinarySearchFunc(r.pairs, size, func(p variation, s int) int { return p.size - s })
	lo := hi - 1
	last := -1 // distance of the farthest one taken
	for lo >= 0 || hi < len(r.pairs) {
		// Outward from the size on both sides, always the nearer one.
		var i int
		if hi == len(r.pairs) || lo >= 0 && size-r.pairs[lo].size <= r.pairs[hi].size-size {
			i, lo = lo, lo-1
		} else {
			i, hi = hi, hi+1
		}

		d := max(size-r.pairs[i].size, r.pairs[i].size-size)
		if len(out) >= k && d > last {
			break
		}
		if skip == nil || !skip(i) {
			out, last = append(out, r.pairs[i].e), d
		}
	}
	return out
}

// likeliest is the most frequent vote; of equally frequent ones the nearest to
// 0, then the smaller. It sorts votes.
func likeliest(votes []int) int {
	slices.Sort(votes)
	e, most := 0, 0
	for lo, hi := 0, 0; lo < len(votes); lo = hi {
		v := votes[lo]
		for hi = lo; hi < len(votes) && votes[hi] == v; hi++ {
		}
		a, b := max(v, -v), max(e, -e)
		if n := hi - lo; n > most || n == most && (a < b || a == b && v < e) {
			e, most = v, n
		}
	}
	return e
}

// agreement is how well known commands predict e of each other, 1 when always
// exactly, half a point for an error of 1 byte and so on. Those of other groups
// predict, or where there is one group, all others.
func (r sizeRule) agreement() float64 {
	sum := 0.0
	for i, a := range r.predicted() {
		if a.ok {
			sum += 1 / (1 + math.Abs(float64(a.lo-r.pairs[i].e)))
		}
	}
	return sum / float64(max(1, len(r.pairs)))
}

// predicted is the range of e of one pair that the others show, if they do.
type predicted struct {
	lo, hi int
	ok     bool
}

// predicted is that of every pair. Those of its group must not predict it, or where
// there is but one group, itself.
func (r sizeRule) predicted() []predicted {
	at, group := map[string]int{}, make([]int, len(r.pairs))
	for i, p := range r.pairs {
		n, known := at[p.group]
		if !known {
			n = len(at)
			at[p.group] = n
		}
		group[i] = n
	}

	// Pairs are in order of size, and those of one size and group have one answer:
	// behind padding nearly all of them.
	out, newest := make([]predicted, len(r.pairs)), make([]int, len(at)) // newest pair of each group, + 1
	for i, p := range r.pairs {
		if g := group[i]; len(at) > 1 {
			if n := newest[g]; n > 0 && r.pairs[n-1].size == p.size {
				out[i] = out[n-1]
				continue
			}
			newest[g] = i + 1
		}
		a := &out[i]
		a.lo, a.hi, a.ok = r.variationAt(p.size, func(j int) bool {
			if len(at) > 1 {
				return group[j] == group[i]
			}
			return j == i
		})
	}
	return out
}

// candidates lists what fits an observed size, by rising e.
func (r sizeRule) candidates(l *lister, size int) [][]uint8 {
	lo, hi, ok := r.variationAt(size, nil)
	if !ok {
		return nil
	}
	return l.listDown(size-r.content-lo, size-r.content-hi)
}

// candidatesBetween is candidates of those with lo to hi actions.
func (r sizeRule) candidatesBetween(l *lister, size, lo, hi int) [][]uint8 {
	var out [][]uint8
	from, to, ok := r.variationAt(size, nil)
	for e := from; ok && e <= to && len(out) < maxCandidates; e++ {
		out = append(out, l.listBetween(size-r.content-e, lo, hi)...)
	}
	return out
}

// recovery is the exact_recovery that the rule reaches on its own pairs, each
// predicted from the others; counts says whether reports count the actions.
func (r sizeRule) recovery(l *lister, counts bool, slack int) float64 {
	sum := 0.0
	for i, a := range r.predicted() {
		p := r.pairs[i]
		off := max(p.actions-p.heard, p.heard-p.actions)
		if !a.ok || p.e < a.lo || p.e > a.hi || counts && off > slack {
			continue // the right multiset is not among the candidates
		}

		// The right one is one of n that nothing tells apart: naming one at random
		// is right once in n.
		least, most := 0, math.MaxInt
		if counts {
			least, most = p.heard-slack, p.heard+slack
		}
		n := l.countDown(p.size-r.content-a.lo, p.size-r.content-a.hi, least, most)
		sum += 1 / float64(max(1, n))
	}
	return sum / float64(max(1, len(r.pairs)))
}
