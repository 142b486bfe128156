package table

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The functions below write numbers for people. Rounding never makes a number
// look like a special one that it is not: a leak is not printed as none, a
// failure not as a pass, and an interval holds what was computed.

// Full writes a number so that reading it gives the same number.
func Full(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Fixed writes v with n digits after the point, without a minus before zero.
func Fixed(v float64, n int) string {
	s := strconv.FormatFloat(v, 'f', n, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return s
}

// Score writes a share of 1 with two digits; what is above 0 or below 1 is
// never printed as 0 or 1.
func Score(v float64) string {
	switch {
	case math.IsNaN(v):
		return "n/a"
	case v > 0 && v < 0.005:
		return "<0.01"
	case v < 1 && v >= 0.995:
		return ">0.99"
	}
	return Fixed(v, 2)
}

// Bounds writes an interval with the given number of digits after the point,
// rounded outward: what is printed holds what was computed.
func Bounds(lo, hi float64, digits int, format func(float64) string) string {
	return fmt.Sprintf("[%s %s]", format(-upTo(-lo, digits)), format(upTo(hi, digits)))
}

// upTo is the smallest number of n digits after the point that is not below v,
// but for what floating point adds to a number of so few digits.
func upTo(v float64, n int) float64 {
	unit := math.Pow(10, float64(n))
	return math.Ceil(v*unit-1e-9) / unit
}

// Short is a share with two digits, no zero before the point.
func Short(v float64) string {
	s := Fixed(v, 2)
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
	return Group(Fixed(v, min(max(n-whole, 0), 9)))
}

// Group puts commas between the thousands of a written number.
func Group(s string) string {
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

// Percent writes a ratio with its sign: +38 %.
func Percent(v float64) string {
	s := digits(100*v, 2)
	if s == "0" {
		return "0 %"
	}
	return plus(v) + s + " %"
}

// plus is the sign of a number above zero.
func plus(v float64) string {
	if v > 0 {
		return "+"
	}
	return ""
}

// Seconds writes a time with its unit, to no less than a hundredth of a
// millisecond.
func Seconds(v float64) string {
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
		return Fixed(v, 2)
	}
	return digits(v, 2)
}

// Volume writes an amount of traffic, such as GB per month, with two
// significant digits, none below a hundredth.
func Volume(v float64) string {
	if v == 0 {
		return "0"
	}
	return hundredths(v)
}

// Amount writes a number of no unit: whole numbers whole, others with three
// significant digits.
func Amount(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return Group(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return digits(v, 3)
}

// Ratio writes a ratio or a number of seconds with three significant digits,
// none beyond a thousandth.
func Ratio(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case v > 0 && v < 0.0005:
		return "<0.001"
	case a < 1:
		return Fixed(v, 3)
	}
	return digits(v, 3)
}

// Three writes what papers print: shares with three digits after the point,
// other figures with three in all.
func Three(v float64) string {
	if v < -1 || v > 1 {
		return digits(v, 3)
	}
	return Fixed(v, 3)
}

// SignedThree is Three with a plus before what is above zero.
func SignedThree(v float64) string { return plus(v) + Three(v) }

// Signed writes a difference of shares: with two digits, and as many more as
// it takes to tell it from none.
func Signed(v float64) string {
	s := Fixed(v, 2)
	for n := 3; v != 0 && strings.Trim(s, "-0.") == "" && n <= 9; n++ {
		s = Fixed(v, n)
	}
	return plus(v) + s
}

// PValue writes a p-value; neither a figure above 0.05 nor one below it is
// rounded to it.
func PValue(p float64) string {
	switch {
	case p < 0.001:
		return "<0.001"
	case p > 0.05 && p < 0.0505:
		return ">0.050"
	case p < 0.05 && p >= 0.0495:
		return "<0.050"
	}
	return Fixed(p, 3)
}

// Superscript writes a whole number above 0 as the sign of a footnote.
func Superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	out := ""
	for ; n > 0; n /= 10 {
		out = string(digits[n%10]) + out
	}
	return out
}
