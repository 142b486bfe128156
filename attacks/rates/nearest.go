package rates

// places are known intervals, split in halves again and again at the dimension in
// which they lie furthest apart: half of those in first to end lies before its
// middle, and the cut of a half stands at its middle.
type places struct {
	of   []placed
	cuts []cut // by the middle that was cut at
}

// placed is a known interval where a search looks at it: what it needs lies together.
type placed struct {
	v       [4]float64
	fold, i int32 // i is the place in known
}

// cut is where a half was divided: what lies before has at most that value, what
// lies behind at least.
type cut struct {
	at  float64
	dim int
}

// leafPlaces is how many intervals are no longer divided.
const leafPlaces = 8

// setPlaces files the known intervals for nearest.
func (r *rateRule) setPlaces() {
	var all, events []placed
	for i, k := range r.known {
		p := placed{k.v, int32(k.fold), int32(i)}
		all = append(all, p)
		if k.event {
			events = append(events, p)
		}
	}
	r.all, r.events = newPlaces(all), newPlaces(events)
}

// newPlaces takes hold of of and puts it in order.
func newPlaces(of []placed) places {
	p := places{of, make([]cut, len(of))}
	p.divide(0, len(of))
	return p
}

// divide puts of[first:end] in order.
func (p places) divide(first, end int) {
	if end-first <= leafPlaces {
		return
	}
	lo, hi := p.of[first].v, p.of[first].v
	for _, k := range p.of[first:end] {
		for j, x := range k.v {
			lo[j], hi[j] = min(lo[j], x), max(hi[j], x)
		}
	}

	// At the widest dimension halves become boxes of about equal sides, of which a
	// search touches the fewest.
	dim := 0
	for j := range lo {
		if hi[j]-lo[j] > hi[dim]-lo[dim] {
			dim = j
		}
	}

	mid := (first + end) / 2
	halve(p.of[first:end], mid-first, dim)
	p.cuts[mid] = cut{p.of[mid].v[dim], dim}
	p.divide(first, mid)
	p.divide(mid, end)
}

// halve puts of in such an order that nothing before place k exceeds it in dimension
// dim and nothing behind is below (Hoare's selection, which needs no sorting).
func halve(of []placed, k, dim int) {
	for lo, hi := 0, len(of)-1; lo < hi; {
		pivot := of[(lo+hi)/2].v[dim]
		i, j := lo, hi
		for i <= j {
			for of[i].v[dim] < pivot {
				i++
			}
			for of[j].v[dim] > pivot {
				j--
			}
			if i <= j {
				of[i], of[j] = of[j], of[i]
				i, j = i+1, j-1
			}
		}

		// What lies between j and i equals the pivot.
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return
		}
	}
}

// search is for the n nearest of v.
type search struct {
	v     [4]float64
	skip  int32 // fold that is left out
	n     int
	found int
	ds    [maxNeighbors]float64 // squared distances of near
	near  [maxNeighbors]int32   // by distance, then by place in known
}

// visit looks for the nearest of s among all.
func (p places) visit(s *search) { p.within(s, 0, len(p.of)) }

// within looks at first to end, at the half that holds v first.
//
// A squared distance is not below its part in one dimension, also as rounded, so
// that the other half is done with where that part exceeds the n-th distance; one
// that equals it may still stand earlier.
func (p places) within(s *search, first, end int) {
	for end-first > leafPlaces {
		mid := (first + end) / 2
		c := p.cuts[mid]
		e := s.v[c.dim] - c.at
		if e < 0 {
			p.within(s, first, mid)
			first = mid
		} else {
			p.within(s, mid, end)
			end = mid
		}
		if s.found == s.n && e*e > s.ds[s.n-1] {
			return
		}
	}
	for i := range p.of[first:end] {
		s.offer(&p.of[first+i])
	}
}

// offer puts k among the nearest if it is one of them.
func (s *search) offer(k *placed) {
	if k.fold == s.skip {
		return
	}

	// Always summed in this order: distances that are equal must be so to the last bit.
	full := s.found == s.n
	d := (s.v[0]-k.v[0])*(s.v[0]-k.v[0]) + (s.v[1]-k.v[1])*(s.v[1]-k.v[1])
	d += (s.v[2] - k.v[2]) * (s.v[2] - k.v[2])
	d += (s.v[3] - k.v[3]) * (s.v[3] - k.v[3])
	if full && (d > s.ds[s.n-1] || d == s.ds[s.n-1] && k.i > s.near[s.n-1]) {
		return
	}

	if !full {
		s.found++
	}
	at := s.found - 1
	for ; at > 0 && (s.ds[at-1] > d || s.ds[at-1] == d && s.near[at-1] > k.i); at-- {
		s.ds[at], s.near[at] = s.ds[at-1], s.near[at-1]
	}
	s.ds[at], s.near[at] = d, k.i
}
