package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"veilbench/datasets/home/draw"
)

const second = int64(time.Second)

// Length is a number of bytes or packets.
type Length struct {
	draw.Value
	// Name is set where the firmware of the device fills the length in: "req"
	// or "resp". The Value is 0 then.
	Name string
}

// Span is a time in seconds, drawn in nanoseconds. A number alone is a median
// with the spread that was measured, but for 0.
type Span struct {
	draw.Value
	// RTT stands for one round trip of the flow. The Value is 0 then.
	RTT bool
}

// UnmarshalYAML reads a figure in any of the forms that the package comment
// lists, or a name.
func (l *Length) UnmarshalYAML(dec func(any) error) error {
	var x any
	if err := dec(&x); err != nil {
		return err
	}
	if name, ok := x.(string); ok {
		l.Name = name
		return nil
	}

	var err error
	l.Value, err = parseFigure(x, 1)
	return err
}

// UnmarshalYAML reads a figure in any of the forms that the package comment
// lists, or "rtt".
func (s *Span) UnmarshalYAML(dec func(any) error) error {
	var x any
	if err := dec(&x); err != nil {
		return err
	}
	if x == "rtt" {
		s.RTT = true
		return nil
	}

	// Measured spreads inside events are 10 to 60 % of the median: a lognormal
	// with sigma 0.25, which is 23637 / 65536 in base 2, cut at three sigma.
	if median, err := parseNumber(x, float64(second)); err == nil && median > 0 {
		s.Value = draw.Lognormal(median, 23637, median*2117/1000)
		return nil
	}

	var err error
	s.Value, err = parseFigure(x, float64(second))
	return err
}

// parseFigure reads a figure whose numbers count in units.
func parseFigure(x any, unit float64) (draw.Value, error) {
	switch x := x.(type) {
	case []any:
		if len(x) != 2 {
			return draw.Value{}, fmt.Errorf("range %v: want [lo, hi]", x)
		}
		lo, err1 := parseNumber(x[0], unit)
		hi, err2 := parseNumber(x[1], unit)
		if err1 != nil || err2 != nil || lo > hi {
			return draw.Value{}, fmt.Errorf("range %v: want [lo, hi]", x)
		}
		return draw.Uniform(lo, hi), nil
	case map[string]any:
		return parseMap(x, unit)
	}

	n, err := parseNumber(x, unit)
	return draw.Fixed(n), err
}

func parseMap(m map[string]any, unit float64) (draw.Value, error) {
	if c, ok := m["v"].(map[string]any); ok {
		return parseChoice(c, unit)
	}

	// What is missing is 0: max and jitter may be left out, and a lognormal
	// without the others is refused below.
	get := func(key string) int64 {
		n, err := parseNumber(m[key], unit)
		if err != nil {
			return 0
		}
		return n
	}

	switch {
	case m["dist"] == "lognormal":
		med, p90 := get("med"), get("p90")
		if med <= 0 || p90 < med {
			return draw.Value{}, fmt.Errorf("lognormal %v: want 0 < med <= p90", m)
		}
		// 1.2816 is the 90th percentile of the normal distribution.
		sigma := math.Log2(float64(p90)/float64(med)) / 1.2816
		return draw.Lognormal(med, int64(math.Round(sigma*65536)), get("max")), nil
	case m["dist"] == "uniform":
		return draw.Uniform(get("lo"), get("hi")), nil
	case m["mean"] != nil:
		mean, jitter := get("mean"), get("jitter")
		return draw.Uniform(mean-jitter, mean+jitter), nil
	}
	return draw.Value{}, fmt.Errorf("value %v: want v, dist or mean", m)
}

func parseChoice(c map[string]any, unit float64) (draw.Value, error) {
	var list []draw.Weighted
	for k, w := range c { // sorted below
		x, err := strconv.ParseFloat(k, 64)
		if err != nil {
			return draw.Value{}, fmt.Errorf("choice %q: want a number", k)
		}
		weight, err := parseNumber(w, draw.Million)
		if err != nil || weight <= 0 {
			return draw.Value{}, fmt.Errorf("choice %q: weight %v is not positive", k, w)
		}
		list = append(list, draw.Weighted{Value: int64(math.Round(x * unit)), Weight: weight})
	}

	// A YAML mapping has no order, and the order is part of the draw.
	slices.SortFunc(list, func(a, b draw.Weighted) int { return int(a.Value - b.Value) })
	return draw.Choice(list...), nil
}

// parseNumber reads x as a number of units, rounded to a whole one.
func parseNumber(x any, unit float64) (int64, error) {
	var f float64
	switch x := x.(type) {
	case int:
		f = float64(x)
	case int64:
		f = float64(x)
	case uint64:
		f = float64(x)
	case float64:
		f = x
	default:
		return 0, fmt.Errorf("%v is not a number", x)
	}
	return int64(math.Round(f * unit)), nil
}

// Hours are quantiles of a time of day or of a duration, in hours.
type Hours struct {
	P10 float64 `yaml:"p10"`
	P50 float64 `yaml:"p50"`
	P90 float64 `yaml:"p90"`
}

// Draw returns nanoseconds, on whole seconds: normal on each side of the
// median, each with its own spread, cut at two standard deviations.
func (q Hours) Draw(r *rand.Rand) int64 {
	z := max(min(draw.Normal(r), 2*65536), -2*65536)
	side := q.P90 - q.P50
	if z < 0 {
		side = q.P50 - q.P10
	}
	// 83989 is 1.2816 times 65536: the 90th percentile.
	return int64(q.P50*3600)*second + z*int64(side*3600)/83989*second
}
