package draw

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// form is how a value is drawn.
type form uint8

const (
	fixed     form = iota // always lo
	uniform               // an integer in [lo, hi]
	choice                // one of choices
	lognormal             // around median, at most most
)

// Value is a number, a range or a distribution, in whatever integer unit its
// user counts: bytes, packets, nanoseconds. The zero Value is always 0.
type Value struct {
	form    form
	lo, hi  int64
	choices []Weighted
	total   int64 // sum of the weights of choices
	median  int64
	sigma   int64
	most    int64
}

// Weighted is one possible value and its weight, which only counts relative to
// the others'.
type Weighted struct{ Value, Weight int64 }

// Fixed is always v and takes nothing from a generator.
func Fixed(v int64) Value { return Value{lo: v, hi: v} }

// Uniform is every integer of [lo, hi] equally often.
func Uniform(lo, hi int64) Value { return Value{form: uniform, lo: lo, hi: hi} }

// Choice is one of the values in list, which it keeps. Their order is part of
// the draw: the same choices in another order give other values.
func Choice(list ...Weighted) Value {
	v := Value{form: choice, choices: list}
	for _, c := range list {
		v.total += c.Weight
	}
	return v
}

// Lognormal is median times 2 to the power of a normal deviate with standard
// deviation sigma / 65536; larger draws become most, unless that is 0. The 90th
// percentile p is at sigma = 65536 * log2(p/median) / 1.2816.
func Lognormal(median, sigma, most int64) Value {
	return Value{form: lognormal, median: median, sigma: sigma, most: most}
}

// Draw returns one value.
func (v Value) Draw(r *rand.Rand) int64 {
	switch v.form {
	case uniform:
		return Between(r, v.lo, v.hi)
	case choice:
		n := r.Int64N(v.total)
		for _, c := range v.choices {
			if n -= c.Weight; n < 0 {
				return c.Value
			}
		}
	case lognormal:
		x := ScaleExp2(v.median, Normal(r)*v.sigma)
		if v.most > 0 {
			x = min(x, v.most)
		}
		return x
	}
	return v.lo
}

// Median is the median of a lognormal value, 0 for all others.
func (v Value) Median() int64 { return v.median }

// Intervals lists what v can be, both ends included; nil for a lognormal value,
// which can be anything.
func (v Value) Intervals() [][2]int64 {
	switch v.form {
	case fixed, uniform:
		return [][2]int64{{v.lo, v.hi}}
	case choice:
		var out [][2]int64
		for _, c := range v.choices {
			out = append(out, [2]int64{c.Value, c.Value})
		}
		return out
	}
	return nil
}

// Names are names with weights, of which one is drawn.
type Names []weightedName

// weightedName is one possible name and its weight relative to the others'.
type weightedName struct {
	Name   string
	Weight int64
}

// Habit is how one home uses what homes use with the given weights: each weight
// is bent by up to a half, for no two homes are alike.
func Habit(weights map[string]float64, r *rand.Rand) Names {
	var out Names
	for name, w := range weights { // sorted below
		out = append(out, weightedName{name, int64(w*1000 + 0.5)})
	}

	// The map's order must not decide which name gets which draw.
	slices.SortFunc(out, func(a, b weightedName) int { return strings.Compare(a.Name, b.Name) })
	for i := range out {
		out[i].Weight *= Between(r, 500, 1500)
	}
	return out
}

// Draw returns one of the names, or "" without a draw where there is none.
func (n Names) Draw(r *rand.Rand) string {
	var total int64
	for _, x := range n {
		total += x.Weight
	}
	if total == 0 {
		return ""
	}

	at := r.Int64N(total)
	for _, x := range n {
		if at -= x.Weight; at < 0 {
			return x.Name
		}
	}
	return ""
}
