package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
)

// full writes a number so that reading it gives the same number.
func full(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// fixed writes v with n digits after the point, without a minus before zero.
func fixed(v float64, n int) string {
	s := strconv.FormatFloat(v, 'f', n, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return s
}

// score writes a share of 1 with two digits. Rounding makes neither a leak
// look like none nor an error look like perfection.
func score(v float64) string {
	switch {
	case math.IsNaN(v):
		return "n/a"
	case v > 0 && v < 0.005:
		return "<0.01"
	case v < 1 && v >= 0.995:
		return ">0.99"
	}
	return fixed(v, 2)
}

// bounds writes an interval with the given number of digits after the point,
// rounded outward: what is printed holds what was computed.
func bounds(lo, hi float64, digits int, format func(float64) string) string {
	return fmt.Sprintf("[%s %s]", format(-upTo(-lo, digits)), format(upTo(hi, digits)))
}

// upTo is the smallest number of n digits after the point that is not below v,
// but for what floating point adds to a number of so few digits.
func upTo(v float64, n int) float64 {
	unit := math.Pow(10, float64(n))
	return math.Ceil(v*unit-1e-9) / unit
}

// short is a share with two digits, no zero before the point.
func short(v float64) string {
	s := fixed(v, 2)
	if s == "1.00" {
		return "1"
	}
	if s == "0.00" {
		return "0"
	}
	return strings.Replace(s, "0.", ".", 1)
}

// digits writes v with at most n significant digits and no exponent, never
// fewer digits than its whole part has.
func digits(v float64, n int) string {
	a := math.Abs(v)
	if a == 0 || math.IsNaN(v) {
		return "0"
	}
	whole := int(math.Floor(math.Log10(a))) + 1
	s := fixed(v, min(max(n-whole, 0), 9))
	return group(s)
}

// group puts commas between thousands.
func group(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, has := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if has {
		whole += "." + frac
	}
	return sign + whole
}

// percent writes a ratio with its sign: +38 %.
func percent(v float64) string {
	s := digits(100*v, 2)
	if s == "0" {
		return "0 %"
	}
	if v > 0 {
		s = "+" + s
	}
	return s + " %"
}

// seconds writes a time with its unit, to no less than a hundredth of a
// millisecond.
func seconds(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0 ms"
	case a < 1:
		return hundredths(1000*v) + " ms"
	}
	return digits(v, 2) + " s"
}

// hundredths writes v with two significant digits, none below a hundredth.
func hundredths(v float64) string {
	switch {
	case v > 0 && v < 0.01:
		return "<0.01"
	case v > -0.1 && v < 0.1:
		return fixed(v, 2)
	}
	return digits(v, 2)
}

// amount writes a number of no unit: whole numbers whole, others with three
// significant digits.
func amount(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return group(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return digits(v, 3)
}

// pValue writes a p-value; neither a figure above 0.05 nor one below it is
// rounded to it.
func pValue(p float64) string {
	switch {
	case p < 0.001:
		return "<0.001"
	case p > 0.05 && p < 0.0505:
		return ">0.050"
	case p < 0.05 && p >= 0.0495:
		return "<0.050"
	}
	return fixed(p, 3)
}

// interval is the only place where reports ask for an interval over groups.
// ok is false below stats.MinGroups.
func interval(groups []float64) (lo, hi float64, ok bool) {
	return stats.Interval(groups, results.Level)
}
