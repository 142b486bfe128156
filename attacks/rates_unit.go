package attacks

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"veilbench/datasets"
)

// rateSource is the traffic of one stream or device in one training example,
// with the events that it should show, in order of time.
type rateSource struct {
	trace   datasets.Trace
	packets []int32
	events  []timed
	fold    int
}

// rateRule says when a rate is raised and what that means. It is learned for
// each device, each shared stream and, as the pooled rule, for all traffic
// together.
type rateRule struct {
	host   string // the one service that shows the device's state; "" for all
	width  time.Duration
	gap    time.Duration
	lo, hi float64 // in scales above the median
	k      int     // neighbors
	reject bool    // an interval whose neighbors are no events is none
	known  []knownRate
}

// knownRate is an interval of the training traffic with its event class, Other
// where no event fits.
type knownRate struct {
	v     [4]float64
	class string
	fold  int
}

// The choices of training. Of equally good ones the first is taken, so those
// that generalize stand first.
var (
	rateGaps   = [...]time.Duration{10 * time.Second, 5 * time.Second, 20 * time.Second, 2 * time.Second, 40 * time.Second, 0, time.Minute, 2 * time.Minute}
	rateRatios = [...]float64{1, 4, 16}
)

const rateSteps = 32 // thresholds tried

// learnRates chooses everything about a rule by the F1 of its own training
// traffic: first by time, then the best few of each width by class, each
// interval judged by the others' folds. It returns the F1 by class.
func learnRates(ctx context.Context, sources []rateSource, widths []time.Duration, tol time.Duration) (rateRule, float64, error) {
	var best rateRule
	score := -1.0
	for _, w := range widths {
		if err := ctx.Err(); err != nil {
			return best, 0, err
		}
		binned := make([]binnedRates, len(sources))
		for i, s := range sources {
			binned[i] = binRates(s.trace, s.packets, w)
		}
		for _, r := range chooseThresholds(sources, binned, w, tol) {
			r.remember(sources, binned, tol)
			if f := r.chooseNeighbors(sources, binned, tol); f > score {
				best, score = r, f
			}
		}
	}
	return best, score, nil
}

// chooseThresholds returns the rules of one width that are best by F1 and by
// F2, which prefers recall and leaves false alarms to the neighbors.
func chooseThresholds(sources []rateSource, binned []binnedRates, w, tol time.Duration) []rateRule {
	grid := thresholdGrid(sources, binned, tol)
	if len(grid) == 0 {
		return nil
	}
	var best [2]rateRule
	score := [2]float64{-1, -1}
	for _, ratio := range rateRatios {
		for _, gap := range rateGaps {
			if gap > 0 && gap < w {
				continue
			}
			fs := sweep(sources, binned, grid, ratio, gap, tol)
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
			at, _ := slices.BinarySearchFunc(bins, e.At-tol, func(b rateBin, t time.Duration) int { return cmp.Compare(b.first, t) })
			peak := 0.0
			for ; at < len(bins) && bins[at].first <= e.At+tol; at++ {
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

// sweep returns F1 and F2 by time for every threshold of the grid.
func sweep(sources []rateSource, binned []binnedRates, grid []float64, ratio float64, gap, tol time.Duration) [2][]float64 {
	out := [2][]float64{make([]float64, len(grid)), make([]float64, len(grid))}
	hits, found, events := make([]int, len(grid)), make([]int, len(grid)), 0
	for i, s := range sources {
		truth := make([]time.Duration, len(s.events))
		for j, e := range s.events {
			truth[j] = e.At
		}
		events += len(truth)
		bins := slices.Clone(binned[i].bins)
		for g, hi := range grid {
			bins = slices.DeleteFunc(bins, func(b rateBin) bool { return b.z < hi/ratio })
			var starts []time.Duration
			for _, r := range binned[i].track(bins, hi/ratio, hi, gap) {
				if r.peak >= hi {
					starts = append(starts, r.start)
				}
			}
			hits[g] += matched(truth, starts, tol)
			found[g] += len(starts)
		}
	}
	for g := range grid {
		out[0][g] = f1(hits[g], found[g], events)
		out[1][g] = 5 * float64(hits[g]) / float64(max(1, found[g]+4*events))
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
const maxKnown = 4000

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
			r.known = append(r.known, knownRate{f.vector(), class, s.fold})
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

// nearestEvents gives each interval the nearest free event within tol, or -1.
func nearestEvents(events []timed, found []raisedRate, tol time.Duration) []int {
	out := make([]int, len(found))
	taken := make([]int, len(events)) // interval + 1
	for i, f := range found {
		out[i] = -1
		at, _ := slices.BinarySearchFunc(events, f.start-tol, func(e timed, t time.Duration) int { return cmp.Compare(e.At, t) })
		for ; at < len(events) && events[at].At <= f.start+tol; at++ {
			d := (events[at].At - f.start).Abs()
			if old := taken[at] - 1; old >= 0 && (events[at].At-found[old].start).Abs() <= d {
				continue
			}
			if out[i] < 0 || d < (events[out[i]].At-f.start).Abs() {
				out[i] = at
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

// chooseNeighbors sets k and reject to what gives the best F1 by class when
// every interval is judged by those of other folds, and returns it.
func (r *rateRule) chooseNeighbors(sources []rateSource, binned []binnedRates, tol time.Duration) float64 {
	folds := 0
	for _, s := range sources {
		folds = max(folds, s.fold+1)
	}
	best, score := *r, -1.0
	for _, k := range []int{1, 3, 5} {
		for _, reject := range []bool{false, true} {
			c := *r
			c.k, c.reject = k, reject
			hits, found, events := 0, 0, 0
			for i, s := range sources {
				var guess []timed
				for _, f := range r.raised(binned[i]) {
					skip := s.fold
					if folds < 2 {
						skip = -1
					}
					if class := c.classify(f.vector(), skip)[0].Class; class != datasets.Other {
						guess = append(guess, timed{Class: class, At: f.start})
					}
				}
				hits += countMatches(s.events, guess, tol)
				found += len(guess)
				events += len(s.events)
			}
			if f := f1(hits, found, events); f > score {
				best, score = c, f
			}
		}
	}
	*r = best
	return score
}

// classify ranks the classes of the k nearest known intervals of other folds
// than skip. Without reject the classes of events alone are asked. Equally
// frequent classes stand in order of their nearest interval.
func (r *rateRule) classify(v [4]float64, skip int) []Ranked {
	type near struct {
		d float64
		i int
	}
	var ns []near
	for i, k := range r.known {
		if k.fold == skip && skip >= 0 || !r.reject && k.class == datasets.Other {
			continue
		}
		d := 0.0
		for j := range v {
			d += (v[j] - k.v[j]) * (v[j] - k.v[j])
		}
		if len(ns) == r.k && d >= ns[len(ns)-1].d {
			continue
		}
		at, _ := slices.BinarySearchFunc(ns, d, func(n near, d float64) int {
			if n.d <= d {
				return -1
			}
			return 1
		})
		ns = slices.Insert(ns, at, near{d, i})
		ns = ns[:min(len(ns), r.k)]
	}
	var out []Ranked
	for _, n := range ns {
		class := r.known[n.i].class
		at := slices.IndexFunc(out, func(x Ranked) bool { return x.Class == class })
		if at < 0 {
			at = len(out)
			out = append(out, Ranked{Class: class})
		}
		out[at].P += 1 / float64(len(ns))
	}
	if len(out) == 0 {
		return []Ranked{{Class: datasets.Other, P: 1}}
	}
	slices.SortStableFunc(out, func(a, b Ranked) int { return cmp.Compare(b.P, a.P) })
	return out
}

// bursts names the raised intervals of some packets. Scores of 0.5 and more
// reach the upper threshold.
func (r *rateRule) bursts(t datasets.Trace, packets []int32) []Burst {
	if r == nil || r.width == 0 {
		return nil
	}
	b := binRates(t, r.ofHost(t, packets), r.width)
	var out []Burst
	for _, f := range b.track(b.bins, r.lo, r.hi, r.gap) {
		z := max(f.peak, 0)
		out = append(out, Burst{Start: f.start, End: f.end, Ranked: r.classify(f.vector(), -1), Score: z / (z + r.hi)})
	}
	return out
}

// rateThreshold is the score at which an interval reaches the upper threshold.
const rateThreshold = 0.5

// ofHost keeps the packets of the rule's service; all where it does not occur.
func (r *rateRule) ofHost(t datasets.Trace, packets []int32) []int32 {
	if r.host == "" {
		return packets
	}
	var out []int32
	for _, i := range packets {
		if t.Flows[t.Packets[i].Flow].Host == r.host {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return packets
	}
	return out
}
