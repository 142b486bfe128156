package maybenot

import (
	"fmt"
	"math"
)

// DistKind is a family of distributions.
type DistKind uint8

// The distributions, in the order of their numbers in a string.
const (
	Uniform DistKind = iota
	Normal
	SkewNormal
	LogNormal
	Binomial
	Geometric
	Pareto
	Poisson
	Weibull
	Gamma
	Beta
	numDists
)

// String is the name of the distribution, as Maybenot has it.
func (k DistKind) String() string {
	return name(int(k), "Uniform", "Normal", "SkewNormal", "LogNormal", "Binomial", "Geometric",
		"Pareto", "Poisson", "Weibull", "Gamma", "Beta")
}

// Params are the names of the distribution's parameters, in their order in a
// string and in Dist.Params. Those of Binomial's trials are whole numbers.
func (k DistKind) Params() []string {
	switch k {
	case Uniform:
		return []string{"low", "high"}
	case Normal:
		return []string{"mean", "stdev"}
	case SkewNormal:
		return []string{"location", "scale", "shape"}
	case LogNormal:
		return []string{"mu", "sigma"}
	case Binomial:
		return []string{"trials", "probability"}
	case Geometric:
		return []string{"probability"}
	case Poisson:
		return []string{"lambda"}
	// Scale first for all three: that of Gamma is often written second.
	case Pareto, Weibull, Gamma:
		return []string{"scale", "shape"}
	case Beta:
		return []string{"alpha", "beta"}
	}
	return nil
}

// Dist is a distribution: a draw of its kind, plus Start, at least 0, and at most
// Max unless that is 0.
type Dist struct {
	Kind DistKind
	// Params are as many as Kind has.
	Params     [3]float64
	Start, Max float64
}

// Constant is always that value, and draws nothing.
func Constant(value float64) Dist { return Dist{Start: value} }

// sample draws one value, never negative and always finite.
func (d *Dist) sample(r *random) float64 {
	x := d.raw(r) + d.Start
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	x = max(0, x)

	// A Max of NaN is no limit, as it is not above 0.
	if d.Max > 0 {
		x = min(x, d.Max)
	}
	return x
}

// raw draws from the distribution alone.
func (d *Dist) raw(r *random) float64 {
	a, b := d.Params[0], d.Params[1]
	switch d.Kind {
	case Uniform:
		if a == b {
			return a // no draw: a constant leaves the generator as it is
		}
		return r.between(a, b)
	case Normal:
		return a + b*r.normal()
	case LogNormal:
		return math.Exp(a + b*r.normal())
	case SkewNormal:
		// The larger and the smaller of two normals, weighted by the shape, are skew
		// normal (Ghorbanzadeh et al. 2014).
		x, y, c := r.normal(), r.normal(), d.Params[2]
		z := ((1+c)*max(x, y) + (1-c)*min(x, y)) / math.Sqrt(2*(1+c*c))
		return a + b*z
	case Binomial:
		return r.binomial(a, b)
	case Geometric:
		return r.geometric(a)
	case Pareto:
		return a * math.Pow(r.open(), -1/b)
	case Poisson:
		return r.poisson(a)
	case Weibull:
		return a * math.Pow(-math.Log(r.open()), 1/b)
	case Gamma:
		return a * r.gamma(b)
	default: // Beta: a gamma's share of two
		x, y := r.gamma(a), r.gamma(b)
		return x / (x + y)
	}
}

// check says what is wrong with the parameters, nil for nothing. The rules are
// Maybenot's, with its gaps: Start and Max may be anything.
func (d *Dist) check() error {
	a, b, c := d.Params[0], d.Params[1], d.Params[2]
	finite := func(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }

	ok := true
	switch d.Kind {
	case Uniform:
		ok = finite(a) && finite(b) && a <= b && finite(b-a)
	case Normal, LogNormal:
		ok = finite(b)
	case SkewNormal:
		ok = finite(b) && b > 0 && finite(c)
	case Binomial:
		// Tiny probabilities and many trials made samplers hang.
		ok = a >= 0 && a <= 1e9 && a == math.Trunc(a) && (b == 0 || b >= 1e-9) && b <= 1
	case Geometric:
		ok = (a == 0 || a >= 1e-9) && a <= 1
	case Pareto, Weibull, Gamma, Beta:
		ok = a > 0 && b > 0
	case Poisson:
		ok = a > 0 && a <= 1.844e19
	default:
		return fmt.Errorf("distribution %d is not known", d.Kind)
	}
	if !ok {
		return fmt.Errorf("%v%v is out of range", d.Kind, d.Params[:len(d.Kind.Params())])
	}
	return nil
}
