package forest

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
// with t for the total,
//
//	l2/n_l + r2/(t-n_l) > beat    exactly if    l2 (t-n_l) + r2 n_l > beat n_l (t-n_l)
//
// for 0 < n_l < t. Products are rounded, by a few parts
// in 2^53, so that almost that much is enough to divide. They do not overflow: a small
// node has at most 2^20 draws, and squares of that many times as many are at most 2^60.
func (g *grower) cutSorted(n node, col *column, beat float64) (float64, int) {
	keys := g.sortKeys(n.rows, col)
	if keys[0]>>24 == keys[len(keys)-1]>>24 { // all in one bin, as in many small nodes
		return beat, -1
	}

	// The sums are written down for all cuts, which has no branches, and the best is found
	// behind that. The last key has no cut behind it.
	sides, cuts := g.newSides(n), keys[:len(keys)-1]
	nls, l2s, r2s := g.places.nl[:len(cuts)], g.places.l2[:len(cuts)], g.places.r2[:len(cuts)]
	var nl, l2 int64
	rest := n.squares
	for i, k := range cuts {
		w, s := int64(uint8(k>>16)), &sides[uint16(k)] // see drawn.key
		l2 += w * (2*s.moved + w)
		rest -= w * s.twice
		s.moved += w
		nl += w
		nls[i], l2s[i], r2s[i] = nl, l2, rest+l2
	}
	at := -1
	if g.vectors {
		beat, at = bestPlace(g.places, keys, n.total, beat)
	} else {
		beat, at = plainPlace(g.places, keys, n.total, beat)
	}
	if at < 0 {
		return beat, -1
	}
	return beat, int(keys[at]>>24+keys[at+1]>>24) / 2
}

// almost is what a score is multiplied with to be a bar that no better score stays below.
const almost = 1 - 1e-14

// places is what a search needs of the cuts behind sorted keys: draws on the
// left side, and the sums of squares of both sides.
type places struct {
	nl, l2, r2 [sortedNode]int64
}

// placeLanes is how many cuts a vector holds.
const placeLanes = 8

// plainPlace is the best score above beat of the cuts behind all keys but the last, and
// the first place that has it, or -1.
func plainPlace(p *places, keys []uint32, total int64, beat float64) (score float64, at int) {
	at = -1
	bar := beat * almost
	nls, l2s, r2s := p.nl[:len(keys)-1], p.l2[:len(keys)-1], p.r2[:len(keys)-1]
	for i, nl := range nls {
		nr, l2, r2 := total-nl, l2s[i], r2s[i]
		if float64(l2*nr+r2*nl) > bar*float64(nl*nr) && keys[i+1]>>24 != keys[i]>>24 {
			if s := float64(l2)/float64(nl) + float64(r2)/float64(nr); s > beat {
				beat, at, bar = s, i, s*almost
			}
		}
	}
	return beat, at
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
