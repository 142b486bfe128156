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
	keys    []uint32  // drawn.key of a small node, sorted
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
		keys: make([]uint32, sortedNode), shares: make([]float32, classes), vectors: hasVectors(),
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

// Three searches find the cut of a node where the Gini impurity is least, one for
// small nodes, one for large ones, and one for columns of two bins, which have one cut.
// They put all n = total draws on the right
// side and move them to the left in order of bin.
//
// With l_c draws of class c and n_l in all on the left, r_c and n_r on the
// right, the impurity of the two sides, weighed by their sizes, is
//
//	n - (sum l_c^2 / n_l + sum r_c^2 / n_r)
//
// so the score in brackets is made largest. Its sums are kept up to date: where
// w draws of class c move over, with n_c = l_c + r_c,
//
//	(l_c + w)^2 - l_c^2 = w (2 l_c + w)
//	sum r_c^2           = sum n_c^2 - 2 sum n_c l_c + sum l_c^2
//
// and the middle sum grows by w n_c.
//
// Sums are of integers and so exact in any order. They do not overflow: weights
// add up to at most the number of rows, which a drawn holds in 32 bits and
// counts in 31, and a sum of squares is at most the square of the sum, below
// 2^62; what twice the middle sum loses at the top comes back with the subtraction.
// Up to 2^26 rows they are exact as a float64 too.
//
// A cut is tried only behind a bin that occurs, and put in the middle between
// it and the next one that does. It counts if its score is above that to beat, and of
// equal ones the first; a bin of -1 is no such cut.

// side is a class in the search for a cut.
type side struct {
	moved int64 // l_c, of a column of two bins r_c
	twice int64 // 2 n_c
}

// newSides are the classes of a node before any draw has moved.
func (g *grower) newSides(n node) []side {
	if !g.fresh {
		for c, all := range n.counts {
			g.sides[c] = side{twice: 2 * int64(all)}
		}
	}
	g.fresh = false
	return g.sides
}

// cutBinary searches a column of two bins, which has one cut, such as a port that a
// packet has or has not. Few rows of a node are in bin 1, and mostly none: it is those
// that move, four rows at a time where any of them does, without a branch in between;
// the other side follows from them as above.
func (g *grower) cutBinary(n node, col *column, beat float64) (float64, int) {
	sides, rows, of := g.newSides(n), n.rows, col.of
	var nr, r2 int64
	rest := n.squares
	move := func(r drawn, bin uint8) {
		w, s := int64(r.weight())&-int64(bin), &sides[r.class()] // -1 is all bits
		r2 += w * (2*s.moved + w)
		rest -= w * s.twice
		s.moved += w
		nr += w
	}
	for len(rows) >= 4 {
		four := (*[4]drawn)(rows)
		bin := [4]uint8{of[four[0].row()], of[four[1].row()], of[four[2].row()], of[four[3].row()]}
		if bin[0]|bin[1]|bin[2]|bin[3] != 0 {
			for i, r := range four {
				move(r, bin[i])
			}
		}
		rows = rows[4:]
	}
	for _, r := range rows {
		move(r, of[r.row()])
	}

	g.fresh = nr == 0
	if nr == 0 || nr == n.total {
		return beat, -1
	}
	if s := float64(rest+r2)/float64(n.total-nr) + float64(r2)/float64(nr); s > beat {
		return s, 0
	}
	return beat, -1
}

// cutSorted searches a node of at most sortedNode rows, sorted by bin.
//
// Most cuts score less than beat, which three products tell sooner than two divisions:
// with r for rest, sum n_c^2 - 2 sum n_c l_c, and t for the total,
//
//	l2/n_l + (l2+r)/(t-n_l) > beat    exactly if    l2 t + n_l r > beat n_l (t-n_l)
//
// for 0 < n_l < t; behind the last key both are zero. Products are rounded, by a few parts
// in 2^53, so that almost that much is enough to divide. They do not overflow: a small
// node has at most 2^20 draws, and squares of that many times as many are at most 2^60.
func (g *grower) cutSorted(n node, col *column, beat float64) (float64, int) {
	keys := g.sortKeys(n.rows, col)
	if keys[0]>>24 == keys[len(keys)-1]>>24 { // all in one bin, as in many small nodes
		return beat, -1
	}

	const almost = 1 - 1e-14
	sides, at := g.newSides(n), -1
	var nl, l2 int64
	rest, bar := n.squares, beat*almost
	for i, k := range keys {
		w, s := int64(uint8(k>>16)), &sides[uint16(k)] // see drawn.key
		l2 += w * (2*s.moved + w)
		rest -= w * s.twice
		s.moved += w
		nl += w
		if float64(l2*n.total+nl*rest) > bar*float64(nl*(n.total-nl)) && keys[i+1]>>24 != k>>24 {
			if score := float64(l2)/float64(nl) + float64(rest+l2)/float64(n.total-nl); score > beat {
				beat, at, bar = score, i, score*almost
			}
		}
	}
	if at < 0 {
		return beat, -1
	}
	return beat, int(keys[at]>>24+keys[at+1]>>24) / 2
}

// sortKeys sorts the rows of a small node by bin: by ranks or by insertion when there
// are few, else by counting. What comes first within a bin differs between them
// and does not matter.
func (g *grower) sortKeys(rows []drawn, col *column) []uint32 {
	keys, of := g.keys[:len(rows)], col.of
	if g.vectors && len(rows) <= rankedNode {
		rankKeys(keys, rows, of)
		return keys
	}
	if len(rows) <= insertedNode {
		for i, r := range rows {
			v := r.key(of[r.row()])
			j := i
			for ; j > 0 && keys[j-1] > v; j-- {
				keys[j] = keys[j-1]
			}
			keys[j] = v
		}
		return keys
	}

	var pos [maxBins]uint16 // rows in a bin, then where its next row goes
	for _, r := range rows {
		pos[of[r.row()]]++
	}
	var at uint16
	for b, n := range pos {
		pos[b] = at
		at += n
	}
	for _, r := range rows {
		b := of[r.row()]
		keys[pos[b]] = r.key(b)
		pos[b]++
	}
	return keys
}

// cutHistogram searches a large node by counting classes per bin.
func (g *grower) cutHistogram(n node, col *column, beat float64) (float64, int) {
	hist, of, classes := g.hist, col.of, g.classes
	for _, r := range n.rows {
		hist[int(of[r.row()])*classes+r.class()] += int32(r.weight())
	}

	sides := g.newSides(n)
	var nl, l2 int64
	rest := n.squares      // see cutSorted
	bin, open := -1, false // open: the best cut waits for its right side
	for b := range col.bins {
		// All draws of a class in the bin move at once: w is their number. Most of them
		// are none, which a branch would not foresee. The histogram is all zero again
		// for the next search.
		row := hist[b*classes:][:len(sides)]
		before := nl
		for c := range row {
			w, s := int64(row[c]), &sides[c]
			row[c] = 0
			l2 += w * (2*s.moved + w)
			rest -= w * s.twice
			s.moved += w
			nl += w
		}
		if nl == before {
			continue
		}
		if open {
			bin, open = (bin+b)/2, false
		}
		if nl < n.total {
			if s := float64(l2)/float64(nl) + float64(rest+l2)/float64(n.total-nl); s > beat {
				beat, bin, open = s, b, true
			}
		}
	}
	return beat, bin
}
