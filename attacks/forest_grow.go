package attacks

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// cutSample is how many values of a column the quantiles are taken from.
const cutSample = 65536

// columnCuts returns at most maxBins-1 cuts of a column: midpoints between
// neighboring values where there are few, else quantiles.
func columnCuts(column []float32) []float32 {
	step := (len(column) + cutSample - 1) / cutSample
	s := make([]float32, 0, len(column)/step+1)
	for i := 0; i < len(column); i += step {
		if v := column[i]; v == v { // not NaN
			s = append(s, v)
		}
	}
	slices.Sort(s)
	u := slices.Compact(slices.Clone(s))
	if len(u) > maxBins {
		q := make([]float32, 0, maxBins)
		for b := range maxBins {
			q = append(q, s[(2*b+1)*len(s)/(2*maxBins)])
		}
		u = slices.Compact(q)
	}
	cuts := make([]float32, 0, len(u))
	for i := 1; i < len(u); i++ {
		c := u[i-1] + (u[i]-u[i-1])/2
		if c >= u[i] || c != c { // the two are neighbors, or infinite
			c = u[i-1]
		}
		cuts = append(cuts, c)
	}
	return cuts
}

// binOf is the number of cuts below v.
func binOf(cuts []float32, v float32) uint8 {
	lo, hi := 0, len(cuts)
	for lo < hi {
		if m := int(uint(lo+hi) >> 1); cuts[m] < v {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return uint8(lo)
}

// binColumn writes the bin of every value to dst and returns it. The search
// is the one of binOf without its branches: what is subtracted borrows from
// the upper half if the cut is below the value.
func binColumn(dst []uint8, cuts, column []float32) []uint8 {
	var pad [maxBins]uint64
	for i := range pad {
		pad[i] = math.MaxUint32
		if i < len(cuts) {
			pad[i] = ordered(cuts[i])
		}
	}
	for i, v := range column {
		u, k := ordered(v), uint64(0)
		for s := uint64(maxBins / 2); s > 0; s >>= 1 {
			k += s & ((pad[uint8(k+s-1)] - u) >> 32)
		}
		dst[i] = uint8(k)
	}
	return dst[:len(column)]
}

// ordered is a number of 32 bits that is less where v is; NaN is the least.
func ordered(v float32) uint64 {
	if v != v {
		return 0
	}
	b := int32(math.Float32bits(v + 0)) // -0 becomes 0
	return uint64(uint32(b ^ (b>>31 | math.MinInt32)))
}

// binned is the training matrix in bins.
type binned struct {
	rows int
	cols [][]uint8
	y    []int32
}

// drawn is a training row in the bootstrap: its place in the low 32 bits, then
// its class in 16 and how often it was drawn in 8.
type drawn uint64

func (r drawn) row() uint32 { return uint32(r) }
func (r drawn) class() int  { return int(uint16(r >> 32)) }
func (r drawn) weight() int { return int(r >> 48) }

// key is the row in a list sorted by bin: the bin above weight and class.
func (r drawn) key(bin uint8) uint32 { return uint32(bin)<<24 | uint32(r>>32) }

// sortedNode is the largest node whose rows are sorted; larger ones are
// counted into a histogram of bins and classes.
const sortedNode = 1024

// grower grows trees one after another; it is one worker's scratch.
type grower struct {
	d       *binned
	classes int
	o       ForestOptions
	rng     *rand.Rand
	rows    []drawn
	tmp     []drawn
	weight  []uint8
	perm    []uint16
	hist    []int32   // bins x classes, all zero between uses
	left    []int64   // class counts left of the cut being tried
	keys    []uint32  // drawn.key of a small node, sorted
	raw     []uint32  // the same, unsorted
	counts  [][]int32 // class counts of the two children, by depth
	out     tree      // in the making
	prob    []float32 // of one leaf
}

func newGrower(d *binned, classes int, o ForestOptions) *grower {
	g := &grower{
		d: d, classes: classes, o: o,
		tmp: make([]drawn, d.rows), weight: make([]uint8, d.rows), perm: make([]uint16, len(d.cols)),
		hist: make([]int32, maxBins*classes), left: make([]int64, classes),
		keys: make([]uint32, sortedNode), raw: make([]uint32, sortedNode), prob: make([]float32, classes),
	}
	return g
}

// grow makes tree i: a function of the seed and i alone.
func (g *grower) grow(i int) tree {
	g.rng = rand.New(rand.NewPCG(g.o.Seed, uint64(i)))
	clear(g.weight)
	for range g.d.rows {
		if w := &g.weight[g.rng.IntN(g.d.rows)]; *w < 255 {
			*w++
		}
	}
	g.rows = g.rows[:0]
	for r, w := range g.weight {
		if w > 0 {
			g.rows = append(g.rows, drawn(r)|drawn(g.d.y[r])<<32|drawn(w)<<48)
		}
	}
	for j := range g.perm {
		g.perm[j] = uint16(j)
	}
	g.out = tree{nodes: make([]forestNode, 0, len(g.rows)/2)}
	g.node(g.rows, g.count(g.rows, g.childCounts(0)[:g.classes]), 0)
	return tree{nodes: slices.Clip(g.out.nodes), mixed: slices.Clip(g.out.mixed)}
}

// childCounts is scratch for the class counts of two children at a depth.
func (g *grower) childCounts(depth int) []int32 {
	if depth == len(g.counts) {
		g.counts = append(g.counts, make([]int32, 2*g.classes))
	}
	return g.counts[depth]
}

// count fills counts with the classes of rows.
func (g *grower) count(rows []drawn, counts []int32) []int32 {
	clear(counts)
	for _, r := range rows {
		counts[r.class()] += int32(r.weight())
	}
	return counts
}

// best is the best cut found in a node.
type best struct {
	score   float64
	feature int // -1: none
	bin     int
}

// node appends the subtree of rows, whose class counts are given.
func (g *grower) node(rows []drawn, counts []int32, depth int) {
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
	b := best{feature: -1}
	if kinds > 1 && total >= int64(g.o.MinSplit) && (g.o.MaxDepth == 0 || depth < g.o.MaxDepth) {
		b = g.search(rows, counts, total, squares)
	}
	if b.feature < 0 {
		g.out.nodes[me] = g.leaf(counts, total, kinds)
		return
	}
	cut := g.partition(rows, g.d.cols[b.feature], uint8(b.bin))
	two := g.childCounts(depth + 1)
	left, right := g.count(rows[:cut], two[:g.classes]), two[g.classes:]
	for c := range right {
		right[c] = counts[c] - left[c]
	}
	g.node(rows[:cut], left, depth+1)
	at := int32(len(g.out.nodes))
	g.node(rows[cut:], right, depth+1)
	g.out.nodes[me] = forestNode{feature: uint16(b.feature), bin: uint8(b.bin), right: at}
}

func (g *grower) leaf(counts []int32, total int64, kinds int) forestNode {
	if kinds < 2 {
		for c, n := range counts {
			if n > 0 {
				return forestNode{feature: leafFeature, right: int32(c)}
			}
		}
	}
	at := len(g.out.mixed) / g.classes
	for c, n := range counts {
		g.prob[c] = float32(n) / float32(total)
	}
	g.out.mixed = append(g.out.mixed, g.prob...)
	return forestNode{feature: leafFeature, right: int32(-1 - at)}
}

// search tries random features until enough were tried and one can split.
func (g *grower) search(rows []drawn, counts []int32, total, squares int64) best {
	b := best{score: -1, feature: -1}
	p := g.perm
	for k := 0; k < len(p) && (k < g.o.TryFeatures || b.feature < 0); k++ {
		j := k + int(g.rng.Uint32N(uint32(len(p)-k)))
		p[k], p[j] = p[j], p[k]
		var s float64
		var bin int
		if col := g.d.cols[p[k]]; len(rows) <= sortedNode {
			s, bin = g.cutSorted(rows, counts, col, total, squares)
		} else {
			s, bin = g.cutHistogram(rows, counts, col, total, squares)
		}
		if bin >= 0 && s > b.score {
			b = best{s, int(p[k]), bin}
		}
	}
	return b
}

// partition moves rows with col <= bin to the front, keeping order on both
// sides, and returns how many they are.
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

// Both searches score a cut by sum l_c^2 / n_l + sum r_c^2 / n_r, which is
// largest where the Gini impurity is smallest, and keep the sums up to date as
// rows move from right to left. The cut is put in the middle between the last
// bin on the left and the first on the right.

// cutSorted searches a small node: rows sorted by bin.
func (g *grower) cutSorted(rows []drawn, counts []int32, col []uint8, total, squares int64) (float64, int) {
	keys := g.sortKeys(rows, col)
	if keys[0]>>24 == keys[len(keys)-1]>>24 {
		return -1, -1
	}
	l := g.left
	clear(l)
	var nl, l2 int64
	r2 := squares
	score, bin := -1.0, -1
	for i, k := range keys {
		c, w := uint16(k), int64(uint8(k>>16))
		lc := l[c]
		l2 += w * (2*lc + w)
		r2 -= w * (2*(int64(counts[c])-lc) - w)
		l[c] = lc + w
		nl += w
		if i+1 < len(keys) && keys[i+1]>>24 != k>>24 {
			if s := float64(l2)/float64(nl) + float64(r2)/float64(total-nl); s > score {
				score, bin = s, int(k>>24+keys[i+1]>>24)/2
			}
		}
	}
	return score, bin
}

// sortKeys sorts the rows of a small node by bin: by insertion when there are
// few, else by counting.
func (g *grower) sortKeys(rows []drawn, col []uint8) []uint32 {
	keys := g.keys[:len(rows)]
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
	var pos [maxBins]uint16
	var seen [4]uint64
	for i, r := range rows {
		b := col[r.row()]
		raw[i] = r.key(b)
		pos[b]++
		seen[b>>6] |= 1 << (b & 63)
	}
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
	var seen [4]uint64
	for _, r := range rows {
		b := col[r.row()]
		g.hist[int(b)*g.classes+r.class()] += int32(r.weight())
		seen[b>>6] |= 1 << (b & 63)
	}
	l := g.left
	clear(l)
	var nl, l2 int64
	r2 := squares
	score, bin, open := -1.0, -1, false // open: the best cut waits for its right side
	for q := range seen {
		for m := seen[q]; m != 0; m &= m - 1 {
			b := q*64 + bits.TrailingZeros64(m)
			if open {
				bin, open = (bin+b)/2, false
			}
			row := g.hist[b*g.classes : (b+1)*g.classes]
			for c, n := range row {
				if n != 0 {
					w, lc := int64(n), l[c]
					l2 += w * (2*lc + w)
					r2 -= w * (2*(int64(counts[c])-lc) - w)
					l[c] = lc + w
					nl += w
				}
			}
			clear(row)
			if nl < total {
				if s := float64(l2)/float64(nl) + float64(r2)/float64(total-nl); s > score {
					score, bin, open = s, b, true
				}
			}
		}
	}
	return score, bin
}
