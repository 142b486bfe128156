package rates

import (
	"cmp"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// rateSource is the traffic of one stream or device in one training example,
// with the events that it should show, in order of time.
type rateSource struct {
	trace   datasets.Trace
	packets []int32
	events  []match.Span
	fold    int // -1 where there is only one: its intervals judge each other
}

// foldOf is the fold of interval i.
func (s rateSource) foldOf(i int) int {
	if s.fold < 0 {
		return i
	}
	return s.fold
}

// distance is how far at is from the time in which e happens.
func distance(e match.Span, at time.Duration) time.Duration { return max(e.From-at, at-e.To, 0) }

// rateRule says when a rate is raised and what that means. It is learned for
// each device, each shared stream and, as the pooled rule, for all traffic
// together.
type rateRule struct {
	host   string // the one service that shows the device's state; "" for all, or away
	width  time.Duration
	gap    time.Duration
	lo, hi float64 // in scales above the median
	usual  rateBaseline
	k      int     // neighbors
	share  float64 // bytes of one event, where long intervals hold several; 0 where not
	reject bool    // an interval whose neighbors are no events is none
	known  []knownRate
	all    []placed // known, by volume
	events []placed // those of all that are of events
}

// knownRate is an interval of the training traffic with its event class, Other
// where no event fits.
type knownRate struct {
	bytes float64
	v     [4]float64
	class string
	event bool // class is not Other
	fold  int
}

// maxNeighbors is the largest k.
const maxNeighbors = 5

// volume is the place of the volume in a vector: what differs most between intervals.
const volume = 2

// placed is a known interval where nearest walks: what it looks at lies together.
type placed struct {
	v       [4]float64
	fold, i int32 // i is the place in known
}

// sortKnown puts the known intervals in the order that nearest walks in.
func (r *rateRule) sortKnown() {
	r.all = make([]placed, len(r.known))
	for i, k := range r.known {
		r.all[i] = placed{k.v, int32(k.fold), int32(i)}
	}
	slices.SortFunc(r.all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.v[volume], b.v[volume]), cmp.Compare(a.i, b.i))
	})
	r.events = nil
	for _, k := range r.all {
		if r.known[k.i].event {
			r.events = append(r.events, k)
		}
	}
}

// nearest lists up to n known intervals of other folds than skip (-1: of all),
// the nearest first, of equally near ones in the order of training; only intervals
// of events unless reject is set. n is at most maxNeighbors.
//
// It walks away from v to smaller and to larger volumes. A squared distance is not
// below that of the volumes alone, also as rounded, so that a side is done with where
// that exceeds the n-th distance; one that equals it may still stand earlier.
func (r *rateRule) nearest(v [4]float64, skip, n int, reject bool) []int32 {
	order := r.events
	if reject {
		order = r.all
	}
	hi, _ := slices.BinarySearchFunc(order, v[volume], func(k placed, x float64) int { return cmp.Compare(k.v[volume], x) })
	lo := hi - 1

	var ds [maxNeighbors]float64 // squared distances of out
	out := make([]int32, 0, maxNeighbors)
	for up := false; lo >= 0 || hi < len(order); up = !up {
		var k *placed
		switch {
		case up && hi < len(order):
			k = &order[hi]
			hi++
		case !up && lo >= 0:
			k = &order[lo]
			lo--
		default:
			continue // this side is done with
		}
		full := len(out) == n
		e := v[volume] - k.v[volume]
		if full && e*e > ds[n-1] {
			if up {
				hi = len(order)
			} else {
				lo = -1
			}
			continue
		}
		if int(k.fold) == skip {
			continue
		}

		d := (v[0]-k.v[0])*(v[0]-k.v[0]) + (v[1]-k.v[1])*(v[1]-k.v[1])
		if full && d > ds[n-1] {
			continue // the sum only grows
		}
		d += (v[2] - k.v[2]) * (v[2] - k.v[2])
		d += (v[3] - k.v[3]) * (v[3] - k.v[3])
		if full && (d > ds[n-1] || d == ds[n-1] && k.i > out[n-1]) {
			continue
		}
		if !full {
			out = append(out, 0)
		}
		at := len(out) - 1
		for ; at > 0 && (ds[at-1] > d || ds[at-1] == d && out[at-1] > k.i); at-- {
			ds[at], out[at] = ds[at-1], out[at-1]
		}
		ds[at], out[at] = d, k.i
	}
	return out
}

// rank ranks the classes of known intervals by number; equally frequent classes
// stand in the order of their nearest.
func (r *rateRule) rank(near []int32) []attacks.Ranked {
	var out []attacks.Ranked
	for _, n := range near {
		class := r.known[n].class
		at := slices.IndexFunc(out, func(x attacks.Ranked) bool { return x.Class == class })
		if at < 0 {
			at = len(out)
			out = append(out, attacks.Ranked{Class: class})
		}
		out[at].P += 1 / float64(len(near))
	}
	if len(out) == 0 {
		return []attacks.Ranked{{Class: datasets.Other, P: 1}}
	}
	slices.SortStableFunc(out, func(a, b attacks.Ranked) int { return cmp.Compare(b.P, a.P) })
	return out
}

// maxDivide bounds the events that one interval can hold.
const maxDivide = 50

// divide appends f to dst, an interval in which several events follow each other,
// so that their traffic runs together, cut into equal times: as many as the usual
// volume of an event fits into it.
func (r *rateRule) divide(dst []interval, f raisedRate) []interval {
	n := 1
	if r.share > 0 {
		n = int(min(max(math.Round(f.bytes/r.share), 1), maxDivide))
	}
	step := (f.end - f.start) / time.Duration(n)
	for i := range n {
		dst = append(dst, interval{f.start + time.Duration(i)*step, f.start + time.Duration(i+1)*step})
	}
	dst[len(dst)-1].End = f.end
	return dst
}

// bursts names the raised intervals of some packets. Scores of 0.5 and more
// reach the upper threshold. A nil rule finds nothing.
func (r *rateRule) bursts(t datasets.Trace, packets []int32) []attacks.Burst {
	if r == nil || r.width == 0 {
		return nil
	}
	b := binRates(t, r.ofHost(t, packets), r.width)
	b.rebase(r.usual)

	// z / (z + hi) grows with z, is 0.5 at hi and below 1 however high the peak:
	// rules of different devices can share one operating curve.
	var out []attacks.Burst
	var parts []interval
	for _, f := range b.track(b.bins, r.lo, r.hi, r.gap) {
		z := max(f.peak, 0)
		ranked := r.rank(r.nearest(f.vector(), -1, r.k, r.reject))
		parts = r.divide(parts[:0], f)
		for _, i := range parts {
			out = append(out, attacks.Burst{Start: i.Start, End: i.End, Ranked: ranked, Score: z / (z + r.hi)})
		}
	}
	return out
}

// rateThreshold is the score at which an interval reaches the upper threshold.
const rateThreshold = 0.5

// away stands for all services outside the home: what a device tells its
// neighbors, often every few seconds, hides small exchanges with its cloud.
const away = "*"

// ofHost keeps the packets of the rule's service; all where it does not occur.
func (r *rateRule) ofHost(t datasets.Trace, packets []int32) []int32 {
	if r.host == "" {
		return packets
	}
	var out []int32
	for _, i := range packets {
		f := &t.Flows[t.Packets[i].Flow]
		if r.host == away && !f.LAN || r.host != away && f.Host == r.host {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return packets
	}
	return out
}
