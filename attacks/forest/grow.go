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
	cols [][]uint8
	bins []int // of each column
	y    []int32
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

// sortedNode is the largest node whose rows are sorted; larger ones are
// counted into a histogram of bins and classes. Nodes of up to rankedNode rows are
// sorted by ranks where there are vectors for it.
const (
	sortedNode = 1024
	rankedNode = 32
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
	left    []int64   // class counts left of the cut being tried
	keys    []uint32  // drawn.key of a small node, sorted
	raw     []uint32  // the same, unsorted
	counts  [][]int32 // class counts of the two children, by depth
	vectors bool
	out     tree      // in the making
	shares  []float32 // classes of one leaf
}

func newGrower(d *binned, classes int, seed uint64) *grower {
	return &grower{
		d: d, classes: classes, seed: seed, tries: max(1, int(math.Sqrt(float64(len(d.cols))))),
		tmp: make([]drawn, d.rows), weight: make([]uint8, d.rows), perm: make([]uint16, len(d.cols)),
		hist: make([]int32, maxBins*classes), left: make([]int64, classes),
		keys: make([]uint32, sortedNode), raw: make([]uint32, sortedNode), shares: make([]float32, classes),
		vectors: hasVectors(),
	}
}

// grow makes tree i: a function of the seed and i alone.
func (g *grower) grow(i int) tree {
	g.rng = rand.NewPCG(g.seed, uint64(i))

	// The bootstrap draws as many rows as there are, with repetition. A row
	// drawn more often than its weight has bits for is as good as impossible.
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

	// Nodes shuffle this order further, so it must begin anew for the tree to
	// depend on no other.
	for j := range g.perm {
		g.perm[j] = uint16(j)
	}
	g.out = tree{nodes: make([]forestNode, 0, len(g.rows)/2)}
	g.growNode(g.rows, g.countClasses(g.rows, g.childCounts(0)[:g.classes]), 0)
	return tree{nodes: slices.Clip(g.out.nodes), mixed: slices.Clip(g.out.mixed)}
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
	var total, squares int64
	kinds := 0
	for _, n := range counts {
		if n > 0 {
			kinds++
			total += int64(n)
			squares += int64(n) * int64(n)
		}
	}

	b := nodeCut{feature: -1}
	if kinds > 1 {
		b = g.bestCut(rows, counts, total, squares)
	}
	if b.feature < 0 {
		g.out.nodes[me] = g.newLeaf(counts, total, kinds)
		return
	}

	// Both children's counts are kept by depth: the left subtree writes only to
	// deeper ones, so the right child's are still there when its turn comes.
	cut := g.partition(rows, g.d.cols[b.feature], uint8(b.bin))
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
func (g *grower) bestCut(rows []drawn, counts []int32, total, squares int64) nodeCut {
	b := nodeCut{score: -1, feature: -1}
	p := g.perm
	for k := 0; k < len(p) && (k < g.tries || b.feature < 0); k++ {
		j := k + int(g.below(uint64(len(p)-k)))
		p[k], p[j] = p[j], p[k]
		s, bin := -1.0, -1
		switch col := g.d.cols[p[k]]; {
		case g.d.bins[p[k]] < 2: // nothing to cut
		case g.d.bins[p[k]] == 2:
			s, bin = g.cutBinary(rows, counts, col, total)
		case len(rows) <= sortedNode:
			s, bin = g.cutSorted(rows, counts, col, total, squares)
		default:
			s, bin = g.cutHistogram(rows, counts, col, total, squares)
		}
		if bin >= 0 && s > b.score {
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
// it and the next one that does. Of equal scores the first counts. -1 is no
// cut: all rows are in one bin.

// cutBinary is the score of the only cut of a column of two bins, such as a port that
// a packet has or has not. Few rows of a node are in bin 1, and mostly none: those are
// added up, four rows at a time where any of them is, without a branch in between.
func (g *grower) cutBinary(rows []drawn, counts []int32, col []uint8, total int64) (float64, int) {
	right := g.left
	clear(right)
	for len(rows) >= 4 {
		four := (*[4]drawn)(rows)
		bin := [4]uint8{col[four[0].row()], col[four[1].row()], col[four[2].row()], col[four[3].row()]}
		if bin[0]|bin[1]|bin[2]|bin[3] != 0 {
			for i, r := range four {
				right[r.class()] += int64(r.weight()) & -int64(bin[i]) // -1 is all bits
			}
		}
		rows = rows[4:]
	}
	for _, r := range rows {
		right[r.class()] += int64(r.weight()) & -int64(col[r.row()])
	}

	var nr, l2, r2 int64
	for c, n := range right {
		nr += n
		r2 += n * n
		l2 += (int64(counts[c]) - n) * (int64(counts[c]) - n)
	}
	if nr == 0 || nr == total {
		return -1, -1
	}
	return float64(l2)/float64(total-nr) + float64(r2)/float64(nr), 0
}

// cutSorted searches a node of at most sortedNode rows, sorted by bin.
func (g *grower) cutSorted(rows []drawn, counts []int32, col []uint8, total, squares int64) (float64, int) {
	keys := g.sortKeys(rows, col)
	if keys[0]>>24 == keys[len(keys)-1]>>24 {
		return -1, -1
	}

	l := g.left
	clear(l)
	var nl, l2, mid int64 // n_l, sum l_c^2, sum n_c l_c
	score, bin := -1.0, -1
	for i, k := range keys {
		c, w := uint16(k), int64(uint8(k>>16)) // see drawn.key
		lc := l[c]
		l2 += w * (2*lc + w)
		mid += w * int64(counts[c])
		l[c] = lc + w
		nl += w

		// Behind the last row of a bin, and never behind the last of all: no
		// side is empty.
		if i+1 < len(keys) && keys[i+1]>>24 != k>>24 {
			r2 := squares - 2*mid + l2
			if s := float64(l2)/float64(nl) + float64(r2)/float64(total-nl); s > score {
				score, bin = s, int(k>>24+keys[i+1]>>24)/2
			}
		}
	}
	return score, bin
}

// sortKeys sorts the rows of a small node by bin: by ranks or by insertion when there
// are few, else by counting. What comes first within a bin differs between them
// and does not matter.
func (g *grower) sortKeys(rows []drawn, col []uint8) []uint32 {
	keys := g.keys[:len(rows)]
	if g.vectors && len(rows) <= rankedNode {
		// A rank is a number of codes above: a place without a row is zero and above
		// none, and the place in the code makes all differ.
		var codes [rankedNode]uint16
		raw := g.raw[:len(rows)]
		for i, r := range rows {
			b := col[r.row()]
			raw[i] = r.key(b)
			codes[i] = ^(uint16(b)<<8 | uint16(i))
		}
		rankKeys(keys, raw, &codes)
		return keys
	}
	if len(rows) <= 12 {
		for i, r := range rows {
			v := r.key(col[r.row()])
			j := i
			for ; j > 0 && keys[j-1] > v; j-- {
				keys[j] = keys[j-1]
			}
			keys[j] = v
		}
		return keys
	}

	raw := g.raw[:len(rows)]
	var pos [maxBins]uint16 // rows in a bin, then where its next row goes
	var seen [4]uint64      // a bit for each bin that occurs
	for i, r := range rows {
		b := col[r.row()]
		raw[i] = r.key(b)
		pos[b]++
		seen[b>>6] |= 1 << (b & 63)
	}

	// A small node has few of the 256 bins: only these are visited, lowest bit
	// first; m & (m-1) takes that bit away.
	var at uint16
	for q := range seen {
		for m := seen[q]; m != 0; m &= m - 1 {
			b := uint8(q*64 + bits.TrailingZeros64(m))
			n := pos[b]
			pos[b] = at
			at += n
		}
	}
	for _, k := range raw {
		b := uint8(k >> 24)
		keys[pos[b]] = k
		pos[b]++
	}
	return keys
}

// cutHistogram searches a large node by counting classes per bin.
func (g *grower) cutHistogram(rows []drawn, counts []int32, col []uint8, total, squares int64) (float64, int) {
	var seen [4]uint64 // as in sortKeys
	for _, r := range rows {
		b := col[r.row()]
		g.hist[int(b)*g.classes+r.class()] += int32(r.weight())
		seen[b>>6] |= 1 << (b & 63)
	}

	l := g.left
	clear(l)
	var nl, l2, mid int64
	score, bin, open := -1.0, -1, false // open: the best cut waits for its right side
	for q := range seen {
		for m := seen[q]; m != 0; m &= m - 1 {
			b := q*64 + bits.TrailingZeros64(m)
			if open {
				bin, open = (bin+b)/2, false
			}

			// All draws of a class in the bin move at once: w is their number.
			row := g.hist[b*g.classes : (b+1)*g.classes]
			for c, n := range row {
				if n != 0 {
					w, lc := int64(n), l[c]
					l2 += w * (2*lc + w)
					mid += w * int64(counts[c])
					l[c] = lc + w
					nl += w
				}
			}

			clear(row) // the histogram is all zero again for the next search
			if nl < total {
				r2 := squares - 2*mid + l2
				if s := float64(l2)/float64(nl) + float64(r2)/float64(total-nl); s > score {
					score, bin, open = s, b, true
				}
			}
		}
	}
	return score, bin
}
