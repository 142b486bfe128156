package tables

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
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
