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

// learnRates chooses everything about a rule by the F of its own training
// traffic: first by time, then the best few of each width by class, each
// interval judged by the others' folds. It returns the F by class; below 0
// there is no rule.
func learnRates(ctx context.Context, sources []rateSource, o rateOptions) (rateRule, float64, error) {
	best := bursts.Choice[rateRule]{Score: -1}
	for _, w := range o.widths {
		if err := ctx.Err(); err != nil {
			return best.Value, 0, err
		}

		// The usual baseline must be known before any trace is measured by it.
		binned := make([]binnedRates, len(sources))
		for i, s := range sources {
			binned[i] = binRates(s.trace, s.packets, w)
		}
		usual := usualBaseline(binned)
		for i := range binned {
			binned[i].rebase(usual)
		}

		for _, r := range chooseThresholds(sources, binned, w, o) {
			r.usual = usual
			r.remember(sources, binned, o.tolerance)
			score := r.chooseNeighbors(sources, binned, o)
			best.Offer(r, score)
		}
	}
	return best.Value, best.Score, nil
}

// chooseThresholds returns the rules of one width that are best by F and by
// one that prefers recall and leaves false alarms to the neighbors.
func chooseThresholds(sources []rateSource, binned []binnedRates, w time.Duration, o rateOptions) []rateRule {
	grid := thresholdGrid(sources, binned, o.tolerance)
	if len(grid) == 0 {
		return nil
	}

	best := [2]bursts.Choice[rateRule]{{Score: -1}, {Score: -1}}
	for _, ratio := range rateRatios {
		above := make([][][]rateBin, len(sources))
		for i := range sources {
			above[i] = binsAbove(binned[i].bins, grid, ratio)
		}
		for _, gap := range rateGaps {
			if gap > 0 && gap < w {
				continue // it would cut neighboring bins apart
			}
			fs := sweepThresholds(sources, above, grid, rateRule{width: w, lo: 1 / ratio, gap: gap}, o)
			for i, f := range fs {
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

// binsAbove returns, for every upper threshold of the ascending grid, the bins
// that reach the lower one.
func binsAbove(bins []rateBin, grid []float64, ratio float64) [][]rateBin {
	out := make([][]rateBin, len(grid))
	for g, hi := range grid {
		var kept []rateBin
		for _, b := range bins {
			if b.z >= hi/ratio {
				kept = append(kept, b)
			}
		}
		out[g], bins = kept, kept // what falls out here is below all higher ones too
	}
	return out
}

// sweepThresholds returns, for every threshold of the grid, F by time and a
// second F that holds recall twice as important. r.lo is the lower threshold as
// a share of the upper.
func sweepThresholds(sources []rateSource, above [][][]rateBin, grid []float64, r rateRule, o rateOptions) [2][]float64 {
	counts := make([]rateCounts, len(grid))
	for i, s := range sources {
		// From the highest down, as lower thresholds only show more intervals:
		// once there are too many the rest of the grid need not be tracked, which
		// is most of the time that a busy trace would take.
		most := manyPerEvent*len(s.events) + manyAnyway
		many := false
		for g := len(grid) - 1; g >= 0; g-- {
			if many {
				counts[g].add(0, most, len(s.events))
				continue
			}
			found := (binnedRates{width: r.width}).track(above[i][g], grid[g]*r.lo, grid[g], r.gap)
			found = slices.DeleteFunc(found, func(f raisedRate) bool { return f.peak < grid[g] })
			many = len(found) > most
			if o.states {
				counts[g].overlap(s.events, found, nil)
				continue
			}

			starts := make([]match.Span, len(found))
			for j, f := range found {
				starts[j].From = f.start
			}
			counts[g].addHits(s.events, starts, o.tolerance, match.ByTime)
		}
	}

	out := [2][]float64{make([]float64, len(grid)), make([]float64, len(grid))}
	for g, c := range counts {
		out[0][g], out[1][g] = c.f(o.beta), c.f(2*o.beta)
	}
	return out
}

// A threshold under which a trace shows more intervals than this is given up:
// its F is next to nothing.
const (
	manyPerEvent = 20
	manyAnyway   = 50
)

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
			r.known = append(r.known, knownRate{f.bytes, f.vector(), class, s.foldOf(j)})
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

// chooseNeighbors sets k, reject and share to what gives the best F by class
// when every interval is judged by those of other folds, and returns it.
func (r *rateRule) chooseNeighbors(sources []rateSource, binned []binnedRates, o rateOptions) float64 {
	found := make([][]raisedRate, len(sources))
	for i := range sources {
		found[i] = r.raised(binned[i])
	}

	best := bursts.Choice[rateRule]{Value: *r, Score: -1}
	for _, reject := range []bool{false, true} {
		// The neighbors of every k are the first of maxNeighbors: one search
		// serves all.
		near := make([][][]int32, len(sources))
		for i, fs := range found {
			for j, f := range fs {
				near[i] = append(near[i], r.nearest(f.vector(), sources[i].foldOf(j), maxNeighbors, reject))
			}
		}
		for _, k := range []int{1, 3, maxNeighbors} {
			for _, share := range []float64{0, r.usualBytes()} {
				c := *r
				c.k, c.reject, c.share = k, reject, share
				best.Offer(c, c.score(sources, found, near, o))
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

// score is the F of the intervals found, given the nearest known of each. The F
// by time alone decides among equals: where every class occurs once, no other
// interval can teach it.
func (r *rateRule) score(sources []rateSource, found [][]raisedRate, near [][][]int32, o rateOptions) float64 {
	var c, anyClass rateCounts
	for i, s := range sources {
		var guess []match.Span
		classes := make([]string, len(found[i]))
		for j, f := range found[i] {
			class := r.rank(near[i][j][:min(r.k, len(near[i][j]))])[0].Class
			if classes[j] = class; class == datasets.Other {
				continue
			}
			for _, at := range r.divide(f) {
				guess = append(guess, match.Span{From: at.Start, To: at.End, Class: class})
			}
		}

		// States are scored by seconds alone: how an interval is cut into
		// detections must not matter.
		if o.states {
			c.overlap(s.events, found[i], classes)
			continue
		}
		c.addHits(s.events, guess, o.tolerance, match.ByClass)
		anyClass.addHits(s.events, guess, o.tolerance, match.ByTime)
	}
	return c.f(o.beta) + 1e-3*anyClass.f(o.beta)
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

// addHits adds the detections that have an event under the rule that scores.
func (c *rateCounts) addHits(events, found []match.Span, tol time.Duration, key func(string) string) {
	c.add(match.Hits(match.Windows(events, found, tol, key)), len(found), len(events))
}

// overlap adds the milliseconds of states that intervals cover, with classes
// only those of an event's own. In whole milliseconds an int holds the sum of
// any training set, and the order of addition does not matter.
func (c *rateCounts) overlap(events []match.Span, found []raisedRate, classes []string) {
	ms := func(d time.Duration) int { return int(max(d, 0).Milliseconds()) }
	for _, e := range events {
		c.events += ms(e.To - e.From)
	}

	for i, f := range found {
		if classes != nil && classes[i] == datasets.Other {
			continue
		}
		c.found += ms(f.end - f.start)
		for _, e := range events {
			if classes == nil || classes[i] == e.Class {
				c.hits += ms(min(e.To, f.end) - max(e.From, f.start))
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
