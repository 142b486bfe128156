package cost

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// subBits is how many bits after the leading one a bin keeps: a bin is at most
// 1/1024 (0.1 %) of its values wide, and values below 2.048 us are exact.
const subBits = 10

// histogram counts times in logarithmic bins that are the same everywhere, so
// histograms merge exactly in any order. Each bin also holds the sum of its
// values; a quantile is the mean of the values in the bin it falls into, and
// so is exact when they are equal and never wrong by more than the bin's
// width.
type histogram struct {
	bins []bin // in order, none empty
	max  time.Duration
}

type bin struct {
	at  int32
	n   int64
	sum int64 // nanoseconds
}

// binOf numbers the bin of a time, which is not negative.
func binOf(d time.Duration) int32 {
	u := uint64(d)
	shift := max(0, bits.Len64(u)-subBits-1)
	return int32(shift<<subBits + int(u>>shift))
}

// newHistogram counts times; negative ones count as 0. It may reorder them.
func newHistogram(times []time.Duration) histogram {
	var h histogram
	slices.Sort(times)
	for _, d := range times {
		d = max(d, 0)

		at := binOf(d)
		if n := len(h.bins); n == 0 || h.bins[n-1].at != at {
			h.bins = append(h.bins, bin{at: at})
		}

		b := &h.bins[len(h.bins)-1]
		b.n++
		b.sum += int64(d)
		h.max = d
	}
	return h
}

// add merges g into h.
func (h *histogram) add(g histogram) {
	out := make([]bin, 0, len(h.bins)+len(g.bins))
	a, b := h.bins, g.bins
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].at < b[0].at:
			out, a = append(out, a[0]), a[1:]
		case a[0].at > b[0].at:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, bin{a[0].at, a[0].n + b[0].n, a[0].sum + b[0].sum})
			a, b = a[1:], b[1:]
		}
	}

	h.bins = append(append(out, a...), b...)
	h.max = max(h.max, g.max)
}

func (h histogram) count() int64 {
	var n int64
	for _, b := range h.bins {
		n += b.n
	}
	return n
}

// mean in seconds, 0 of nothing.
func (h histogram) mean() float64 {
	n := h.count()
	if n == 0 {
		return 0
	}
	var sum float64
	for _, b := range h.bins {
		sum += float64(b.sum) / 1e9
	}
	return sum / float64(n)
}

// quantile in seconds: the smallest value with at least a share q of all at or
// below it, 0 of nothing.
func (h histogram) quantile(q float64) float64 {
	n := h.count()
	if n == 0 {
		return 0
	}
	rank := max(1, int64(math.Ceil(q*float64(n)-1e-9)))
	for _, b := range h.bins {
		if rank -= b.n; rank <= 0 {
			return float64(b.sum) / float64(b.n) / 1e9
		}
	}
	return h.max.Seconds()
}

// parts are n quantiles in seconds, up to the largest time, to four digits:
// bins are no finer. Nil when all times are 0.
func (h histogram) parts(n int) []float64 {
	total := h.count()
	if total == 0 || h.max == 0 {
		return nil
	}

	out := make([]float64, 0, n)
	var below int64
	for _, b := range h.bins {
		below += b.n

		mean := float64(b.sum) / float64(b.n) / 1e9
		// The k-th needs ceil(k*total/n) times at or below it.
		for k := int64(len(out) + 1); len(out) < n && (k*total+int64(n)-1)/int64(n) <= below; k++ {
			out = append(out, fourDigits(mean))
		}
	}
	return out
}

// fourDigits rounds to four significant digits.
func fourDigits(v float64) float64 {
	if v <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-3)
	if unit >= 1 {
		return math.Round(v/unit) * unit
	}
	return math.Round(v/unit) / math.Round(1/unit) // 1/unit is whole, so this is the nearest to the decimal
}
