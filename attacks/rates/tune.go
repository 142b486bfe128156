package rates

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"

	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// The choices of training. Of equally good ones the first is taken, so those
// that generalize stand first.
var (
	rateGaps   = [...]time.Duration{10 * time.Second, 5 * time.Second, 20 * time.Second, 2 * time.Second, 0, time.Minute}
	rateRatios = [...]float64{1, 8}
)

const rateSteps = 24 // thresholds tried

// tuner chooses a rule for some sources.
type tuner struct {
	sources []rateSource
	binned  []binnedRates // of the sources, in bins of the width at hand
	o       rateOptions
	events  [][]match.Mark // by source
	number  map[string]int32
	sweeper sweeper

	// Room of score, which keeps it between calls.
	guess        []match.Mark
	spans, parts []interval
	classes      []int32
}

// otherClass is the number of the class Other, that of no event.
const otherClass = -1

// newTuner numbers the classes of events.
func newTuner(sources []rateSource, o rateOptions) *tuner {
	t := &tuner{sources: sources, binned: make([]binnedRates, len(sources)), o: o, events: make([][]match.Mark, len(sources)), number: map[string]int32{datasets.Other: otherClass}}
	for i, s := range sources {
		for _, e := range s.events {
			if _, known := t.number[e.Class]; !known {
				t.number[e.Class] = int32(len(t.number))
			}
			t.events[i] = append(t.events[i], match.Mark{From: e.From, To: e.To, Class: t.number[e.Class]})
		}
	}
	return t
}

// learnRates chooses everything about a rule by the F of its own training
// traffic: first by time, then the best few of each width by class, each
// interval judged by the others' folds. It returns the F by class; below 0
// there is no rule.
func learnRates(ctx context.Context, sources []rateSource, o rateOptions) (rateRule, float64, error) {
	t := newTuner(sources, o)
	best := bursts.Choice[rateRule]{Score: -1}
	for _, w := range o.widths {
		if err := ctx.Err(); err != nil {
			return best.Value, 0, err
		}

		// The usual baseline must be known before any trace is measured by it.
		for i, s := range sources {
			t.binned[i] = binRates(s.trace, s.packets, w)
		}
		usual := usualBaseline(t.binned)
		for i := range t.binned {
			t.binned[i].rebase(usual)
		}

		for _, r := range t.chooseThresholds(w) {
			r.usual = usual
			r.remember(sources, t.binned, o.tolerance)
			score := t.chooseNeighbors(&r)
			best.Offer(r, score)
		}
	}
	return best.Value, best.Score, nil
}

// chooseThresholds returns the rules of one width that are best by F and by
// one that holds recall twice as important and leaves false alarms to the
// neighbors.
func (t *tuner) chooseThresholds(w time.Duration) []rateRule {
	grid := thresholdGrid(t.sources, t.binned, t.o.tolerance)
	if len(grid) == 0 {
		return nil
	}

	best := [2]bursts.Choice[rateRule]{{Score: -1}, {Score: -1}}
	for _, ratio := range rateRatios {
		var counts [len(rateGaps)][]rateCounts
		for k := range counts {
			counts[k] = make([]rateCounts, len(grid))
		}
		for i := range t.sources {
			t.sweeper.sweep(&counts, t.events[i], t.binned[i].bins, w, grid, ratio, t.o)
		}

		f := make([]float64, len(grid))
		for k, gap := range rateGaps {
			if gap > 0 && gap < w {
				continue // it would cut neighboring bins apart
			}
			for i := range best {
				for g, c := range counts[k] {
					f[g] = c.f(float64(i+1) * t.o.beta)
				}
				// A margin, not choice.offer: sums in another order may differ in
				// the last digit, and what stands first should win such a tie.
				if at, top := plateau(f); top > best[i].Score+1e-9 {
					best[i] = bursts.Choice[rateRule]{Value: rateRule{width: w, gap: gap, lo: grid[at] / ratio, hi: grid[at]}, Score: top}
				}
			}
		}
	}

	a, b := best[0].Value, best[1].Value
	if a.hi == b.hi && a.gap == b.gap && a.lo == b.lo {
		return []rateRule{a}
	}
	return []rateRule{a, b}
}

// thresholdGrid spans the peaks that events show, in equal steps of the
// logarithm, from an eighth of the smallest.
func thresholdGrid(sources []rateSource, binned []binnedRates, tol time.Duration) []float64 {
	lo, hi := math.Inf(1), 0.0
	for i, s := range sources {
		bins := binned[i].bins
		for _, e := range s.events {
			at, _ := slices.BinarySearchFunc(bins, e.From-tol, func(b rateBin, t time.Duration) int { return cmp.Compare(b.first, t) })
			peak := 0.0
			for ; at < len(bins) && bins[at].first <= e.To+tol; at++ {
				peak = max(peak, bins[at].z)
			}
			if peak > 0 {
				lo, hi = min(lo, peak), max(hi, peak)
			}
		}
	}
	if hi == 0 {
		return nil
	}

	// Bounded below so that one event without traffic, whose peak is that of a
	// heartbeat, does not stretch the grid until its steps are too wide.
	lo = max(lo/8, hi/1e7, 0.5)
	grid := make([]float64, rateSteps)
	for i := range grid {
		grid[i] = lo * math.Pow(max(hi/lo, 1), float64(i)/(rateSteps-1))
	}
	return grid
}

// plateau returns the middle of the first run of the largest value: the
// threshold with most room on both sides.
func plateau(f []float64) (at int, top float64) {
	lo := floats.MaxIdx(f) // the first of equals
	hi := lo
	for hi+1 < len(f) && f[hi+1] == f[lo] {
		hi++
	}
	return (lo + hi) / 2, f[lo]
}

// maxKnown bounds the intervals that a rule remembers.
const maxKnown = 1500

// remember files the raised intervals of the training traffic under the class
// of the nearest event within tol, each event once.
func (r *rateRule) remember(sources []rateSource, binned []binnedRates, tol time.Duration) {
	for i, s := range sources {
		found := r.raised(binned[i])
		events := nearestEvents(s.events, found, tol)
		for j, f := range found {
			class := datasets.Other
			if events[j] >= 0 {
				class = s.events[events[j]].Class
			}
			r.known = append(r.known, knownRate{f.bytes, f.vector(), class, class != datasets.Other, s.foldOf(j)})
		}
	}

	// Thinned evenly, so that every example and time of day stays.
	if n := len(r.known); n > maxKnown {
		kept := make([]knownRate, maxKnown)
		for i := range kept {
			kept[i] = r.known[i*n/maxKnown]
		}
		r.known = kept
	}
	r.setPlaces()
}

// raised returns the intervals that reach the upper threshold.
func (r *rateRule) raised(b binnedRates) []raisedRate {
	return slices.DeleteFunc(b.track(b.bins, r.lo, r.hi, r.gap), func(x raisedRate) bool { return x.peak < r.hi })
}

// nearestEvents gives each interval the nearest event within tol, each event to
// the nearest interval alone; -1 for none. Both are in order of time.
func nearestEvents(events []match.Span, found []raisedRate, tol time.Duration) []int {
	out := make([]int, len(found))
	taken := make([]int, len(events)) // interval + 1
	lo := 0
	for i, f := range found {
		out[i] = -1
		for lo < len(events) && events[lo].To+tol < f.start {
			lo++
		}

		// An event that an earlier interval is as near to is not to be had.
		for e := lo; e < len(events) && events[e].From <= f.start+tol; e++ {
			d := distance(events[e], f.start)
			if d > tol || taken[e] > 0 && distance(events[e], found[taken[e]-1].start) <= d {
				continue
			}
			if out[i] < 0 || d < distance(events[out[i]], f.start) {
				out[i] = e
			}
		}

		// The interval that had the event goes without: it is not asked again and
		// stands for what surrounds events.
		if out[i] >= 0 {
			if old := taken[out[i]] - 1; old >= 0 {
				out[old] = -1
			}
			taken[out[i]] = i + 1
		}
	}
	return out
}

// chooseNeighbors sets k, reject and share of r to what gives the best F by class
// when every interval is judged by those of other folds, and returns it.
func (t *tuner) chooseNeighbors(r *rateRule) float64 {
	found := make([][]raisedRate, len(t.sources))
	vectors := make([][][4]float64, len(t.sources))
	for i := range t.sources {
		found[i] = r.raised(t.binned[i])
		vectors[i] = make([][4]float64, len(found[i]))
		for j, f := range found[i] {
			vectors[i][j] = f.vector()
		}
	}
	class := make([]int32, len(r.known))
	for i, k := range r.known {
		class[i] = t.number[k.class]
	}

	usual := r.usualBytes()
	best := bursts.Choice[rateRule]{Value: *r, Score: -1}
	for _, reject := range []bool{false, true} {
		// The neighbors of every k are the first of maxNeighbors: one search
		// serves all.
		near := make([][][]int32, len(t.sources))
		for i, vs := range vectors {
			near[i] = make([][]int32, len(vs))
			room := make([]int32, len(vs)*maxNeighbors)
			for j, v := range vs {
				near[i][j], room = r.nearest(room[:0:maxNeighbors], v, t.sources[i].foldOf(j), maxNeighbors, reject), room[maxNeighbors:]
			}
		}
		for _, k := range []int{1, 3, maxNeighbors} {
			for _, share := range []float64{0, usual} {
				c := *r
				c.k, c.reject, c.share = k, reject, share
				best.Offer(c, t.score(&c, found, near, class))
			}
		}
	}
	*r = best.Value
	return best.Score
}

// usualBytes is the median volume of the intervals that hold events.
func (r *rateRule) usualBytes() float64 {
	var bytes []float64
	for _, k := range r.known {
		if k.class != datasets.Other {
			bytes = append(bytes, k.bytes)
		}
	}
	if len(bytes) == 0 {
		return 0
	}
	slices.Sort(bytes)
	return bytes[len(bytes)/2]
}

// score is the F of the intervals found, given the nearest known of each and the
// numbers of the classes of all known. The F by time alone decides among equals:
// where every class occurs once, no other interval can teach it.
func (t *tuner) score(r *rateRule, found [][]raisedRate, near [][][]int32, class []int32) float64 {
	var c, anyClass rateCounts
	guess, spans, parts, classes := t.guess, t.spans, t.parts, t.classes
	for i, s := range t.sources {
		guess, spans, classes = guess[:0], spans[:0], classes[:0]
		for j, f := range found[i] {
			n := commonest(near[i][j][:min(r.k, len(near[i][j]))], class)
			spans, classes = append(spans, interval{f.start, f.end}), append(classes, n)
			if n == otherClass {
				continue
			}
			parts = r.divide(parts[:0], f)
			for _, at := range parts {
				guess = append(guess, match.Mark{From: at.Start, To: at.End, Class: n})
			}
		}

		// States are scored by seconds alone: how an interval is cut into
		// detections must not matter.
		if t.o.states {
			c.overlap(t.events[i], spans, classes)
			continue
		}
		c.add(t.sweeper.counter.Hits(t.events[i], guess, t.o.tolerance, false), len(guess), len(s.events))
		anyClass.add(t.sweeper.counter.Hits(t.events[i], guess, t.o.tolerance, true), len(guess), len(s.events))
	}
	t.guess, t.spans, t.parts, t.classes = guess, spans, parts, classes
	return c.f(t.o.beta) + 1e-3*anyClass.f(t.o.beta)
}

// commonest is the class of most of the known intervals near, that of the nearest
// of equally frequent ones: the first that rank would list.
func commonest(near, class []int32) int32 {
	best, most := int32(otherClass), 0
	for _, a := range near {
		n := 0
		for _, b := range near {
			if class[a] == class[b] {
				n++
			}
		}
		if n > most {
			best, most = class[a], n
		}
	}
	return best
}

// rateOptions are the settings that training serves.
type rateOptions struct {
	widths    []time.Duration
	tolerance time.Duration
	beta      float64
	states    bool // seconds count, not beginnings
}

// rateCounts are the sums behind F.
type rateCounts struct{ hits, found, events int }

// add sums up what one source gives.
func (c *rateCounts) add(hits, found, events int) {
	c.hits += hits
	c.found += found
	c.events += events
}

// overlap adds the milliseconds of states that intervals cover, with classes
// only those of an event's own. In whole milliseconds an int holds the sum of
// any training set, and the order of addition does not matter. events are in
// order of From.
func (c *rateCounts) overlap(events []match.Mark, found []interval, classes []int32) {
	ms := func(d time.Duration) int { return int(max(d, 0).Milliseconds()) }
	for _, e := range events {
		c.events += ms(e.To - e.From)
	}

	for i, f := range found {
		if classes != nil && classes[i] == otherClass {
			continue
		}
		c.found += ms(f.End - f.Start)
		for _, e := range events {
			if e.From > f.End {
				break
			}
			if classes == nil || classes[i] == e.Class {
				c.hits += ms(min(e.To, f.End) - max(e.From, f.Start))
			}
		}
	}
}

// f is the F score that holds recall beta times as important as precision.
func (c rateCounts) f(beta float64) float64 {
	if c.found+c.events <= 0 {
		return 0
	}
	b := beta * beta
	return (1 + b) * float64(c.hits) / (float64(c.found) + b*float64(c.events))
}
