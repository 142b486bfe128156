// Package draw makes the random draws of the generator, all in integers, so
// that the same seed gives the same bytes on every platform: fused
// multiply-add and the assembly of math.Exp differ between them.
//
// Read this file first: generators, uniform, normal and exponential numbers.
// value.go has the distributions that the profiles of devices are written in.
package draw

import (
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
)

// Million is the unit of probabilities and weights.
const Million = 1_000_000

// New returns a generator that depends on the seed and on the names of what it
// is for, and on nothing else: adding a device or an event class leaves the
// others' draws as they are.
func New(seed uint64, purpose ...string) *rand.Rand {
	h := Hash(purpose...)
	return rand.New(rand.NewPCG(seed^h, bits.RotateLeft64(h, 29)+0x9e3779b97f4a7c15))
}

// Hash is FNV-1a over the parts, each closed by a zero byte, so that "a", "bc"
// and "ab", "c" differ.
func Hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// Between returns a uniform integer in [lo, hi]. Without room between them it
// returns lo and takes nothing from r.
func Between(r *rand.Rand, lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	return lo + r.Int64N(hi-lo+1)
}

// PPM turns a probability, a weight or a rate of a profile into millionths.
func PPM(p float64) int64 { return int64(p*Million + 0.5) }

// Chance is true with probability p, which counts in whole millionths.
func Chance(r *rand.Rand, p float64) bool {
	return r.Int64N(Million) < PPM(p)
}

// Normal returns a standard normal deviate times 65536: the sum of twelve
// 16-bit uniforms (Irwin-Hall), which has variance 1 and reaches six standard
// deviations.
func Normal(r *rand.Rand) int64 {
	var sum int64
	for range 3 {
		u := r.Uint64()
		sum += int64(u&0xffff + u>>16&0xffff + u>>32&0xffff + u>>48)
	}
	return sum - 6*65535
}

// ScaleExp2 returns x times 2 to the power of e / 2^32, rounded down; x is not
// negative. The result must fit 63 bits; the relative error is below 2e-5.
func ScaleExp2(x, e int64) int64 {
	whole, f := e>>32, uint64(uint32(e))

	// Horner's rule for 2^f, f in [0, 1) with 32 fractional bits: the
	// coefficients are ln(2)^n / n! times 2^32 for n from 6 down to 1. Each is
	// below 2^32, and so is f, so no product leaves 64 bits; the last step adds
	// the 1 of n = 0, which brings p into [2^32, 2^33).
	p := uint64(0)
	for _, c := range [...]uint64{661_607, 5_726_800, 41_309_551, 238_388_333, 1_031_764_990, 2_977_044_472} {
		p = (p*f)>>32 + c
	}
	p = (p*f)>>32 + 1<<32

	// x * p has 128 bits with the point 32 bits from the right; the whole part
	// of the exponent shifts them.
	hi, lo := bits.Mul64(uint64(x), p)
	switch {
	case whole >= 0:
		hi, lo = hi<<uint(whole)|lo>>(64-uint(whole)), lo<<uint(whole)
	case whole > -64:
		hi, lo = hi>>uint(-whole), lo>>uint(-whole)|hi<<(64-uint(-whole))
	default:
		return 0
	}
	return int64(hi<<32 | lo>>32)
}
