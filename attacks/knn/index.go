package knn

import "encoding/binary"

// vectors interns packet sequences: equal ones get one number.
type vectors struct {
	byKey map[string]int32
	first []int32 // where each begins in data; one more than there are
	data  []int32
}

// newVectors holds no sequence.
func newVectors() *vectors { return &vectors{byKey: map[string]int32{}, first: []int32{0}} }

// vectorKey appends v as bytes.
func vectorKey(dst []byte, v []int32) []byte {
	for _, x := range v {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(x))
	}
	return dst
}

// id returns the number of v, which is copied when it is new. key is scratch.
func (vs *vectors) id(v []int32, key []byte) (int32, []byte) {
	key = vectorKey(key[:0], v)
	if id, ok := vs.byKey[string(key)]; ok {
		return id, key
	}
	id := int32(len(vs.first) - 1)
	vs.byKey[string(key)] = id
	vs.data = append(vs.data, v...)
	vs.first = append(vs.first, int32(len(vs.data)))
	return id, key
}

// at returns vector id. The slice belongs to vs.
func (vs *vectors) at(id int32) []int32 { return vs.data[vs.first[id]:vs.first[id+1]] }

// entry is one training burst: its place in the order of the training data,
// the fold it belongs to, and its class under the two ways of pairing.
type entry struct {
	order int32
	fold  int16
	class [2]int16
}

// neighbor is a training burst with its squared distance from the query.
type neighbor struct {
	dist int64
	entry
}

// before is the order of neighbors: distance, then place in the training data.
func (n neighbor) before(o neighbor) bool {
	return n.dist < o.dist || n.dist == o.dist && n.order < o.order
}

// noFold skips nothing in a search.
const noFold = -1

// merged holds training bursts. Equal ones are merged into one row with a list
// of entries in order of the training data; of one row and fold only the first
// few can ever be among the k nearest, so no more are kept.
type merged struct {
	vs      *vectors
	ids     []int32         // vector of each row
	row     map[int32]int32 // while rows are added
	growing [][]entry       // entries of each row, while rows are added
	first   []int32         // where a row's entries begin; one more than rows
	entries []entry
}

// freeze puts rows in the given order, and their entries in one slice, so that
// rows that are asked for together lie together. Nothing may be added after it.
func (ix *merged) freeze(order []int32) {
	ids := make([]int32, len(order))
	ix.first = make([]int32, 1, len(order)+1)
	for i, r := range order {
		ids[i] = ix.ids[r]
		ix.entries = append(ix.entries, ix.growing[r]...)
		ix.first = append(ix.first, int32(len(ix.entries)))
	}
	ix.ids, ix.row, ix.growing = ids, nil, nil
}

// entriesOf returns the entries of a row.
func (ix *merged) entriesOf(r int) []entry { return ix.entries[ix.first[r]:ix.first[r+1]] }

// lengthIndex is the training bursts of one number of packets.
type lengthIndex struct {
	merged
	tree *boxTree // nil: a scan is as good
}

// newLengthIndex is an empty index over vectors of vs.
func newLengthIndex(vs *vectors) *lengthIndex {
	return &lengthIndex{merged: merged{vs: vs, row: map[int32]int32{}}}
}

// ready builds the tree and puts rows into its order.
func (ix *lengthIndex) ready() {
	if len(ix.ids) == 0 {
		return
	}
	var order []int32
	ix.tree, order = newBoxTree(len(ix.ids), len(ix.vs.at(ix.ids[0])), func(r int) []int32 { return ix.vs.at(ix.ids[r]) })
	ix.freeze(order)
}

// add appends an entry, which must come after those added before, and keeps at
// most limit of one row and fold.
func (ix *merged) add(id int32, e entry, limit int) {
	r, ok := ix.row[id]
	if !ok {
		r = int32(len(ix.ids))
		ix.row[id] = r
		ix.ids = append(ix.ids, id)
		ix.growing = append(ix.growing, nil)
	}

	// By fold, since a search leaves one fold out: the others must still have
	// limit of them. A heartbeat that occurs 100,000 times so takes a few entries.
	// The first of a class is kept besides: it never votes, as limit others come
	// before it, but tells that two classes share the burst.
	same, known := 0, false
	for _, x := range ix.growing[r] {
		if x.fold == e.fold {
			same++
			known = known || x.class == e.class
		}
	}
	if same < limit || !known {
		ix.growing[r] = append(ix.growing[r], e)
	}
}

// nearest returns the k entries nearest to q, in order, leaving out those of
// fold skip. dst is scratch and is returned.
func (ix *lengthIndex) nearest(q []int32, k int, skip int16, dst []neighbor) []neighbor {
	if ix.tree == nil || !ix.tree.fits(q) {
		return ix.scan(q, k, skip, dst)
	}
	dst = dst[:0]
	ix.tree.search(q, func(row int, d int64) int64 {
		dst = ix.push(dst, k, d, row, skip)
		if len(dst) < k {
			return -1
		}
		return dst[k-1].dist
	})
	return dst
}

// scan is nearest without an index.
func (ix *lengthIndex) scan(q []int32, k int, skip int16, dst []neighbor) []neighbor {
	dst = dst[:0]
	for r, id := range ix.ids {
		worst := int64(-1)
		if len(dst) == k {
			worst = dst[k-1].dist
		}
		if d, ok := distanceWithin(q, ix.vs.at(id), worst); ok {
			dst = ix.push(dst, k, d, r, skip)
		}
	}
	return dst
}

// push puts the entries of row r, all at distance d, into the sorted list of
// at most k neighbors.
func (ix *merged) push(dst []neighbor, k int, d int64, r int, skip int16) []neighbor {
	for _, e := range ix.entriesOf(r) {
		if e.fold == skip {
			continue
		}

		// Entries of a row are in order of place: if this one is not among the k
		// nearest, no later one is.
		n := neighbor{d, e}
		if len(dst) == k && !n.before(dst[k-1]) {
			break
		}
		if len(dst) < k {
			dst = append(dst, n)
		}
		i := len(dst) - 1
		for ; i > 0 && n.before(dst[i-1]); i-- {
			dst[i] = dst[i-1]
		}
		dst[i] = n
	}
	return dst
}

// distanceWithin is the squared Euclidean distance, given up (ok false) as soon
// as it exceeds worst; a negative worst is no bound. Lengths below 2^16, up or
// down, differ by less than 2^17: the sum over 2^29 packets fits 63 bits.
func distanceWithin(a, b []int32, worst int64) (d int64, ok bool) {
	b = b[:len(a)]
	for i, x := range a {
		e := int64(x) - int64(b[i])
		d += e * e
		if i&7 == 7 && worst >= 0 && d > worst { // asked once in 8 packets, which is faster
			return d, false
		}
	}
	return d, worst < 0 || d <= worst
}

// searcher finds the training bursts nearest to a vector.
type searcher interface {
	// add files a burst; entries come in order of the training data. Of equal
	// bursts of one fold no more than limit are kept.
	add(id int32, e entry, limit int)
	// ready makes the searcher safe for concurrent use once all is added.
	ready()
	// nearest returns the k entries nearest to q in order of (distance, place
	// in the training data), leaving out fold skip. dst is scratch.
	nearest(q []int32, k int, skip int16, dst []neighbor) []neighbor
}

// scope is the training bursts of one stream, or of all streams pooled.
type scope struct {
	searcher
	folds map[int16]bool // folds that have a burst here
}

// file adds a burst and remembers its fold.
func (s *scope) file(id int32, e entry, limit int) {
	s.add(id, e, limit)
	s.folds[e.fold] = true
}

// seenOutside says whether a fold other than f has a burst here.
func (s *scope) seenOutside(f int16) bool {
	return len(s.folds) > 1 || len(s.folds) == 1 && !s.folds[f]
}

// byLength is one index for each number of packets, as in IoTEvent.
type byLength struct {
	vs      *vectors
	lengths map[int]*lengthIndex
}

// add files a burst under its number of packets.
func (b *byLength) add(id int32, e entry, limit int) {
	n := len(b.vs.at(id))
	ix := b.lengths[n]
	if ix == nil {
		ix = newLengthIndex(b.vs)
		b.lengths[n] = ix
	}
	ix.add(id, e, limit)
}

// ready builds the index of each number of packets.
func (b *byLength) ready() {
	for _, ix := range b.lengths {
		ix.ready()
	}
}

// nearest asks the index of q's length; none without such a training burst.
func (b *byLength) nearest(q []int32, k int, skip int16, dst []neighbor) []neighbor {
	if ix := b.lengths[len(q)]; ix != nil {
		return ix.nearest(q, k, skip, dst)
	}
	return dst[:0]
}
