package knn

import (
	"cmp"
	"math"
	"slices"
)

// boxTree is an exact index for nearest neighbors: rows split in halves at the
// widest dimension down to leaves of at most leafRows, with the bounding box of
// every node. A query goes down the nearer child first and leaves out what lies
// further than its k-th neighbor so far. Packet lengths fit in 16 bits, which
// makes a row of 14 packets half a cache line.
//
// Nodes lie in the order of a walk that goes left first, so that a left child
// needs no index; node n has its box at boxes[2*d*n:], and row r of the leaves
// its values at rows[d*r:].
type boxTree struct {
	d     int
	rows  []int16 // d values each, in order of leaves
	nodes []boxNode
	boxes []int16 // of each node: lowest and highest value of each dimension in turn

	leafRows int
	vectors  *blocks // nil: without
}

// boxNode holds rows first to end; an inner node's children are the next node
// and right.
type boxNode struct {
	first, end int32
	right      int32 // 0: leaf
}

// leafRows is how many rows a leaf holds at most without vectors.
const leafRows = 24

// newBoxTree builds the index over n vectors of d values and returns it with
// the order in which it wants them: its row i is vector order[i]. It is nil when
// there are too few to be worth it or values do not fit.
func newBoxTree(n, d int, at func(row int) []int32) (*boxTree, []int32) {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	if n < 4*leafRows || d == 0 {
		return nil, order
	}

	flat := make([]int16, n*d)
	for i := range n {
		for j, x := range at(i) {
			if x < math.MinInt16 || x > math.MaxInt16 {
				return nil, order
			}
			flat[i*d+j] = int16(x)
		}
	}

	// Rows are copied once the order is known: a leaf is then one stretch of
	// memory that a scan reads from front to back.
	t := &boxTree{d: d, rows: make([]int16, n*d), leafRows: leafRows}
	if hasVectors() {
		t.leafRows = leafBlock
	}
	t.split(flat, order, 0, n)
	for i, id := range order {
		copy(t.rows[i*d:], flat[int(id)*d:(int(id)+1)*d])
	}
	t.vectors = newBlocks(t)
	return t, order
}

// split appends the subtree of rows first to end of order, which it sorts.
func (t *boxTree) split(flat []int16, order []int32, first, end int) {
	me := len(t.nodes)
	t.nodes = append(t.nodes, boxNode{first: int32(first), end: int32(end)})
	wide, width := 0, -1
	for j := range t.d {
		lo, hi := int16(math.MaxInt16), int16(math.MinInt16)
		for _, id := range order[first:end] {
			v := flat[int(id)*t.d+j]
			lo, hi = min(lo, v), max(hi, v)
		}
		t.boxes = append(t.boxes, lo, hi)
		if w := int(hi) - int(lo); w > width {
			wide, width = j, w
		}
	}
	if end-first <= t.leafRows {
		return
	}

	// Halves by number, not by value: the depth stays at log2(n), which the
	// stack of search is made for.
	slices.SortStableFunc(order[first:end], func(a, b int32) int {
		return cmp.Compare(flat[int(a)*t.d+wide], flat[int(b)*t.d+wide])
	})
	mid := (first + end) / 2
	t.split(flat, order, first, mid)
	t.nodes[me].right = int32(len(t.nodes)) // by index: append may have moved the nodes
	t.split(flat, order, mid, end)
}

// boxDistance is the squared distance of q from the box of a node, 0 inside it.
// It fits 32 bits where fits(q) holds.
func (t *boxTree) boxDistance(node int32, q []int32) int64 {
	b := t.boxes[int(node)*2*t.d : (int(node)+1)*2*t.d]
	var d int32
	for j, x := range q {
		e := max(int32(b[2*j])-x, x-int32(b[2*j+1]), 0)
		d += e * e
	}
	return int64(d)
}

// fits says whether no distance from q can overflow 32 bits, which boxDistance
// and scan rely on. The box of the root holds every row, so the sum over its
// farther corners bounds the distance from any row and from any box within.
func (t *boxTree) fits(q []int32) bool {
	var d int64
	for j, x := range q {
		e := max(int64(x)-int64(t.boxes[2*j]), int64(t.boxes[2*j+1])-int64(x))
		d += e * e
		if d > math.MaxInt32 {
			return false
		}
	}
	return true
}

// pending is a node still to be visited, with its distance.
type pending struct {
	node int32
	dist int64
}

// search calls visit with every row that can be among the nearest; visit
// returns the distance beyond which nothing matters any more, -1 for none.
func (t *boxTree) search(q []int32, visit func(row int, dist int64) int64) {
	var buf [64]pending // one for each level at most, so it does not grow
	stack := append(buf[:0], pending{0, 0})
	worst := int64(-1)
	var narrow [64]int16
	v, x := t.vectors, narrow[:0]
	if v != nil && isNarrow(q) {
		x = v.narrow(x, q)
	} else {
		v = nil
	}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if worst >= 0 && top.dist > worst {
			continue
		}

		// Down to a leaf by the nearer child. Only what is strictly further than
		// worst is left out: a row at the same distance may stand earlier in the
		// training data and so be a nearer neighbor.
		n := t.nodes[top.node]
		for n.right != 0 {
			var left, right int64
			if v != nil {
				left, right = v.children(x, top.node+1, n.right)
			} else {
				left, right = t.boxDistance(top.node+1, q), t.boxDistance(n.right, q)
			}
			near, far := pending{top.node + 1, left}, pending{n.right, right}
			if right < left {
				near, far = far, near
			}
			if worst < 0 || far.dist <= worst {
				stack = append(stack, far)
			}
			if worst >= 0 && near.dist > worst {
				break
			}
			top = near
			n = t.nodes[top.node]
		}
		switch {
		case n.right != 0: // left out on the way
		case v != nil:
			worst = v.scan(top.node, n, x, worst, visit)
		default:
			worst = t.scan(n, q, worst, visit)
		}
	}
}

// scan visits the rows of a leaf. Even and odd dimensions are summed apart, so
// that one multiplication need not wait for the other; each sum, and both
// together, fit 32 bits where fits(q) holds.
func (t *boxTree) scan(n boxNode, q []int32, worst int64, visit func(row int, dist int64) int64) int64 {
	for i := n.first; i < n.end; i++ {
		row := t.rows[int(i)*t.d : (int(i)+1)*t.d]
		var a, b int32
		j := 0
		for ; j+2 <= len(row) && j+2 <= len(q); j += 2 { // the second bound spares index checks
			e, f := int32(row[j])-q[j], int32(row[j+1])-q[j+1]
			a += e * e
			b += f * f
		}
		if j < len(row) {
			e := int32(row[j]) - q[j]
			a += e * e
		}
		if d := int64(a) + int64(b); worst < 0 || d <= worst {
			worst = visit(int(i), d)
		}
	}
	return worst
}
