package home

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// form is how a value is drawn.
type form uint8

const (
	fixed   form = iota // always lo
	uniform             // an integer in [lo, hi]
	choice              // one of choices
	lognorm             // median med, spread sig, at most max
	named               // filled in by the firmware
	rtt                 // one round trip of the flow
)

// value is a figure of the profile: a number, a range or a distribution, in
// bytes, packets or nanoseconds.
type value struct {
	form    form
	lo, hi  int64 // fixed, uniform
	choices []weighted
	total   int64  // sum of weights
	med     int64  // lognormal
	sig     int64  // sigma * log2(e) * 65536
	max     int64  // 0: none
	name    string // named
}

// weighted is one possible value and its weight in millionths.
type weighted struct{ v, weight int64 }

// plain returns the value that is always v.
func plain(v int64) value { return value{lo: v, hi: v} }

// draw returns one value. Named values and round trips must be resolved first.
func (v *value) draw(r *rand.Rand) int64 {
	switch v.form {
	case uniform:
		return between(r, v.lo, v.hi)
	case choice:
		n := r.Int64N(v.total)
		for _, c := range v.choices {
			if n -= c.weight; n < 0 {
				return c.v
			}
		}
	case lognorm:
		x := scaleExp2(v.med, normal(r)*v.sig)
		if v.max > 0 {
			x = min(x, v.max)
		}
		return x
	}
	return v.lo
}

// all lists the values a length can take; ranges give their ends.
func (v *value) all() []int64 {
	switch v.form {
	case fixed, uniform:
		return []int64{v.lo, v.hi}
	case choice:
		var out []int64
		for _, c := range v.choices {
			out = append(out, c.v)
		}
		return out
	}
	return nil
}

// length is a value in bytes or packets.
type length struct{ value }

// span is a value in seconds, kept as nanoseconds. A plain number other than
// 0 is a median with the spread of gaps.
type span struct{ value }

const second = 1_000_000_000

// UnmarshalYAML reads any of the forms described in profile.go.
func (l *length) UnmarshalYAML(dec func(any) error) error {
	var x any
	if err := dec(&x); err != nil {
		return err
	}
	return l.parse(x, 1)
}

// UnmarshalYAML reads any of the forms described in profile.go.
func (s *span) UnmarshalYAML(dec func(any) error) error {
	var x any
	if err := dec(&x); err != nil {
		return err
	}
	if err := s.parse(x, second); err != nil {
		return err
	}
	if s.form == named && s.name == "rtt" {
		s.form = rtt
	}
	if s.form == fixed && s.lo > 0 {
		// Measured spreads inside events are 10 to 60 % of the median: a
		// lognormal with sigma 0.25, cut at three sigma.
		s.value = value{form: lognorm, med: s.lo, sig: 23637, max: s.lo * 2117 / 1000}
	}
	return nil
}

func (v *value) parse(x any, unit float64) error {
	switch x := x.(type) {
	case string:
		*v = value{form: named, name: x}
		return nil
	case []any:
		if len(x) != 2 {
			return fmt.Errorf("range %v: want [lo, hi]", x)
		}
		lo, err1 := number(x[0], unit)
		hi, err2 := number(x[1], unit)
		if err1 != nil || err2 != nil || lo > hi {
			return fmt.Errorf("range %v: want [lo, hi]", x)
		}
		*v = value{form: uniform, lo: lo, hi: hi}
		return nil
	case map[string]any:
		return v.parseMap(x, unit)
	}
	n, err := number(x, unit)
	*v = plain(n)
	return err
}

func (v *value) parseMap(m map[string]any, unit float64) error {
	if c, ok := m["v"].(map[string]any); ok {
		return v.parseChoice(c, unit)
	}
	get := func(key string) int64 {
		n, err := number(m[key], unit)
		if err != nil {
			return 0
		}
		return n
	}
	switch {
	case m["dist"] == "lognormal":
		med, p90 := get("med"), get("p90")
		if med <= 0 || p90 < med {
			return fmt.Errorf("lognormal %v: want 0 < med <= p90", m)
		}
		sigma := math.Log2(float64(p90)/float64(med)) / 1.2816
		*v = value{form: lognorm, med: med, sig: int64(math.Round(sigma * 65536)), max: get("max")}
	case m["dist"] == "uniform":
		*v = value{form: uniform, lo: get("lo"), hi: get("hi")}
	case m["mean"] != nil:
		mean, jitter := get("mean"), get("jitter")
		*v = value{form: uniform, lo: mean - jitter, hi: mean + jitter}
	default:
		return fmt.Errorf("value %v: want v, dist or mean", m)
	}
	return nil
}

func (v *value) parseChoice(c map[string]any, unit float64) error {
	*v = value{form: choice}
	for k, w := range c { // sorted below
		x, err := strconv.ParseFloat(k, 64)
		if err != nil {
			return fmt.Errorf("choice %q: want a number", k)
		}
		weight, err := number(w, million)
		if err != nil || weight <= 0 {
			return fmt.Errorf("choice %q: weight %v is not positive", k, w)
		}
		v.choices = append(v.choices, weighted{int64(math.Round(x * unit)), weight})
		v.total += weight
	}
	slices.SortFunc(v.choices, func(a, b weighted) int { return int(a.v - b.v) })
	return nil
}

func number(x any, unit float64) (int64, error) {
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
