package forest

// walk is a tree laid out for going down with many rows at once: in breadth
// first order with siblings side by side, so that a step is an addition and
// no branch that the processor could guess wrong.
type walk struct {
	nodes []walkNode
	// leaf holds, for each leaf, what forestNode.right does; it is read only
	// where a walkNode cannot hold that.
	leaf  []int32
	mixed []float32
}

// walkNode is one step down in one word:
//
//	bits 0-15   feature
//	bits 16-23  leaf: innerNode, 1 + the class of a leaf, or otherLeaf
//	bits 24-31  255 - bin
//	bits 32-63  next
//
// A row goes to next, or to next+1 if its bin is above the node's. Adding the
// row's bin to bits 24-31 decides that: bin + (255 - node's bin) passes 255, and
// carries into next, exactly if the row's is the larger. A leaf is its own next
// with a bin of 255, so that nothing carries and a row stays where it is.
type walkNode uint64

const (
	innerNode = 0
	otherLeaf = 255 // see walk.leaf
)

func newWalkNode(next int, feature uint16, bin, leaf uint8) walkNode {
	return walkNode(next)<<32 | walkNode(maxBins-1-bin)<<24 | walkNode(leaf)<<16 | walkNode(feature)
}

func (n walkNode) leaf() uint8 { return uint8(n >> 16) }

// follow is where the row with these bins goes from n.
func (n walkNode) follow(row []uint8) uint64 {
	return uint64(n>>24+walkNode(row[uint16(n)])) >> 8
}

// newWalk lays t out anew. from is the queue of the breadth-first search: the
// node of t that each node of the walk came from.
func newWalk(t tree) walk {
	w := walk{nodes: make([]walkNode, 1, len(t.nodes)), leaf: make([]int32, len(t.nodes)), mixed: t.mixed}
	from := make([]int32, 1, len(t.nodes))
	for at := 0; at < len(w.nodes); at++ {
		n := t.nodes[from[at]]
		if n.feature == leafFeature {
			leaf := uint8(otherLeaf)
			if n.right >= 0 && n.right+1 < otherLeaf {
				leaf = uint8(n.right + 1)
			}
			w.nodes[at] = newWalkNode(at, 0, maxBins-1, leaf)
			w.leaf[at] = n.right
			continue
		}
		w.nodes[at] = newWalkNode(len(w.nodes), n.feature, n.bin, innerNode)
		w.nodes = append(w.nodes, 0, 0)
		from = append(from, from[at]+1, n.right)
	}
	return w
}

const (
	// walkRows is how many rows go down a tree together: few enough for their
	// bins to stay in the first cache, and enough for the processor to go on
	// with others while one waits for its node.
	walkRows = 256
	// walkSteps is how many steps a row takes before it is looked whether it
	// has come to a leaf.
	walkSteps = 3
)

// addRows adds the class shares of the leaf that each row comes to to out, row
// by row. bins holds width bins a row.
func (w *walk) addRows(bins []uint8, width, classes int, out []float32) {
	rows := len(bins) / width
	if rows > len(w.nodes)/128 {
		prefetch(w.nodes)
	}

	for lo := 0; lo < rows; lo += walkRows {
		n := min(walkRows, rows-lo)
		var at, list [walkRows]uint32
		for i := range n {
			list[i] = uint32(i)
		}
		for left := n; left > 0; {
			left = stepRows(w.nodes, bins[lo*width:], width, &at, list[:left])
		}
		for i, node := range at[:n] {
			w.addLeaf(node, classes, out[(lo+i)*classes:])
		}
	}
}

// prefetch brings nodes into the cache in order, which takes a fraction of the
// time that the rows need to bring them in one by one: eight are a cache line.
// The sum keeps the compiler from leaving the reads out.
//
//go:noinline
func prefetch(nodes []walkNode) (sum walkNode) {
	for i := 0; i < len(nodes); i += 8 {
		sum += nodes[i]
	}
	return sum
}

// plainStepRows takes walkSteps steps with every row of list: at is the node
// of each row, and a row begins at bins[row*width]. It leaves those rows in
// list that have not come to a leaf, and returns how many they are.
func plainStepRows(nodes []walkNode, bins []uint8, width int, at *[walkRows]uint32, list []uint32) int {
	left := 0
	for _, r := range list {
		place, row := uint64(at[r]), bins[int(r)*width:]
		for range walkSteps {
			place = nodes[place].follow(row)
		}
		at[r] = uint32(place)
		list[left] = r
		if nodes[place].leaf() == innerNode {
			left++
		}
	}
	return left
}

// addLeaf adds the class shares of the leaf at node at to out, one row's. The
// class of nearly every leaf is in its node, which is in cache already.
func (w *walk) addLeaf(at uint32, classes int, out []float32) {
	if c := w.nodes[at].leaf(); c != otherLeaf {
		out[c-1]++
		return
	}
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
