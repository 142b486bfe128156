package match

import (
	"slices"
	"time"
)

// Mark is a Span whose class is a number, for those who count the same events
// and detections many times: comparing numbers costs nothing, and nothing is put
// in order or set aside anew.
type Mark struct {
	From, To time.Duration
	Class    int32
}

// Counter counts hits. Its zero value is ready; it keeps room between calls and
// so is not safe for concurrent use.
type Counter struct{ taken []bool }

// Hits is Hits(Windows(events, found, tol, ByClass)) of marks, or with byTime that
// by ByTime. Both lists are in order of From.
func (c *Counter) Hits(events, found []Mark, tol time.Duration, byTime bool) int {
	c.taken = slices.Grow(c.taken[:0], len(events))[:len(events)]
	clear(c.taken)
	hits, lo := 0, 0
	for _, d := range found {
		for lo < len(events) && (c.taken[lo] || events[lo].To+tol < d.From) {
			lo++
		}

		// The choice of Windows, which says why it costs no pair.
		best := -1
		for e := lo; e < len(events) && events[e].From-tol <= d.From; e++ {
			if !c.taken[e] && (byTime || events[e].Class == d.Class) && events[e].To+tol >= d.From && (best < 0 || events[e].To < events[best].To) {
				best = e
			}
		}
		if best >= 0 {
			c.taken[best] = true
			hits++
		}
	}
	return hits
}
