package forest

import (
	"math"
	"math/bits"
	"slices"
)

// cutSample is how many values of a column the quantiles are taken from.
const cutSample = 65536

// columnCuts returns at most maxBins-1 cuts of a column: midpoints between
// neighboring values where there are few, else quantiles.
func (r *radix) columnCuts(column []float32) []float32 {
	if cuts, ok := binaryCut(column); ok {
		return cuts
	}
	step := (len(column) + cutSample - 1) / cutSample
	r.keys = r.keys[:0]
	for i := 0; i < len(column); i += step {
		if v := column[i]; v == v { // not NaN
			r.keys = append(r.keys, uint32(orderedBits(v)))
		}
	}
	s := r.sort()

	// One value stands for each bin: the median of its 256th part. A value that
	// is more frequent than that would stand twice.
	u := make([]uint32, 0, maxBins)
	for i, v := range s {
		if i > 0 && v == s[i-1] {
			continue
		}
		if len(u) == maxBins {
			u = u[:0]
			for b := range maxBins {
				u = append(u, s[(2*b+1)*len(s)/(2*maxBins)])
			}
			u = slices.Compact(u)
			break
		}
		u = append(u, v)
	}

	cuts := make([]float32, 0, len(u))
	for i := 1; i < len(u); i++ {
		cuts = append(cuts, cutBetween(floatOf(u[i-1]), floatOf(u[i])))
	}
	return cuts
}

// radix sorts ordered bits of floats; it is one worker's scratch.
type radix struct{ keys, other []uint32 }

// radixDigit is how many bits a pass of the sort looks at: three passes for 32.
const radixDigit = 11

// sort sorts the keys and returns them. Many are counted by their digits, lowest first,
// which takes a few steps a key whatever their number; the digits of all passes are
// counted at once, since sorting changes no count.
func (r *radix) sort() []uint32 {
	if len(r.keys) < 1<<radixDigit/4 {
		slices.Sort(r.keys)
		return r.keys
	}

	const mask = 1<<radixDigit - 1
	var count [3][mask + 1]uint32
	for _, k := range r.keys {
		count[0][k&mask]++
		count[1][k>>radixDigit&mask]++
		count[2][k>>(2*radixDigit)]++
	}
	if cap(r.other) < len(r.keys) {
		r.other = make([]uint32, len(r.keys), cap(r.keys))
	}
	r.other = r.other[:len(r.keys)]
	for pass := range count {
		at, sum := &count[pass], uint32(0)
		for d, n := range at {
			at[d] = sum // where the next key of this digit goes
			sum += n
		}
		for _, k := range r.keys {
			d := k >> (pass * radixDigit) & mask
			r.other[at[d]] = k
			at[d]++
		}
		r.keys, r.other = r.other, r.keys
	}
	return r.keys
}

// binaryCut is columnCuts of a column of at most two values, neither of them NaN,
// which most columns of a packet are: it needs no order. ok is false for others.
func binaryCut(column []float32) (cuts []float32, ok bool) {
	a := column[0]
	i := 1
	for i < len(column) && column[i] == a {
		i++
	}
	if i == len(column) {
		return nil, a == a
	}

	b := column[i]
	for _, v := range column[i:] {
		if v != a && v != b {
			return nil, false
		}
	}
	return []float32{cutBetween(min(a, b), max(a, b))}, a == a
}

// cutBetween is a cut with the lower value below it and the higher one above it.
func cutBetween(low, high float32) float32 {
	c := low + (high-low)/2
	if c >= high || c != c { // the two are neighbors, or infinite
		return low
	}
	return c
}

// binOf is the number of cuts below v.
func binOf(cuts []float32, v float32) uint8 {
	lo, hi := 0, len(cuts)
	for lo < hi {
		if m := int(uint(lo+hi) >> 1); cuts[m] < v {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return uint8(lo)
}

// binColumn writes the bin of every value to dst and returns it. It searches as
// binOf does, without branches that the processor would guess wrong half of
// the time, and many values at once where there are vectors.
func binColumn(dst []uint8, cuts, column []float32) []uint8 {
	dst = dst[:len(column)]
	if len(cuts) <= 1 {
		clear(dst)
		for _, c := range cuts {
			for i, v := range column {
				var b uint8
				if v > c {
					b = 1
				}
				dst[i] = b
			}
		}
		return dst
	}

	n := vectorBins(dst, cuts, column)
	if rest := column[n:]; len(rest) < 32 {
		for i, v := range rest { // too few to lay out the cuts for
			dst[n+i] = binOf(cuts, v)
		}
	} else {
		plainBins(dst[n:], cuts, rest)
	}
	return dst
}

// plainBins is binColumn without vectors.
//
// Cuts and values are 32-bit numbers in 64 bits that order as the floats do,
// padded to 256 cuts with the largest. k is the number of cuts known to be
// below the value. For each power of two s, cut k+s-1 minus the value borrows
// from the upper half exactly if the cut is the lower one; all upper bits are
// then ones, and s is added. The first s is that which so many cuts need.
func plainBins(dst []uint8, cuts, column []float32) {
	var pad [maxBins]uint64
	for i := range pad {
		pad[i] = math.MaxUint32
		if i < len(cuts) {
			pad[i] = orderedBits(cuts[i])
		}
	}
	top := uint64(1) << bits.Len(uint(len(cuts))) / 2
	for i, v := range column {
		u, k := orderedBits(v), uint64(0)
		for s := top; s > 0; s >>= 1 {
			k += s & ((pad[uint8(k+s-1)] - u) >> 32)
		}
		dst[i] = uint8(k)
	}
}

// layOutCuts puts the cuts in the order in which a search comes to them, padded to
// 256 with infinity, which is below nothing. A step of s looks at cut k+s-1 with k a
// multiple of 2s: those of the steps of 16 and more make up one vector, as cuts 15,
// 31, 47 and so on, and each lower s has 128/s places of its own.
func layOutCuts(cuts []float32) (table [maxBins]float32) {
	cut := func(i int) float32 {
		if i < len(cuts) {
			return cuts[i]
		}
		return float32(math.Inf(1))
	}
	for i := range 16 {
		table[i] = cut(16*i + 15)
	}
	at := 16
	for s := 8; s > 0; s /= 2 {
		for i := range 128 / s {
			table[at+i] = cut(2*s*i + s - 1)
		}
		at += 128 / s
	}
	return table
}

// orderedBits is a number of 32 bits that is less where v is; NaN is the least.
// Floats of one sign order as their bits do, negative ones the other way round:
// the sign bit is turned in all, the others in negative ones.
func orderedBits(v float32) uint64 {
	if v != v {
		return 0
	}
	b := int32(math.Float32bits(v + 0)) // -0 becomes 0
	return uint64(uint32(b ^ (b>>31 | math.MinInt32)))
}

// floatOf is the float whose orderedBits are given.
func floatOf(ordered uint32) float32 {
	b := int32(ordered)
	return math.Float32frombits(uint32(b ^ (^b>>31 | math.MinInt32)))
}
