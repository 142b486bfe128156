package rates

import (
	"cmp"
	"math"
	"slices"
	"time"

	"veilbench/datasets"
)

// rateBin is a bin in which something was sent.
type rateBin struct {
	index       int64
	up, down    int64 // bytes of frames
	first, last time.Duration
	z           float64 // by how many scales the bytes exceed the median
}

// binnedRates is the rate of some packets in bins of one width. Empty bins are
// counted and not stored, so a week at one second costs what its traffic does.
type binnedRates struct {
	width         time.Duration
	bins          []rateBin
	count         int64 // of bins up to the end of the trace, empty ones too
	median, scale float64
}

// binRates sums packets, which are in order of time, over bins up to t.End and
// sets the baseline: the median of the bytes in a bin and the median absolute
// deviation from it, times 1.4826 to agree with the standard deviation of a
// normal distribution, but at least 1 byte.
func binRates(t datasets.Trace, packets []int32, width time.Duration) binnedRates {
	b := binnedRates{width: width, count: int64(t.End/width) + 1}
	edge, last := time.Duration(-1), -1 // where the newest bin ends, and its index
	for _, i := range packets {
		p := t.Packets[i]
		// Comparing with the edge spares a division for each packet.
		if p.Time >= edge || last < 0 {
			n := int64(p.Time / width)
			edge = time.Duration(n+1) * width
			b.bins = append(b.bins, rateBin{index: n, first: p.Time})
			last = len(b.bins) - 1
		}

		bin := &b.bins[last]
		bin.last = p.Time
		if p.Dir == datasets.Up {
			bin.up += int64(p.Size)
		} else {
			bin.down += int64(p.Size)
		}
	}
	b.baseline()
	return b
}

// baseline sets median and scale from all bins, the empty ones too, and z.
func (b *binnedRates) baseline() {
	values := make([]float64, len(b.bins))
	for i, bin := range b.bins {
		values[i] = float64(bin.up + bin.down)
	}
	b.median = sparseMedian(values, 0, b.count)

	// An empty bin is as far from the median as the median from 0.
	for i := range values {
		values[i] = math.Abs(values[i] - b.median)
	}
	b.scale = max(1, 1.4826*sparseMedian(values, b.median, b.count))
	b.setZ()
}

// setZ measures every bin by the baseline.
func (b *binnedRates) setZ() {
	for i, bin := range b.bins {
		b.bins[i].z = (float64(bin.up+bin.down) - b.median) / b.scale
	}
}

// rateBaseline is what a rate is without events, in bytes a bin.
type rateBaseline struct{ median, scale float64 }

// usualBaseline is that of the trace in the middle of all.
func usualBaseline(all []binnedRates) rateBaseline {
	base := make([]rateBaseline, len(all))
	for i, b := range all {
		base[i] = rateBaseline{b.median, b.scale}
	}
	slices.SortFunc(base, func(a, b rateBaseline) int {
		return cmp.Or(cmp.Compare(a.median, b.median), cmp.Compare(a.scale, b.scale))
	})
	return base[(len(base)-1)/2]
}

// wholeTrace is by how many scales the median of a trace may exceed the usual
// one before the trace as a whole counts as raised.
const wholeTrace = 8

// rebase measures a trace that a state fills against the usual baseline: its
// own would make the state look like rest.
func (b *binnedRates) rebase(usual rateBaseline) {
	if b.median > usual.median+wholeTrace*usual.scale {
		b.median, b.scale = usual.median, usual.scale
		b.setZ()
	}
}

// sparseMedian is the lower median of n values of which all but the given ones
// equal rest. It sorts values.
func sparseMedian(values []float64, rest float64, n int64) float64 {
	slices.Sort(values)
	at := (n - 1) / 2

	// In the order of all n, the others lie together before the first value that
	// is not below rest; at falls before, into or behind them.
	below, _ := slices.BinarySearch(values, rest)
	others := max(0, n-int64(len(values)))
	switch {
	case at < int64(below):
		return values[at]
	case at < int64(below)+others:
		return rest
	case at-others < int64(len(values)):
		return values[at-others]
	}
	return rest
}

// raisedRate is an interval of raised rate.
type raisedRate struct {
	start, end       time.Duration // packets; start is the first in a bin above the upper threshold
	peak             float64       // largest z
	peakUp, peakDown float64       // bytes/s
	bytes            float64
}

// track finds the intervals in which z stays at or above lo, gaps of at most
// gap bridged: a two-threshold state track. Those that reach hi are events;
// the others are returned too, for the operating curve. bins may hold only
// those at or above lo.
func (b binnedRates) track(bins []rateBin, lo, hi float64, gap time.Duration) []raisedRate {
	var out []raisedRate
	last := time.Duration(math.MinInt64)
	for _, bin := range bins {
		if bin.z < lo {
			continue
		}
		if len(out) == 0 || bin.first-last > gap {
			out = append(out, raisedRate{start: bin.first, peak: math.Inf(-1)})
		}

		// What leads up to an event may be raised a little for long (heartbeats
		// that fall together): the event begins where hi is first reached.
		r := &out[len(out)-1]
		if r.peak < hi && bin.z >= hi {
			r.start = bin.first
		}

		s := b.width.Seconds()
		r.peak = max(r.peak, bin.z)
		r.peakUp, r.peakDown = max(r.peakUp, float64(bin.up)/s), max(r.peakDown, float64(bin.down)/s)
		r.bytes += float64(bin.up + bin.down)
		r.end = bin.last
		last = bin.last
	}
	return out
}

// vector is what activities are told apart by: the logarithms of peak up, peak
// down, bytes and duration.
func (r raisedRate) vector() [4]float64 {
	return [4]float64{math.Log1p(r.peakUp), math.Log1p(r.peakDown), math.Log1p(r.bytes), math.Log1p((r.end - r.start).Seconds())}
}

// interval is a stretch of time.
type interval struct{ Start, End time.Duration }
