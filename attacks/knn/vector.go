package knn

import "math/bits"

// leafBlock is how many rows a leaf holds at most where there are vectors: two of 16
// rows each.
const leafBlock = 32

// maxNarrow bounds values so that differences fit 16 bits.
const maxNarrow = 1<<14 - 1

// blocks hold a boxTree once more as vectors want it. Results are the same.
//
// A leaf is a block of leafBlock rows turned into columns: dimensions 0 and 1 of all
// rows, then 2 and 3, and so on, zero where there is no row or dimension. A box is
// groups of 16 dimensions, in each first the lowest values, then the highest.
type blocks struct {
	pairs, groups int
	leaves        []int16 // by leaf, in order
	leaf          []int32 // by node: its leaf
	boxes         []int16 // by node
}

// newBlocks turns t; it is nil without vectors or if values are too large for them.
func newBlocks(t *boxTree) *blocks {
	if t.leafRows != leafBlock || !isNarrow(t.boxes[:2*t.d]) {
		return nil
	}
	// A multiply-add of words sums two neighbors, so a leaf holds dimensions in pairs;
	// boxes are subtracted, 16 dimensions at a time.
	b := &blocks{pairs: (t.d + 1) / 2, groups: (t.d + 15) / 16, leaf: make([]int32, len(t.nodes))}
	b.boxes = make([]int16, 32*b.groups*len(t.nodes))
	for i, n := range t.nodes {
		box := b.boxes[32*b.groups*i:]
		for j := range t.d {
			at := j/16*32 + j%16
			box[at], box[at+16] = t.boxes[2*(t.d*i+j)], t.boxes[2*(t.d*i+j)+1]
		}
		if n.right != 0 {
			continue
		}

		// Pairs lie side by side, as one instruction multiplies and adds both numbers of
		// a pair; what is zero beyond the last row is left out by scan.
		b.leaf[i] = int32(len(b.leaves) / (2 * b.pairs * leafBlock))
		b.leaves = append(b.leaves, make([]int16, 2*b.pairs*leafBlock)...)
		block := b.leaves[len(b.leaves)-2*b.pairs*leafBlock:]
		for r := range int(n.end - n.first) {
			for j, v := range t.rows[(int(n.first)+r)*t.d:][:t.d] {
				block[j/2*2*leafBlock+2*r+j%2] = v
			}
		}
	}
	return b
}

// isNarrow says that differences between values within such bounds fit 16 bits.
func isNarrow[T int16 | int32](values []T) bool {
	for _, v := range values {
		if v < -maxNarrow || v > maxNarrow {
			return false
		}
	}
	return true
}

// narrow is q as boxDistances and leafDistances read it, with zeros up to whole groups.
// dst is scratch.
func (b *blocks) narrow(dst []int16, q []int32) []int16 {
	for _, x := range q {
		dst = append(dst, int16(x))
	}
	for len(dst) < 16*b.groups {
		dst = append(dst, 0)
	}
	return dst
}

// children are the distances of q from the boxes of two nodes.
func (b *blocks) children(q []int16, left, right int32) (toLeft, toRight int64) {
	l, r := boxDistances(&q[0], b.groups, &b.boxes[32*b.groups*int(left)], &b.boxes[32*b.groups*int(right)])
	return int64(l), int64(r)
}

// scan is boxTree.scan of a node's block. A worst of -1 is the largest unsigned number,
// which no distance is above.
func (b *blocks) scan(node int32, n boxNode, q []int16, worst int64, visit func(row int, dist int64) int64) int64 {
	var dist [leafBlock]int32
	near := leafDistances(&q[0], b.pairs, &b.leaves[int(b.leaf[node])*2*b.pairs*leafBlock], uint32(worst), &dist)
	for near &= ^uint32(0) >> (leafBlock - (n.end - n.first)); near != 0; near &= near - 1 {
		i := bits.TrailingZeros32(near)
		if d := int64(dist[i]); worst < 0 || d <= worst {
			worst = visit(int(n.first)+i, d)
		}
	}
	return worst
}
