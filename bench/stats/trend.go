package stats

import (
	"math"
	"slices"
)

// fewestTrend is how many figures a trend takes: of fewer no order is rare enough.
const fewestTrend = 5

// Trend is how much y grows from one figure to the next, the median of the slopes of
// all pairs (Theil and Sen), and the two-sided p-value of Mann's and Kendall's test
// that it grows at all: exact without ties, by the normal distribution with them. ok
// is false for fewer than five figures.
func Trend(y []float64) (slope, p float64, ok bool) {
	n := len(y)
	if n < fewestTrend {
		return 0, 1, false
	}
	var slopes []float64
	s := 0 // pairs that grow less those that shrink
	for i := range y {
		for j := i + 1; j < n; j++ {
			slopes = append(slopes, (y[j]-y[i])/float64(j-i))
			switch {
			case y[j] > y[i]:
				s++
			case y[j] < y[i]:
				s--
			}
		}
	}
	return Quantile(slopes, 0.5), kendallP(y, s), true
}

// kendallP is the two-sided p-value of a sum of signs of all pairs of y.
func kendallP(y []float64, s int) float64 {
	n := len(y)
	runs := map[float64]int{}
	for _, v := range y {
		runs[v]++
	}
	if len(runs) == n {
		return exactKendall(n, s)
	}

	// Kendall's variance, less what tied figures take from it; a half is the
	// correction for a sum that only takes every other whole number.
	pairs := func(k int) float64 { return float64(k * (k - 1) * (2*k + 5)) }
	v := pairs(n)
	for _, k := range runs {
		v -= pairs(k)
	}
	if v <= 0 || s == 0 {
		return 1
	}
	z := (math.Abs(float64(s)) - 1) / math.Sqrt(v/18)
	return math.Erfc(z / math.Sqrt2)
}

// exactKendall counts orders of n different figures by their inversions: of k figures
// those with i inversions are the sum of those of k-1 with i, i-1, ... i-k+1, as the
// k-th goes into k places. As shares of all orders they do not overflow.
func exactKendall(n, s int) float64 {
	most := n * (n - 1) / 2
	share := []float64{1}
	for k := 2; k <= n; k++ {
		next := make([]float64, k*(k-1)/2+1)
		for i := range next {
			for j := max(0, i-k+1); j <= min(i, len(share)-1); j++ {
				next[i] += share[j] / float64(k)
			}
		}
		share = next
	}

	// A sum of s leaves (most - |s|) / 2 pairs on the rarer side.
	p := 0.0
	for i := 0; i <= (most-abs(s))/2; i++ {
		p += share[i]
	}
	return min(1, 2*p)
}

func abs(n int) int { return max(n, -n) }

// Quantile is the figure below which a share q of x lies, between two of them by a
// straight line (the usual definition of spreadsheets, R's type 7). x is not empty.
func Quantile(x []float64, q float64) float64 {
	v := slices.Sorted(slices.Values(x))
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
