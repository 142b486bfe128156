package attacks

// walk is a tree laid out for going down with many rows at once: in breadth
// first order with siblings side by side, so that a step is an addition and
// no branch that the processor could guess wrong.
type walk struct {
	nodes []walkNode
	// leaf holds, for each leaf, what forestNode.right does.
	leaf  []int32
	mixed []float32
}

// walkNode is 8 bytes. A row goes to next, or to next+1 if its bin is above
// bin. A leaf is its own next, and no bin is above 255.
type walkNode struct {
	next    int32
	feature uint16
	bin     uint8
}

// newWalk lays t out anew. ok is false when t is no tree: when some node has
// two parents.
func newWalk(t tree) (w walk, ok bool) {
	w = walk{nodes: make([]walkNode, 1, len(t.nodes)), leaf: make([]int32, len(t.nodes)), mixed: t.mixed}
	from := make([]int32, 1, len(t.nodes)) // the node of t that each came from
	for at := 0; at < len(w.nodes); at++ {
		n := t.nodes[from[at]]
		if n.feature == leafFeature {
			w.nodes[at] = walkNode{next: int32(at), bin: maxBins - 1}
			w.leaf[at] = n.right
			continue
		}
		if len(w.nodes)+2 > len(t.nodes) {
			return w, false
		}
		w.nodes[at] = walkNode{next: int32(len(w.nodes)), feature: n.feature, bin: n.bin}
		w.nodes = append(w.nodes, walkNode{}, walkNode{})
		from = append(from, from[at]+1, n.right)
	}
	return w, true
}

// step is where the row that begins at bins[row] goes from a node.
func (n walkNode) step(bins []uint8, row int) int32 {
	var right int32
	if bins[row+int(n.feature)] > n.bin {
		right = 1
	}
	return n.next + right
}

// addRows adds the leaf probabilities of every row to out. Eight rows go down
// the tree together, so that the processor waits for eight nodes at once.
func (w *walk) addRows(bins []uint8, width, classes int, out []float32) {
	rows := len(bins) / width
	nodes := w.nodes
	i := 0
	for ; i+8 <= rows; i += 8 {
		r0, r1, r2, r3 := i*width, (i+1)*width, (i+2)*width, (i+3)*width
		r4, r5, r6, r7 := (i+4)*width, (i+5)*width, (i+6)*width, (i+7)*width
		var a, b, c, d, e, f, g, h int32
		for {
			na, nb, nc, nd := nodes[a].step(bins, r0), nodes[b].step(bins, r1), nodes[c].step(bins, r2), nodes[d].step(bins, r3)
			ne, nf, ng, nh := nodes[e].step(bins, r4), nodes[f].step(bins, r5), nodes[g].step(bins, r6), nodes[h].step(bins, r7)
			moved := (na ^ a) | (nb ^ b) | (nc ^ c) | (nd ^ d) | (ne ^ e) | (nf ^ f) | (ng ^ g) | (nh ^ h)
			a, b, c, d, e, f, g, h = na, nb, nc, nd, ne, nf, ng, nh
			if moved == 0 {
				break
			}
		}
		for k, at := range [8]int32{a, b, c, d, e, f, g, h} {
			w.addLeaf(at, classes, out[(i+k)*classes:])
		}
	}
	for ; i < rows; i++ {
		at := int32(0)
		for next := nodes[at].step(bins, i*width); next != at; next = nodes[at].step(bins, i*width) {
			at = next
		}
		w.addLeaf(at, classes, out[i*classes:])
	}
}

func (w *walk) addLeaf(at int32, classes int, out []float32) {
	c := w.leaf[at]
	if c >= 0 {
		out[c]++
		return
	}
	i := int(-1-c) * classes
	for k, p := range w.mixed[i : i+classes] {
		out[k] += p
	}
}
