package maybenot

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// random draws what machines need from a source of 64-bit words. Uniform draws are
// made as Maybenot makes them, so that machines of those alone, Pareto and Weibull
// come out bit for bit the same from the same source; the other samplers are
// textbook ones, of the same distributions.
type random struct {
	src rand.Source
	rng *rand.Rand // of src, for normal draws
}

func newRandom(src rand.Source) random { return random{src, rand.New(src)} }

// share is uniform in [0,1) on a grid of 2^23, for transitions.
func (r *random) share() float32 { return float32(r.src.Uint64()>>41) * (1.0 / (1 << 23)) }

// between is uniform in [low, high). The conversion keeps the compiler from fusing
// product and sum, which would round once where Maybenot rounds twice.
func (r *random) between(low, high float64) float64 {
	u := float64(r.src.Uint64()>>12) * (1.0 / (1 << 52))
	return float64(u*(high-low)) + low
}

// open is uniform in (0,1]: its logarithm is finite.
func (r *random) open() float64 { return (float64(r.src.Uint64()>>11) + 1) * (1.0 / (1 << 53)) }

func (r *random) normal() float64 { return r.rng.NormFloat64() }

// geometric counts failures before the first success of that probability. A
// probability of 0 never succeeds.
func (r *random) geometric(p float64) float64 {
	switch {
	case p <= 0:
		return math.MaxUint64
	case p >= 1:
		return 0
	}
	return math.Floor(math.Log(r.open()) / math.Log1p(-p))
}

// gamma draws with that shape and scale 1 (Marsaglia and Tsang 2000).
func (r *random) gamma(shape float64) float64 {
	if shape < 1 {
		// A gamma of shape + 1 times a power of a uniform has this shape.
		return r.gamma(shape+1) * math.Pow(r.open(), 1/shape)
	}
	if math.IsInf(shape, 1) {
		return shape // its sampler would not end
	}

	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.normal()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if math.Log(r.open()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// poisson halves its mean by gamma arrivals until it is small (Ahrens and Dieter
// 1974): the m-th arrival comes at a gamma of shape m, and if that is after the mean
// those before it are binomial, else the rest is Poisson again.
func (r *random) poisson(mean float64) float64 {
	sum := 0.0
	for mean > 12 {
		if mean > 1e12 {
			// Nobody can tell it from a normal one.
			return sum + math.Round(max(0, mean+math.Sqrt(mean)*r.normal()))
		}
		m := math.Floor(mean * 7 / 8)
		at := r.gamma(m)
		if at > mean {
			return sum + r.binomial(m-1, mean/at)
		}
		sum += m
		mean -= at
	}

	// Arrivals of rate 1 up to the mean, as a product of uniforms.
	for limit, product := math.Exp(-mean), r.open(); product > limit; product *= r.open() {
		sum++
	}
	return sum
}

// binomial halves the trials by the median of their uniforms, which is beta
// distributed (Relles 1972), until few are left to count.
func (r *random) binomial(trials, p float64) float64 {
	hits := 0.0
	for trials > 24 {
		// The i-th smallest of the uniforms. Those before it are all below it, and
		// those behind it uniform above.
		i := math.Floor((trials + 1) / 2)
		x, y := r.gamma(i), r.gamma(trials+1-i)
		at := x / (x + y)
		if at <= p {
			hits += i
			trials -= i
			p = (p - at) / (1 - at)
		} else {
			trials = i - 1
			p /= at
		}
	}
	for range int(trials) {
		if r.open() <= p {
			hits++
		}
	}
	return hits
}

// Xoshiro is the generator of Maybenot's seeded simulator, xoshiro256** of Blackman
// and Vigna: from its seed a Simulation of machines with uniform, Pareto and Weibull
// draws alone comes out as there. It is a rand.Source.
type Xoshiro struct{ s [4]uint64 }

// NewXoshiro fills the generator's state with four words of SplitMix64 from seed.
func NewXoshiro(seed uint64) *Xoshiro {
	var x Xoshiro
	for i := range x.s {
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		x.s[i] = z ^ z>>31
	}
	return &x
}

// Uint64 is the next word of the generator.
func (x *Xoshiro) Uint64() uint64 {
	s := &x.s
	result := bits.RotateLeft64(s[1]*5, 7) * 9
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = bits.RotateLeft64(s[3], 45)
	return result
}
