package attacks

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

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
// interval judged by the others' folds. It returns the F by class.
func learnRates(ctx context.Context, sources []rateSource, o rateOptions) (rateRule, float64, error) {
	var best rateRule
	score := -1.0
	for _, w := range o.widths {
		if err := ctx.Err(); err != nil {
			return best, 0, err
		}
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
			if f := r.chooseNeighbors(sources, binned, o); f > score {
				best, score = r, f
			}
		}
	}
	return best, score, nil
}

// chooseThresholds returns the rules of one width that are best by F and by
// one that prefers recall and leaves false alarms to the neighbors.
func chooseThresholds(sources []rateSource, binned []binnedRates, w time.Duration, o rateOptions) []rateRule {
	grid := thresholdGrid(sources, binned, o.tolerance)
	if len(grid) == 0 {
		return nil
	}
	var best [2]rateRule
	score := [2]float64{-1, -1}
	for _, ratio := range rateRatios {
		above := make([][][]rateBin, len(sources))
		for i := range sources {
			above[i] = binsAbove(binned[i].bins, grid, ratio)
		}
		for _, gap := range rateGaps {
			if gap > 0 && gap < w {
				continue
			}
			fs := sweep(sources, above, grid, rateRule{width: w, lo: 1 / ratio, gap: gap}, o)
			for i, f := range fs {
				if at, top := plateau(f); top > score[i]+1e-9 {
					score[i] = top
					best[i] = rateRule{width: w, gap: gap, lo: grid[at] / ratio, hi: grid[at]}
				}
			}
		}
	}
	if best[0].hi == best[1].hi && best[0].gap == best[1].gap && best[0].lo == best[1].lo {
		return best[:1]
	}
	return best[:]
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
		out[g], bins = kept, kept
	}
	return out
}

// A threshold under which a trace shows more intervals than this is given up:
// its F is next to nothing.
const (
	manyPerEvent = 20
	manyAnyway   = 50
)

// sweep returns, for every threshold of the grid, F by time and a second F
// that holds recall twice as important. r.lo is the lower threshold as a share
// of the upper.
func sweep(sources []rateSource, above [][][]rateBin, grid []float64, r rateRule, o rateOptions) [2][]float64 {
	counts := make([]rateCounts, len(grid))
	for i, s := range sources {
		many := false
		for g := len(grid) - 1; g >= 0; g-- {
			if many {
				counts[g].add(0, manyPerEvent*len(s.events)+manyAnyway, len(s.events))
				continue
			}
			found := (binnedRates{width: r.width}).track(above[i][g], grid[g]*r.lo, grid[g], r.gap)
			found = slices.DeleteFunc(found, func(f raisedRate) bool { return f.peak < grid[g] })
			many = len(found) > manyPerEvent*len(s.events)+manyAnyway
			if o.states {
				counts[g].overlap(s.events, found, nil)
				continue
			}
			starts := make([]match.Span, len(found))
			for j, f := range found {
				starts[j].From = f.start
			}
			counts[g].add(match.Hits(match.Windows(s.events, starts, o.tolerance, match.ByTime)), len(starts), len(s.events))
		}
	}
	out := [2][]float64{make([]float64, len(grid)), make([]float64, len(grid))}
	for g, c := range counts {
		out[0][g], out[1][g] = c.f(o.beta), c.f(2*o.beta)
	}
	return out
}

// plateau returns the middle of the first run of the largest value: the
// threshold with most room on both sides.
func plateau(f []float64) (at int, top float64) {
	lo := 0
	for i, x := range f {
		if x > f[lo] {
			lo = i
		}
	}
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
		of := nearestEvents(s.events, found, tol)
		for j, f := range found {
			class := datasets.Other
			if of[j] >= 0 {
				class = s.events[of[j]].Class
			}
			r.known = append(r.known, knownRate{f.bytes, f.vector(), class, s.foldOf(j)})
		}
	}
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
// the nearest interval alone; -1 for none.
func nearestEvents(events []match.Span, found []raisedRate, tol time.Duration) []int {
	out := make([]int, len(found))
	taken := make([]int, len(events)) // interval + 1
	lo := 0
	for i, f := range found {
		out[i] = -1
		for lo < len(events) && events[lo].To+tol < f.start {
			lo++
		}
		for e := lo; e < len(events) && events[e].From <= f.start+tol; e++ {
			d := distance(events[e], f.start)
			if d > tol || taken[e] > 0 && distance(events[e], found[taken[e]-1].start) <= d {
				continue
			}
			if out[i] < 0 || d < distance(events[out[i]], f.start) {
				out[i] = e
			}
		}
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
	best, score := *r, -1.0
	for _, reject := range []bool{false, true} {
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
				if f := c.score(sources, found, near, o); f > score {
					best, score = c, f
				}
			}
		}
	}
	*r = best
	return score
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
		if o.states {
			c.overlap(s.events, found[i], classes)
			continue
		}
		c.add(match.Hits(match.Windows(s.events, guess, o.tolerance, match.ByClass)), len(guess), len(s.events))
		anyClass.add(match.Hits(match.Windows(s.events, guess, o.tolerance, match.ByTime)), len(guess), len(s.events))
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

func (c *rateCounts) add(hits, found, events int) {
	c.hits += hits
	c.found += found
	c.events += events
}

// overlap adds the milliseconds of states that intervals cover, with classes
// only those of an event's own.
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
