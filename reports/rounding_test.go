package reports

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var printedNumber = regexp.MustCompile(`^([<>]?)([+-]?[0-9,]*\.?[0-9]+)( %| ms|)`)

// printed says whether text is v to the digits that it shows: off by at most
// half of the last one, or on the side that a sign in front says.
func printed(text string, v float64) error {
	m := printedNumber.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q is no number", text)
	}
	shown, err := strconv.ParseFloat(strings.ReplaceAll(m[2], ",", ""), 64)
	if err != nil {
		return err
	}
	unit := 1.0
	if _, frac, ok := strings.Cut(m[2], "."); ok {
		unit = math.Pow(10, -float64(len(frac)))
	}
	scale := map[string]float64{"": 1, " %": 0.01, " ms": 0.001}[m[3]]
	shown, unit = shown*scale, unit*scale
	switch {
	case m[1] == "<" && v > 0 && v < shown, m[1] == ">" && v > shown, m[1] == "" && math.Abs(v-shown) <= unit/2*(1+1e-9):
		return nil
	}
	return fmt.Errorf("%q is printed for %v", text, v)
}

var printedBounds = regexp.MustCompile(`\[([^ ]+) ([^ ]+)\]`)

// holds says whether the bounds in text hold lo and hi and are less than a
// hundredth wider.
func holds(text string, lo, hi float64) error {
	m := printedBounds.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q shows no interval", text)
	}
	l, err1 := strconv.ParseFloat(m[1], 64)
	h, err2 := strconv.ParseFloat(m[2], 64)
	if err1 != nil || err2 != nil || l > lo+1e-9 || l < lo-0.01 || h < hi-1e-9 || h > hi+0.01 {
		return fmt.Errorf("%q is printed for [%v %v]", text, lo, hi)
	}
	return nil
}

// Rounding makes no failure a pass: a bound or a p-value never looks better
// than it is.
func TestRoundingIsNoPass(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0.2004, 0.2004, "[.20 .21]"}, // not below a budget of 0.20
		{0.196, 0.996, "[.19 1]"},
		{0.2, 0.3, "[.20 .30]"}, // exact stays
		{0.1 + 0.2, 0.7, "[.30 .70]"},
		{0.001, 0.004, "[0 .01]"},
		{0, 1, "[0 1]"},
	} {
		if got := bounds(c.lo, c.hi, 2, short); got != c.want {
			t.Errorf("[%v %v] is printed as %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
	if got := bounds(-0.001, 0.001, 2, signed); got != "[-0.01 +0.01]" {
		t.Errorf("an interval about 0 is printed as %s", got)
	}
	for p, want := range map[float64]string{0.0499: "<0.050", 0.05: "0.050", 0.0501: ">0.050", 0.0625: "0.062", 0.0004: "<0.001", 0.0494: "0.049"} {
		if got := pValue(p); got != want {
			t.Errorf("p = %v is printed as %s, want %s", p, got, want)
		}
	}
	for v, want := range map[float64]string{0.0004: "+0.0004", -0.0004: "-0.0004", 0: "0.00", 0.2: "+0.20"} {
		if got := signed(v); got != want {
			t.Errorf("a difference of %v is printed as %s, want %s", v, got, want)
		}
	}
	for _, c := range []struct {
		limit float64
		want  string
	}{{0.2, "FAIL 0.2004"}, {0.2004, "pass"}} {
		vs, err := NewSet(gateResults(0.2004, 0.2004, 0.2004), Options{}).Gate(Budget{AllTasks: limit(c.limit)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		word, digits, _ := strings.Cut(c.want, " ")
		if (word == "pass") != vs[0].OK || !strings.Contains(vs[0].Detail, digits) {
			t.Errorf("advantage 0.2004 against %v: %+v, want %s", c.limit, vs[0], c.want)
		}
	}
}
