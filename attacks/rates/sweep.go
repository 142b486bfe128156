package rates

import (
	"time"

	"veilbench/attacks/match"
)

// sweeper counts what every pair of thresholds and every gap would find, in one
// pass over the bins of a source where tuning would take one each. Four things
// make that possible:
//
//   - a bin below a threshold is below all higher ones, so the bins of each are
//     filtered from those of the one before;
//   - bins that a gap joins are joined by every larger gap, so the intervals of
//     each gap are joined from those of the one before;
//   - where a threshold shows too many intervals, all lower ones do;
//   - a gap that joins nothing more finds what the one before it found.
//
// It keeps room between sources.
type sweeper struct {
	counter match.Counter
	kept    []level // the bins of each threshold, one list after the other
	ends    []int   // of these lists
	runs    []run
	starts  []match.Mark
	spans   []interval
}

// level is of a bin what a sweep looks at.
type level struct {
	first, last time.Duration
	z           float64
}

// run is bins that reach the lower threshold, joined over gaps.
type run struct {
	first, last time.Duration
	start       time.Duration // of the first bin that reaches the upper threshold
	raised      bool          // there is one
}

// Gaps from small to large, as places in rateGaps.
var gapOrder = [...]int{4, 3, 1, 0, 2, 5}

// A threshold under which a trace shows more intervals than this is given up:
// its F is next to nothing.
const (
	manyPerEvent = 20
	manyAnyway   = 50
)

// sweep adds one source to counts, by gap and upper threshold of the ascending
// grid. The lower threshold is the upper one divided by ratio.
func (s *sweeper) sweep(counts *[len(rateGaps)][]rateCounts, events []match.Mark, bins []rateBin, width time.Duration, grid []float64, ratio float64, o rateOptions) {
	s.filter(bins, grid, ratio)

	most := manyPerEvent*len(events) + manyAnyway
	var many [len(rateGaps)]bool
	for g := len(grid) - 1; g >= 0; g-- {
		joined := false // runs hold the intervals of a smaller gap, and found what they find
		var found rateCounts
		shown := 0
		for _, k := range gapOrder {
			gap := rateGaps[k]
			if gap > 0 && gap < width {
				continue // it would cut neighboring bins apart
			}
			if many[k] {
				counts[k][g].add(0, most, len(events))
				continue
			}
			if !joined {
				s.join(s.kept[s.ends[g]:s.ends[g+1]], grid[g], gap)
			}
			if !joined || s.widen(gap) {
				found, shown = s.count(events, o)
			}
			joined = true
			counts[k][g].add(found.hits, found.found, found.events)
			many[k] = shown > most
		}
	}
}

// filter lists for every threshold of grid the bins that reach the lower one.
func (s *sweeper) filter(bins []rateBin, grid []float64, ratio float64) {
	s.kept, s.ends = s.kept[:0], append(s.ends[:0], 0)
	for _, b := range bins {
		if b.z >= grid[0]/ratio {
			s.kept = append(s.kept, level{b.first, b.last, b.z})
		}
	}
	s.ends = append(s.ends, len(s.kept))
	for g := 1; g < len(grid); g++ {
		// By place and not by range: appending may move the list.
		for i := s.ends[g-1]; i < s.ends[g]; i++ {
			if b := s.kept[i]; b.z >= grid[g]/ratio {
				s.kept = append(s.kept, b)
			}
		}
		s.ends = append(s.ends, len(s.kept))
	}
}

// join makes runs of bins that reach the lower threshold, as track does.
func (s *sweeper) join(bins []level, hi float64, gap time.Duration) {
	s.runs = s.runs[:0]
	for _, b := range bins {
		if n := len(s.runs); n == 0 || b.first-s.runs[n-1].last > gap {
			s.runs = append(s.runs, run{first: b.first})
		}
		r := &s.runs[len(s.runs)-1]
		r.last = b.last
		if !r.raised && b.z >= hi {
			r.start, r.raised = b.first, true
		}
	}
}

// widen joins the runs of a smaller gap to those of this one and says whether there
// were any to join.
func (s *sweeper) widen(gap time.Duration) bool {
	n := 1
	for n < len(s.runs) && s.runs[n].first-s.runs[n-1].last > gap {
		n++ // mostly all of them, which so stay where they are
	}
	if n >= len(s.runs) {
		return false
	}
	for i := n; i < len(s.runs); i++ {
		next := s.runs[i]
		if next.first-s.runs[n-1].last > gap {
			s.runs[n] = next
			n++
			continue
		}
		r := &s.runs[n-1]
		r.last = next.last
		if !r.raised {
			r.start, r.raised = next.start, next.raised
		}
	}
	s.runs = s.runs[:n]
	return true
}

// count is what the runs that reach the upper threshold find, and their number.
func (s *sweeper) count(events []match.Mark, o rateOptions) (c rateCounts, shown int) {
	s.spans, s.starts = s.spans[:0], s.starts[:0]
	if o.states {
		for _, r := range s.runs {
			if r.raised {
				s.spans = append(s.spans, interval{r.start, r.last})
			}
		}
		c.overlap(events, s.spans, nil)
		return c, len(s.spans)
	}
	for i := range s.runs {
		if r := &s.runs[i]; r.raised {
			s.starts = append(s.starts, match.Mark{From: r.start})
		}
	}
	c.add(s.counter.Hits(events, s.starts, o.tolerance, true), len(s.starts), len(events))
	return c, len(s.starts)
}
