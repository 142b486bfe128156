package tunnel

import (
	"math"
	"slices"
	"sort"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"

	"veilbench/datasets"
)

// Clock is a clock against another: what it shows more, and what it gains.
type Clock struct {
	// Offset is what it shows more when the other begins, beyond what the starts of
	// the captures say, Drift the share that it gains.
	Offset time.Duration
	Drift  float64
	// Found says that traffic told, and no default did.
	Found bool
}

// Inner is the other clock's time when this one shows t.
func (c Clock) Inner(t time.Duration) time.Duration {
	t -= c.Offset
	return t - time.Duration(math.Round(float64(t)*(c.Drift/(1+c.Drift))))
}

// outer is the inverse of Inner, but for rounding.
func (c Clock) outer(t time.Duration) time.Duration {
	return t + time.Duration(math.Round(float64(t)*c.Drift)) + c.Offset
}

// then is the clock of which next is what c leaves to correct.
func (c Clock) then(next Clock) Clock {
	return Clock{
		Offset: c.Offset + next.Offset + time.Duration(float64(next.Offset)*c.Drift),
		Drift:  (1+c.Drift)*(1+next.Drift) - 1, Found: c.Found || next.Found,
	}
}

// How a clock is looked for: by the rates of packets in bins, in the busiest
// stretch, up to a clock that is reach off; then by the delays of single packets in
// one segment after another, as a drift of maxDrift would move them.
const (
	coarseBin  = 50 * time.Millisecond
	coarseSpan = time.Hour
	reach      = 6 * time.Hour
	maxDrift   = 300e-6
	segment    = 5 * time.Minute
	// binCap bounds what one bin counts: a single download must not outweigh an hour.
	binCap = 4
	// mostPairs is from how many pairs in a segment on they say nothing: a stream of
	// cells fits at any delay.
	mostPairs = 50_000
)

// findClock finds the clock from the traffic alone, before anything is matched.
func (pr *pairer) findClock() Clock {
	offset, from, ok := pr.coarse()
	if !ok {
		return Clock{}
	}
	points := pr.track(offset, from)
	c, ok := fitLine(points)
	if !ok {
		c = Clock{Offset: offset}
	}
	c.Found = true
	return c
}

// coarse is the offset at which the rates inside and outside agree best, from where
// on they were compared, and whether they agree better there than by chance.
func (pr *pairer) coarse() (offset, from time.Duration, ok bool) {
	from, to := pr.busiest()
	bins := int((to-from)/coarseBin) + 1
	wide := int(2*reach/coarseBin) + bins
	if span := int((pr.outer.End-0)/coarseBin) + 2*bins + int(2*time.Minute/coarseBin); span < wide {
		wide = span // a short capture needs no wide search
	}
	before := (wide - bins) / 2
	n := 1
	for n < wide+bins {
		n *= 2
	}

	// The correlation of both directions, by the product of their spectra.
	fft := fourier.NewFFT(n)
	sum := make([]complex128, n/2+1)
	for _, d := range []datasets.Dir{datasets.Up, datasets.Down} {
		a, b := make([]float64, n), make([]float64, n)
		for _, i := range pr.exposed {
			if p := pr.inner.Packets[i]; p.Dir == d {
				count(a[:bins], int((p.Time-from)/coarseBin), p.Time >= from)
			}
		}
		for _, q := range pr.outer.Packets {
			if q.Dir == d {
				at := q.Time - from + time.Duration(before)*coarseBin
				count(b[:wide], int(at/coarseBin), at >= 0)
			}
		}
		centered(a[:bins])
		centered(b[:wide])
		x, y := fft.Coefficients(nil, a), fft.Coefficients(nil, b)
		for k := range sum {
			sum[k] += y[k] * complex(real(x[k]), -imag(x[k]))
		}
	}
	corr := fft.Sequence(nil, sum)[:max(1, wide-bins+1)]

	best, mean, dev := 0, 0.0, 0.0
	for k, v := range corr {
		mean += v / float64(len(corr))
		if v > corr[best] {
			best = k
		}
	}
	for _, v := range corr {
		dev += (v - mean) * (v - mean) / float64(len(corr))
	}

	// A beat that both sides have fits at each of its strokes.
	const apart = 10
	second := math.Inf(-1)
	for k, v := range corr {
		if k < best-apart || k > best+apart {
			second = max(second, v)
		}
	}
	ok = corr[best]-mean > 6*math.Sqrt(dev) && second < 0.8*corr[best]
	return time.Duration(best-before) * coarseBin, from, ok
}

// count adds one to bin k of bins, up to binCap.
func count(bins []float64, k int, ok bool) {
	if ok && k >= 0 && k < len(bins) {
		bins[k] = min(bins[k]+1, binCap)
	}
}

// centered takes the mean off: else a long capture would fit everywhere.
func centered(v []float64) {
	var mean float64
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for i := range v {
		v[i] -= mean
	}
}

// busiest is the stretch of at most coarseSpan with most packets inside.
func (pr *pairer) busiest() (from, to time.Duration) {
	best, lo := 0, 0
	for hi := range pr.exposed {
		for pr.timeIn(hi)-pr.timeIn(lo) > coarseSpan {
			lo++
		}
		if hi-lo+1 > best {
			best, from, to = hi-lo+1, pr.timeIn(lo), pr.timeIn(hi)
		}
	}
	return from, to
}

// timeIn is when the k-th packet that leaves was seen inside.
func (pr *pairer) timeIn(k int) time.Duration { return pr.inner.Packets[pr.exposed[k]].Time }

// point is a packet's time inside and how much later it may have been seen outside.
type point struct {
	at, late time.Duration
	dir      datasets.Dir
}

// track follows the offset from one segment to the next, forward and backward from
// the one that begins at from, and returns the likeliest delays of each.
func (pr *pairer) track(offset, from time.Duration) []point {
	var out []point
	for _, step := range []time.Duration{segment, -segment} {
		now, at, gap := offset, from, 0
		if step < 0 {
			at += step
		}
		for ; at < pr.inner.End && at > -segment; at += step {
			// A segment that was silent leaves room for the drift of two.
			within := 2*coarseBin + time.Duration(maxDrift*float64(segment)*float64(gap+1))
			late, points, ok := pr.segment(at, now, within)
			if gap++; ok {
				now, gap = late, 0
				out = append(out, points...)
			}
		}
	}
	return out
}

// segment finds the commonest delay of the packets inside from at on, near now.
func (pr *pairer) segment(at, now, within time.Duration) (late time.Duration, near []point, ok bool) {
	var all []point
	for _, lines := range [][]line{pr.flows, pr.tunnel} {
		for _, l := range lines {
			in := pr.inner.Packets
			lo := sort.Search(len(l.in), func(k int) bool { return in[l.in[k]].Time >= at })
			first := sort.Search(len(l.out), func(k int) bool { return pr.outer.Packets[l.out[k]].Time >= at+now-within })
			for _, i := range l.in[lo:] {
				p := in[i]
				if p.Time >= at+segment {
					break
				}
				for first < len(l.out) && pr.outer.Packets[l.out[first]].Time < p.Time+now-within {
					first++
				}
				for k := first; k < len(l.out) && len(all) <= mostPairs && pr.outer.Packets[l.out[k]].Time <= p.Time+now+within; k++ {
					all = append(all, point{p.Time, pr.outer.Packets[l.out[k]].Time - p.Time, p.Dir})
				}
			}
		}
	}
	if len(all) < 10 || len(all) > mostPairs {
		return 0, nil, false
	}

	// The narrowest bin that holds most of what the next wider one holds: a fixed
	// delay fills one of a millisecond, a jitter needs as many as it is wide.
	var late0 []time.Duration
	for _, x := range all {
		late0 = append(late0, x.late)
	}
	slices.Sort(late0)
	widths := []time.Duration{time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 125 * time.Millisecond}
	width, begin, n := widths[3], time.Duration(0), 0
	for k := len(widths) - 1; k >= 0; k-- {
		b, m := fullest(late0, widths[k])
		if k < len(widths)-1 && float64(m) < 0.6*float64(n) {
			break
		}
		width, begin, n = widths[k], b, m
	}
	if n < 5 || float64(n) < 3*float64(len(all))*float64(width)/float64(2*within) {
		return 0, nil, false
	}
	for _, x := range all {
		if x.late >= begin && x.late <= begin+width {
			near = append(near, x)
		}
	}
	return begin + width/2, near, true
}

// fullest is where a stretch of that width begins that holds most of the times,
// which ascend, and how many those are.
func fullest(times []time.Duration, width time.Duration) (begin time.Duration, most int) {
	lo := 0
	for hi := range times {
		for times[hi]-times[lo] > width {
			lo++
		}
		if hi-lo+1 > most {
			most, begin = hi-lo+1, times[lo]
		}
	}
	return begin, most
}

// fitClock is what is left to correct of the clock, by the delays of pairs.
func (pr *pairer) fitClock(of []int32) (Clock, bool) {
	var points []point
	for j, i := range of {
		if i >= 0 {
			p := pr.inner.Packets[i]
			points = append(points, point{p.Time, pr.outer.Packets[j].Time - p.Time, p.Dir})
		}
	}
	return fitLine(points)
}

// fitLine is the offset and drift of least squares through delays, each direction
// with a level of its own, after what lies far off was left out: chance pairs.
func fitLine(points []point) (Clock, bool) {
	const rounds = 6
	level, slope := [2]float64{}, 0.0
	kept := points
	for range rounds {
		if len(kept) < 10 {
			return Clock{}, false
		}
		var n, mx, my [2]float64
		for _, p := range kept {
			n[p.dir]++
			mx[p.dir] += p.at.Seconds()
			my[p.dir] += p.late.Seconds()
		}
		for d := range n {
			mx[d], my[d] = mx[d]/max(n[d], 1), my[d]/max(n[d], 1)
		}
		var xx, xy float64
		for _, p := range kept {
			x := p.at.Seconds() - mx[p.dir]
			xx, xy = xx+x*x, xy+x*(p.late.Seconds()-my[p.dir])
		}
		if slope = 0; xx > 0 {
			slope = xy / xx
		}
		for d := range level {
			level[d] = my[d] - slope*mx[d]
		}

		// Three deviations, by the median of their sizes, and a microsecond that
		// clocks of captures count in.
		off := make([]float64, len(points))
		for i, p := range points {
			off[i] = math.Abs(p.late.Seconds() - level[p.dir] - slope*p.at.Seconds())
		}
		sorted := slices.Sorted(slices.Values(off))
		limit := max(3*1.4826*sorted[len(sorted)/2], 1e-6)
		kept = nil
		for i, p := range points {
			if off[i] <= limit {
				kept = append(kept, p)
			}
		}
	}
	if math.Abs(slope) > maxDrift {
		slope = 0
	}
	offset := level[datasets.Up]
	if !slices.ContainsFunc(kept, func(p point) bool { return p.dir == datasets.Up }) {
		offset = level[datasets.Down]
	}
	return Clock{Offset: time.Duration(offset * 1e9), Drift: slope, Found: true}, true
}
