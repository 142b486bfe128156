package forest

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// binned is the training matrix in bins.
type binned struct {
	rows int
	cols []column
	y    []int32
}

// column is the bin of each row, below bins.
type column struct {
	of   []uint8
	bins int
}

// drawn is a training row in the bootstrap, with all that a search needs in one
// word, so that a node is one array read from front to end:
//
//	bits 0-31   place of the row in the training set
//	bits 32-47  its class
//	bits 48-55  its weight: how often it was drawn, at most 255
type drawn uint64

func newDrawn(row int, class int32, weight uint8) drawn {
	return drawn(row) | drawn(class)<<32 | drawn(weight)<<48
}

func (r drawn) row() uint32 { return uint32(r) }
func (r drawn) class() int  { return int(uint16(r >> 32)) }
func (r drawn) weight() int { return int(r >> 48) }

// key is the row in a list sorted by bin:
//
//	bits 0-15   class
//	bits 16-23  weight
//	bits 24-31  bin
func (r drawn) key(bin uint8) uint32 { return uint32(bin)<<24 | uint32(r>>32) }

// A node of up to sortedNode rows is sorted by bin; larger ones are counted into a
// histogram of bins and classes, and so are smaller ones as soon as it has fewer than
// cellsPerRow cells for each of their rows. Nodes of up to rankedNode rows are sorted by
// ranks where there are vectors for it, and of up to insertedNode rows by insertion
// where there are none.
const (
	sortedNode   = 4096
	cellsPerRow  = 2
	rankedNode   = 64
	insertedNode = 32
)

// grower grows trees one after another; it is one worker's scratch.
type grower struct {
	d       *binned
	classes int
	seed    uint64
	tries   int // columns tried in a node
	rng     *rand.PCG
	rows    []drawn
	tmp     []drawn
	weight  []uint8
	perm    []uint16
	hist    []int32   // bins x classes, all zero between uses
	sides   []side    // of each class, in the search for a cut
	fresh   bool      // sides are those of the node at hand, and none has moved
	keys    []uint32  // drawn.key of a small node, sorted, and room for a vector more
	places  *places   // of the cuts behind them
	counts  [][]int32 // class counts of the two children, by depth
	vectors bool
	out     tree      // in the making
	shares  []float32 // classes of one leaf
}

func newGrower(d *binned, classes int, seed uint64) *grower {
	return &grower{
		d: d, classes: classes, seed: seed, tries: max(1, int(math.Sqrt(float64(len(d.cols))))),
		tmp: make([]drawn, d.rows), weight: make([]uint8, d.rows), perm: make([]uint16, len(d.cols)),
		hist: make([]int32, maxBins*classes), sides: make([]side, classes),
		keys: make([]uint32, sortedNode+placeLanes), places: new(places), shares: make([]float32, classes), vectors: hasVectors(),
	}
}

// grow makes tree i: a function of the seed and i alone.
func (g *grower) grow(i int) tree {
	rows := g.bootstrap(i)
	g.out = tree{nodes: make([]forestNode, 0, len(rows)/2)}
	g.growNode(rows, g.countClasses(rows, g.childCounts(0)[:g.classes]), 0)
	return tree{nodes: slices.Clip(g.out.nodes), mixed: slices.Clip(g.out.mixed)}
}

// bootstrap draws as many rows as there are, with repetition, and makes all that tree i
// draws from begin anew: nodes shuffle the order of columns, and a tree depends on no
// other. A row drawn more often than its weight has bits for is as good as impossible.
func (g *grower) bootstrap(i int) []drawn {
	g.rng = rand.NewPCG(g.seed, uint64(i))
	clear(g.weight)
	for range g.d.rows {
		if w := &g.weight[g.below(uint64(g.d.rows))]; *w < 255 {
			*w++
		}
	}
	g.rows = g.rows[:0]
	for r, w := range g.weight {
		if w > 0 {
			g.rows = append(g.rows, newDrawn(r, g.d.y[r], w))
		}
	}
	for j := range g.perm {
		g.perm[j] = uint16(j)
	}
	return g.rows
}

// below draws from [0, n), n above 0, as rand.Rand does, whose calls of a source that
// may be any cost more than the draw: the upper half of n times 64 bits, and another
// draw where rounding would favor some (Lemire, Fast Random Integer Generation in an
// Interval, ACM TOMACS 29, 2019).
func (g *grower) below(n uint64) uint64 {
	if n&(n-1) == 0 {
		return g.rng.Uint64() & (n - 1)
	}
	for {
		high, low := bits.Mul64(g.rng.Uint64(), n)
		if low >= n || low >= -n%n {
			return high
		}
	}
}

// childCounts is scratch for the class counts of two children at a depth.
func (g *grower) childCounts(depth int) []int32 {
	if depth == len(g.counts) {
		g.counts = append(g.counts, make([]int32, 2*g.classes))
	}
	return g.counts[depth]
}

// countClasses writes the weight of each class in rows to counts.
func (g *grower) countClasses(rows []drawn, counts []int32) []int32 {
	clear(counts)
	for _, r := range rows {
		counts[r.class()] += int32(r.weight())
	}
	return counts
}

// node is what a search for a cut looks at.
type node struct {
	rows           []drawn
	counts         []int32 // draws of each class
	total, squares int64   // sums of counts and of their squares
}

// nodeCut is the best cut found in a node.
type nodeCut struct {
	score   float64
	feature int // -1: none
	bin     int
}

// growNode appends the subtree of rows, whose class counts are given, and
// reorders rows.
func (g *grower) growNode(rows []drawn, counts []int32, depth int) {
	me := len(g.out.nodes)
	g.out.nodes = append(g.out.nodes, forestNode{})
	n := node{rows: rows, counts: counts}
	kinds := 0
	for _, c := range counts {
		if c > 0 {
			kinds++
			n.total += int64(c)
			n.squares += int64(c) * int64(c)
		}
	}

	b := nodeCut{feature: -1}
	if kinds > 1 {
		b = g.bestCut(n)
	}
	if b.feature < 0 {
		g.out.nodes[me] = g.newLeaf(counts, n.total, kinds)
		return
	}

	// Both children's counts are kept by depth: the left subtree writes only to
	// deeper ones, so the right child's are still there when its turn comes.
	cut := g.partition(rows, g.d.cols[b.feature].of, uint8(b.bin))
	two := g.childCounts(depth + 1)
	left, right := g.countClasses(rows[:cut], two[:g.classes]), two[g.classes:]
	for c := range right {
		right[c] = counts[c] - left[c]
	}

	// The node is written last: only then is it known where the right subtree
	// begins, and nodes may have moved as it grew.
	g.growNode(rows[:cut], left, depth+1)
	at := int32(len(g.out.nodes))
	g.growNode(rows[cut:], right, depth+1)
	g.out.nodes[me] = forestNode{feature: uint16(b.feature), bin: uint8(b.bin), right: at}
}

// newLeaf is a leaf of the one class there is or, with several, of their shares,
// which it appends to the tree.
func (g *grower) newLeaf(counts []int32, total int64, kinds int) forestNode {
	if kinds < 2 {
		for c, n := range counts {
			if n > 0 {
				return forestNode{feature: leafFeature, right: int32(c)}
			}
		}
	}
	at := len(g.out.mixed) / g.classes
	for c, n := range counts {
		g.shares[c] = float32(n) / float32(total)
	}
	g.out.mixed = append(g.out.mixed, g.shares...)
	return forestNode{feature: leafFeature, right: int32(-1 - at)}
}

// bestCut tries random features until enough were tried and one can split. The
// first k of perm are those tried: a Fisher-Yates shuffle that stops there.
func (g *grower) bestCut(n node) nodeCut {
	b := nodeCut{score: -1, feature: -1}
	p := g.perm
	g.fresh = false
	for k := 0; k < len(p) && (k < g.tries || b.feature < 0); k++ {
		j := k + int(g.below(uint64(len(p)-k)))
		p[k], p[j] = p[j], p[k]

		// No score is above the number of draws, that of two pure sides, however it
		// is rounded. Then the rest is drawn, for the sake of later nodes, and not tried.
		if b.score == float64(n.total) {
			continue
		}
		s, bin := b.score, -1
		switch col := &g.d.cols[p[k]]; {
		case col.bins < 2: // nothing to cut
		case col.bins == 2:
			s, bin = g.cutBinary(n, col, s)
		case len(n.rows) <= sortedNode && len(n.rows)*cellsPerRow <= col.bins*g.classes:
			s, bin = g.cutSorted(n, col, s)
		default:
			s, bin = g.cutHistogram(n, col, s)
		}
		if bin >= 0 {
			b = nodeCut{s, int(p[k]), bin}
		}
	}
	return b
}

// partition moves rows with col <= bin to the front, keeping order on both
// sides, and returns how many they are. Every row is written to both places and
// only one index moves on: no branch, for which side a row goes to is what the
// processor cannot foresee.
func (g *grower) partition(rows []drawn, col []uint8, bin uint8) int {
	a, b := 0, 0
	tmp := g.tmp[:len(rows)]
	for _, r := range rows {
		le := 0
		if col[r.row()] <= bin {
			le = 1
		}
		rows[a] = r
		tmp[b] = r
		a += le
		b += 1 - le
	}
	copy(rows[a:], tmp[:b])
	return a
}
