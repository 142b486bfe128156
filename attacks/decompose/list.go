package decompose

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/combin"
)

// Bounds of the listing: below them every multiset is held in a table, above
// them the dynamic program walks; no answer is longer than maxCandidates. A
// table of tableVectors takes 32 MB and its index of sums 64 MB at most.
const (
	tableActions  = 8
	tableVectors  = 1 << 22
	tableTop      = 1 << 24
	maxCandidates = 1 << 14
)

// actionLimit says that some actions together occur at most max times.
type actionLimit struct {
	actions []int
	max     int
}

// lister finds all multisets of actions with a given sum of sizes: the
// change-making problem with every solution listed.
type lister struct {
	sizes  []int // bytes of one action; an action below 1 is never used
	most   int   // largest number of actions
	caps   []int // largest count of each action
	limits []actionLimit
	table  *sumTable
	need   [][]uint8 // nil when there is a table
}

// newLister prepares sizes for at most most actions (at most 254) within
// limits.
func newLister(sizes []int, most int, limits []actionLimit) *lister {
	l := &lister{sizes: sizes, most: most, limits: limits, caps: make([]int, len(sizes))}
	top := 0 // the largest sum there can be
	for i, s := range sizes {
		if s > 0 {
			l.caps[i] = most
			top = max(top, s*most)
		}
	}
	for _, lim := range limits {
		for _, a := range lim.actions {
			l.caps[a] = min(l.caps[a], lim.max)
		}
	}

	// Binomial is the number of multisets of at most most actions. A table
	// answers at once, and behind padding one message asks for many sums.
	if len(sizes) <= tableActions && top <= tableTop && combin.Binomial(most+len(sizes), len(sizes)) <= tableVectors {
		l.table = l.buildTable(top)
	} else {
		l.need = l.fewestActions(min(top, tableTop))
	}
	return l
}

// sumTable holds every multiset as one packed vector, ordered by sum and
// within a sum by counts, so that listing a sum is taking a slice.
type sumTable struct {
	off []int32  // vectors with sum s are vec[off[s]:off[s+1]]
	vec []uint64 // one byte per action, the first in the highest byte used
}

// buildTable makes the table by a counting sort over sums: how many vectors each
// sum has, where each sum begins, then every vector into its place. eachMultiset
// visits in ascending order of counts, which so is the order within a sum.
func (l *lister) buildTable(top int) *sumTable {
	t := &sumTable{off: make([]int32, top+2)}
	l.eachMultiset(0, l.most, 0, 0, func(s int, _ uint64) { t.off[s+1]++ })
	for i := 1; i < len(t.off); i++ {
		t.off[i] += t.off[i-1]
	}
	t.vec = make([]uint64, t.off[len(t.off)-1])
	pos := slices.Clone(t.off)
	l.eachMultiset(0, l.most, 0, 0, func(s int, v uint64) { t.vec[pos[s]] = v; pos[s]++ })
	return t
}

// eachMultiset visits every allowed multiset that adds at most left of the
// actions from i on to what is settled: sum bytes, packed in v.
func (l *lister) eachMultiset(i, left, sum int, v uint64, visit func(int, uint64)) {
	if i == len(l.sizes) {
		if l.allowed(func(a int) int { return int(l.count(v, a)) }) {
			visit(sum, v)
		}
		return
	}
	for k := 0; k <= min(left, l.caps[i]); k++ {
		l.eachMultiset(i+1, left-k, sum+k*l.sizes[i], v<<8|uint64(k), visit)
	}
}

// count is how often action a occurs in the packed vector v.
func (l *lister) count(v uint64, a int) uint8 { return uint8(v >> (8 * (len(l.sizes) - 1 - a))) }

// allowed says whether a multiset, given as a function from actions to counts,
// keeps all limits.
func (l *lister) allowed(count func(int) int) bool {
	for _, lim := range l.limits {
		n := 0
		for _, a := range lim.actions {
			n += count(a)
		}
		if n > lim.max {
			return false
		}
	}
	return true
}

// withSum returns the packed multisets with the given sum, the table's own slice;
// none for a sum of 0, which nothing makes.
func (t *sumTable) withSum(sum int) []uint64 {
	if sum <= 0 || sum+1 >= len(t.off) {
		return nil
	}
	return t.vec[t.off[sum]:t.off[sum+1]]
}

// listed is the part of withSum that list returns.
func (t *sumTable) listed(sum int) []uint64 {
	found := t.withSum(sum)
	return found[:min(len(found), maxCandidates)]
}

// list returns the counts of every non-empty multiset whose sizes sum to rest,
// in ascending order of counts; nil if none does. At most maxCandidates are
// returned: where more fit, naming one is hopeless anyway.
func (l *lister) list(rest int) [][]uint8 { return l.listDown(rest, rest) }

// listDown is list of each sum from the first down to the last, one after the
// other, until there are maxCandidates.
func (l *lister) listDown(from, to int) [][]uint8 {
	var out [][]uint8
	if l.table == nil {
		for rest := from; rest >= max(to, 1) && len(out) < maxCandidates; rest-- {
			var list [][]uint8
			l.walk(0, l.most, rest, make([]uint8, len(l.sizes)), &list)
			out = append(out, list...)
		}
		return out
	}

	// All rows share one array; the third index keeps an append to one from
	// writing into the next.
	rows := l.rowsDown(from, to)
	if rows == 0 {
		return nil
	}
	n := len(l.sizes)
	flat := make([]uint8, n*rows)
	out = make([][]uint8, 0, rows)
	for rest := from; len(out) < rows; rest-- {
		for _, v := range l.table.listed(rest) {
			i := len(out) * n
			row := flat[i : i+n : i+n]
			for a := n - 1; a >= 0; a-- {
				row[a] = uint8(v)
				v >>= 8
			}
			out = append(out, row)
		}
	}
	return out
}

// rowsDown is how many multisets listDown lists from a table.
func (l *lister) rowsDown(from, to int) int {
	rows := 0
	for rest := from; rest >= max(to, 1) && rows < maxCandidates; rest-- {
		rows += len(l.table.listed(rest))
	}
	return rows
}

// countDown is how many of what listDown lists have least to most actions.
func (l *lister) countDown(from, to, least, most int) int {
	n := 0
	if l.table == nil {
		for _, c := range l.listDown(from, to) {
			if k := totalCount(c); k >= least && k <= most {
				n++
			}
		}
		return n
	}
	rows := l.rowsDown(from, to)
	if least <= 0 && most >= l.most {
		return rows // where reports count nothing, no vector needs a look
	}

	for rest := from; rows > 0; rest-- {
		found := l.table.listed(rest)
		rows -= len(found)
		for _, v := range found {
			if k := packedCount(v); k >= least && k <= most {
				n++
			}
		}
	}
	return n
}

// packedCount is the number of actions in a packed vector: its bytes add up in the
// highest one, for they are less than 256 together.
func packedCount(v uint64) int { return int(v * 0x0101010101010101 >> 56) }

// impossible stands for a sum that no number of actions makes. Numbers of
// actions are at most 254 and so lie below it.
const impossible = math.MaxUint8

// fewestActions is the dynamic program of change-making (Wright 1975): need[i][s] is
// the smallest number of actions from i on that sum to s. It knows no caps but
// 0, so it is a lower bound: walk still counts.
func (l *lister) fewestActions(top int) [][]uint8 {
	n := len(l.sizes)
	need := make([][]uint8, n+1)
	need[n] = slices.Repeat([]uint8{impossible}, top+1)
	need[n][0] = 0
	for i := n - 1; i >= 0; i-- {
		// Upward in place: need[i][s-size] already holds one more copy of i.
		need[i] = slices.Clone(need[i+1])
		for s := l.sizes[i]; l.caps[i] > 0 && s <= top; s++ {
			if c := need[i][s-l.sizes[i]]; c < need[i][s] && c+1 < impossible {
				need[i][s] = min(need[i][s], c+1)
			}
		}
	}
	return need
}

// walk lists solutions along the branches that need still allows, counts[:i]
// being settled and left actions free. A rest beyond what need covers closes a
// branch: it is larger than any sum, or than tableTop, where it is given up.
func (l *lister) walk(i, left, rest int, counts []uint8, out *[][]uint8) {
	if i == len(l.sizes) {
		if rest == 0 && l.allowed(func(a int) int { return int(counts[a]) }) {
			*out = append(*out, slices.Clone(counts))
		}
		return
	}
	for k := 0; k <= min(left, l.caps[i]) && len(*out) < maxCandidates; k++ {
		r := rest - k*l.sizes[i]
		if r < 0 {
			break
		}
		if r < len(l.need[i+1]) && int(l.need[i+1][r]) <= left-k {
			counts[i] = uint8(k)
			l.walk(i+1, left-k, r, counts, out)
		}
	}
	counts[i] = 0 // for whoever walks on from an earlier action
}
