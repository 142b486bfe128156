package home

import (
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
)

// All draws are made in integers, so that the same seed gives the same bytes
// on every platform: fused multiply-add and the assembly of math.Exp differ
// between them.

// newRand returns a generator that depends on the seed and on the names of
// what it is for, and on nothing else: adding a device or an event class
// leaves the others' draws as they are.
func newRand(seed uint64, parts ...string) *rand.Rand {
	h := hash(parts...)
	return rand.New(rand.NewPCG(seed^h, bits.RotateLeft64(h, 29)+0x9e3779b97f4a7c15))
}

// hash is FNV-1a over the parts, each closed by a zero byte.
func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}

// between returns a uniform integer in [lo, hi].
func between(r *rand.Rand, lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	return lo + r.Int64N(hi-lo+1)
}

// million is the unit of probabilities.
const million = 1_000_000

// chance is true with probability ppm millionths.
func chance(r *rand.Rand, ppm int64) bool {
	return r.Int64N(million) < ppm
}

// normal returns a standard normal deviate times 65536: the sum of twelve
// 16-bit uniforms (Irwin-Hall), which reaches six standard deviations.
func normal(r *rand.Rand) int64 {
	var sum int64
	for range 3 {
		u := r.Uint64()
		sum += int64(u&0xffff + u>>16&0xffff + u>>32&0xffff + u>>48)
	}
	return sum - 6*65535
}

// scaleExp2 returns x times 2 to the power of e / 2^32, rounded down; x is not
// negative.
func scaleExp2(x, e int64) int64 {
	whole := e >> 32
	f := uint64(uint32(e))
	// Taylor series of 2^f with coefficients ln(2)^n / n! times 2^32; the error
	// is below 2e-5.
	p := uint64(0)
	for _, c := range [...]uint64{661_607, 5_726_800, 41_309_551, 238_388_333, 1_031_764_990, 2_977_044_472} {
		p = (p*f)>>32 + c
	}
	p = (p*f)>>32 + 1<<32
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
