package cost

import (
	"maps"
	"math"
	"slices"
	"sort"
	"time"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/datasets/tunnel"
)

// eventWindow is how long after the start of an event traffic counts as its.
const eventWindow = 10 * time.Second

// Sessions is what a real device costs by sessions recorded without it and others
// behind it. behind is the ledger of those tested, of which only the sums are of
// use: nobody knows what would have been sent instead, so it is taken from the
// sessions without the device, by the hour. Traffic that stays in the home counts on
// neither side, as captures outside do not have it. No delay can be known.
//
// The figures of More are over all sessions, with limits at results.Level over
// groups where there are enough on both sides.
func Sessions(behind results.Cost, before, after []*datasets.Recording) results.Cost {
	b, a := sumsOf(before), sumsOf(after)
	c := results.Cost{Seconds: behind.Seconds, NoDelay: true}
	for d := range 2 {
		c.OutBytes[d], c.OutPackets[d] = scaled(a.bytes[d], c.Seconds, a.seconds), scaled(a.packets[d], c.Seconds, a.seconds)
		c.InBytes[d], c.InPackets[d] = scaled(b.bytes[d], c.Seconds, b.seconds), scaled(b.packets[d], c.Seconds, b.seconds)
	}

	add := func(name string, v float64) { c.More = append(c.More, results.Metric{Name: name, Value: v}) }
	compare := func(b, a []float64, before, after, added, lo, hi string) {
		if len(a) == 0 || len(b) == 0 {
			return // no events, or nothing was recorded
		}
		add(before, mean(b))
		add(after, mean(a))
		add(added, mean(a)-mean(b))
		if l, h, ok := stats.Difference(b, a, results.Level); ok {
			add(lo, l)
			add(hi, h)
		}
	}
	compare(b.perHour, a.perHour, results.SessionHourBefore, results.SessionHourAfter, results.SessionHour, results.SessionHourLo, results.SessionHourHi)
	compare(b.perEvent, a.perEvent, results.SessionEventBefore, results.SessionEventAfter, results.SessionEvent, results.SessionEventLo, results.SessionEventHi)
	if b.long && a.long {
		rate := float64(a.bytes[0]+a.bytes[1])/a.seconds - float64(b.bytes[0]+b.bytes[1])/b.seconds
		add(results.GBPerMonth, rate*30*86400/1e9)
		add(results.KBytesPerS, rate/1e3)
	}
	slices.SortFunc(c.More, func(x, y results.Metric) int {
		if x.Name < y.Name {
			return -1
		}
		return 1
	})
	return c
}

// scaled is n in of seconds, in so many.
func scaled(n int64, seconds, of float64) int64 {
	if of == 0 {
		return 0
	}
	return int64(math.Round(float64(n) * seconds / of))
}

// sessionSums are what some sessions hold: sums, and a figure for each group.
type sessionSums struct {
	bytes, packets    [2]int64
	seconds           float64
	perHour, perEvent []float64 // kB
	long              bool      // each for an hour at least
}

func sumsOf(recs []*datasets.Recording) sessionSums {
	type groupSum struct {
		bytes, eventBytes int64
		seconds           float64
		events            int
	}
	s := sessionSums{long: len(recs) > 0}
	groups := map[string]*groupSum{}
	var seconds []float64
	for _, r := range recs {
		g := groups[r.Group]
		if g == nil {
			g = &groupSum{}
			groups[r.Group] = g
		}
		seconds = append(seconds, r.Trace.End.Seconds())
		g.seconds += r.Trace.End.Seconds()
		s.long = s.long && r.Trace.End >= time.Hour

		// Bytes up to each packet tell what lies between two times.
		sum := make([]int64, 1, len(r.Trace.Packets)+1)
		for _, p := range r.Trace.Packets {
			n := int64(0)
			if tunnel.Leaves(r.Trace.Flows[p.Flow]) {
				n = ipBytes(p)
				s.bytes[p.Dir] += n
				s.packets[p.Dir]++
			}
			g.bytes += n
			sum = append(sum, sum[len(sum)-1]+n)
		}
		at := func(t time.Duration) int64 {
			return sum[sort.Search(len(r.Trace.Packets), func(i int) bool { return r.Trace.Packets[i].Time >= t })]
		}
		for _, e := range r.Labels.Events {
			g.events++
			g.eventBytes += at(e.Start+eventWindow) - at(e.Start)
		}
	}
	s.seconds = sortedSum(seconds)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g := groups[name]
		if g.seconds > 0 {
			s.perHour = append(s.perHour, float64(g.bytes)/1000/g.seconds*3600)
		}
		if g.events > 0 {
			s.perEvent = append(s.perEvent, float64(g.eventBytes)/1000/float64(g.events))
		}
	}
	return s
}
