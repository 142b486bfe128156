package signatures

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// pairCount is how often a pair occurs.
type pairCount struct {
	sizePair
	n int
}

// countPairs counts the pairs of all flows, in order of size.
func countPairs(flows [][]flowPackets) []pairCount {
	n := map[sizePair]int{}
	for _, fs := range flows {
		for _, f := range fs {
			for i := range f.size {
				pairs, k := pairsAt(f, i, replyTimeout)
				for _, p := range pairs[:k] {
					n[p]++
				}
			}
		}
	}

	out := make([]pairCount, 0, len(n))
	for p, k := range n {
		out = append(out, pairCount{p, k})
	}
	slices.SortFunc(out, func(x, y pairCount) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	return out
}

// count is how many matches of s a flow has, as matches would list them.
func (s *signature) count(f flowPackets) int {
	n, e := 0, s.elements[0]
	for i := 0; i < len(f.size); i++ {
		if f.size[i] < e.lo || f.size[i] > e.hi {
			continue
		}
		if end, ok := s.match(f, i); ok {
			n++
			i = f.after(end) - 1
		}
	}
	return n
}

// countAll is count over all flows of the training.
func (l *signatureLearner) countAll(s *signature) int {
	n := 0
	k, ok := s.alternates()
	if !ok {
		for _, flows := range l.flows {
			for _, f := range flows {
				n += s.count(f)
			}
		}
		return n
	}

	// Behind padding and constant rates all classes repeat the same few pairs, in
	// traffic of a million packets.
	all, known := l.turns[k]
	if !known {
		for _, flows := range l.flows {
			for _, f := range flows {
				if t := newTurns(f, k); len(t.starts) > 0 {
					all = append(all, t)
				}
			}
		}
		l.turns[k] = all
	}
	for _, t := range all {
		n += t.count(len(s.elements), s.duration)
	}
	return n
}

// turnKey is two ranges of sizes that take turns in a signature: no size fits both,
// or they are the same.
type turnKey struct{ aLo, aHi, bLo, bHi int32 }

// alternates says whether the elements of s are two by turns, or one again and again.
func (s *signature) alternates() (k turnKey, ok bool) {
	a, b := s.elements[0], s.elements[min(1, len(s.elements)-1)]
	k = turnKey{a.lo, a.hi, b.lo, b.hi}
	if (a.lo != b.lo || a.hi != b.hi) && a.lo <= b.hi && b.lo <= a.hi {
		return k, false
	}
	for i, e := range s.elements {
		if want := [2]sizeRange{a, b}[i%2]; e.lo != want.lo || e.hi != want.hi {
			return k, false
		}
	}
	return k, true
}

// turns is a flow as a signature whose elements take turns sees it. Each element is
// the first packet that fits, so of packets in a row that fit the same one all but
// the first are passed: element k of a match that begins in run r is where run r+k
// begins.
type turns struct {
	time   []time.Duration // of the flow's packets
	runs   []int32         // packets at which runs begin
	starts []int32         // packets that can begin a match
	in     []int32         // the run of each of these
}

// newTurns finds the runs of a flow.
func newTurns(f flowPackets, k turnKey) turns {
	// Lists that grow would be copied several times: behind a constant rate all
	// packets are in them. Most flows have none.
	starts, runs := 0, 0
	for _, size := range f.size {
		if size >= k.aLo && size <= k.aHi {
			starts++
		} else if size >= k.bLo && size <= k.bHi {
			runs++
		}
	}
	if starts == 0 {
		return turns{}
	}

	t := turns{time: f.time, runs: make([]int32, 0, starts+runs), starts: make([]int32, 0, starts), in: make([]int32, 0, starts)}
	same, last := k.aLo == k.bLo, 0
	for i, size := range f.size {
		fits := 0
		switch {
		case size >= k.aLo && size <= k.aHi:
			fits = 1
		case size >= k.bLo && size <= k.bHi:
			fits = 2
		default:
			continue
		}

		// Where one range is both, every packet that fits is a run of its own.
		if fits != last || same {
			t.runs, last = append(t.runs, int32(i)), fits
		}
		if fits == 1 {
			t.starts, t.in = append(t.starts, int32(i)), append(t.in, int32(len(t.runs)-1))
		}
	}
	return t
}

// count is how many matches there are of so many elements within duration, each
// looked for after the last packet of the one before it.
func (t turns) count(elements int, duration time.Duration) int {
	n := 0
	for k := 0; k < len(t.starts); {
		end := int(t.in[k]) + elements - 1
		if end >= len(t.runs) {
			break
		}
		last := t.time[t.runs[end]]
		if last-t.time[t.starts[k]] > duration {
			k++
			continue
		}
		n++
		k += sort.Search(len(t.starts)-k, func(i int) bool { return t.time[t.starts[k+i]] > last })
	}
	return n
}
