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
	all    places // of known
	events places // of those of known that are of events
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

// nearest appends to dst up to n known intervals of other folds than skip (-1: of
// all), the nearest first, of equally near ones in the order of training; only
// intervals of events unless reject is set. n is at most maxNeighbors.
func (r *rateRule) nearest(dst []int32, v [4]float64, skip, n int, reject bool) []int32 {
	s := search{v: v, skip: int32(skip), n: n}
	if reject {
		r.all.visit(&s)
	} else {
		r.events.visit(&s)
	}
	return append(dst, s.near[:s.found]...)
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
		ranked := r.rank(r.nearest(nil, f.vector(), -1, r.k, r.reject))
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
