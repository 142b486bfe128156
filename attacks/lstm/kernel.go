package lstm

// Kernel is a class of machine code: plain Go, or assembly with vectors of 8 or
// 16 values. Results are the same byte for byte on all machines of one GOARCH
// and one class, and the same with AVX2 and AVX-512: these take the same fused
// multiplications and additions in the same order for each value, only more
// values at once. Between values of GOARCH they may differ in the last bits, as
// those of math.Exp do.
type Kernel uint8

// The kernel classes, slowest first.
const (
	kernelPlain Kernel = iota
	kernelAVX2
	kernelAVX512
)

// String returns the class's name as manifests of results have it.
func (k Kernel) String() string { return [...]string{"plain", "avx2", "avx512"}[k] }

// Best returns the fastest kernel class this machine can run.
func Best() Kernel { return kernels()[0] }

// The fast kernels check no bounds: each method below slices or touches what its
// kernel will read and write, and panics before it would go beyond an end.

// tiles computes C[8 rows][32 columns] += A[8 rows][k] B[k][32 columns], rows and
// columns being numbers of tiles. A(i, kk) is a[i*ra+kk*ca], B is panels of 32 columns
// without gaps that begin panel values apart, C has rows of ldc values.
func (kr Kernel) tiles(rows, columns, k int, a []float32, ra, ca int, b []float32, panel int, c []float32, ldc int) {
	_ = a[(rows*tileM-1)*ra+(k-1)*ca]
	_ = b[(columns-1)*panel+k*tileN-1]
	_ = c[(rows*tileM-1)*ldc+columns*tileN-1]
	if kr != kernelPlain {
		kr.fastTiles(rows, columns, k, a, ra, ca, b, panel, c, ldc)
		return
	}
	for j := range columns {
		for i := 0; i < rows*tileM; i += tileM {
			plainTile(k, a[i*ra:], ra, ca, b[j*panel:], c[i*ldc+j*tileN:], ldc)
		}
	}
}

// cells runs one LSTM cell of h units, a multiple of 16, for so many windows. g holds
// the four gates i, f, z, o before their activation, h values each one after the
// other, and is overwritten with them activated:
//
//	i, f, o by the sigmoid, z by tanh
//	c  = i z + f cprev
//	tc = tanh c
//	y  = o tc
//
// What windows have follows each other, but for outputs, which are ldy values apart.
func (kr Kernel) cells(rows, h int, g, cprev, c, tc, y []float32, ldy int) {
	g, cprev, c, tc, y = g[:4*rows*h], cprev[:rows*h], c[:rows*h], tc[:rows*h], y[:(rows-1)*ldy+h]
	if kr != kernelPlain {
		kr.fastCells(rows, h, g, cprev, c, tc, y, ldy)
		return
	}
	for r := range rows {
		plainCell(h, g[4*r*h:], cprev[r*h:], c[r*h:], tc[r*h:], y[r*ldy:])
	}
}

// cellsBack is the gradient of cells. g holds the activated gates and is
// overwritten with the gradient of what went into them; dy is the gradient of
// the output; dc is the gradient of the cell state, from the next step on
// entry and for the previous step on return. With d = dc + dy o (1 - tc^2), the
// whole gradient of c,
//
//	i' = d z     i (1 - i)
//	f' = d cprev f (1 - f)
//	z' = d i     (1 - z^2)
//	o' = dy tc   o (1 - o)
//	dc = d f
func (kr Kernel) cellsBack(rows, h int, g, cprev, tc, dy, dc []float32, ldy int) {
	g, cprev, tc, dy, dc = g[:4*rows*h], cprev[:rows*h], tc[:rows*h], dy[:(rows-1)*ldy+h], dc[:rows*h]
	if kr != kernelPlain {
		kr.fastCellsBack(rows, h, g, cprev, tc, dy, dc, ldy)
		return
	}
	for r := range rows {
		plainCellBack(h, g[4*r*h:], cprev[r*h:], tc[r*h:], dy[r*ldy:], dc[r*h:])
	}
}

// softmax turns the first k of v, logits, into probabilities and clears the rest of
// the last 16 values. It returns the largest logit and the sum of exp(logit -
// largest), which the loss needs. Relative to the largest, because exp of a large
// logit overflows.
func (kr Kernel) softmax(k int, v []float32) (top, sum float32) {
	v = v[:(k+15)&^15]
	if kr != kernelPlain {
		return kr.fastSoftmax(k, v)
	}
	clear(v[k:])
	return plainSoftmax(v[:k])
}

// drop draws a mask and applies it: of mask, those with 16 bits below limit become
// zero and the others factor, and out is in times mask. All have the same length, a
// multiple of 16; bits hold four draws in a word, the lowest first.
func (kr Kernel) drop(out, mask, in []float32, bits []uint64, limit uint32, factor float32) {
	mask, in, bits = mask[:len(out)], in[:len(out)], bits[:len(out)/4]
	if kr != kernelPlain && len(out) > 0 {
		kr.fastDrop(out, mask, in, bits, limit, factor)
		return
	}
	for i := range out {
		mask[i] = factor
		if uint16(bits[i/4]>>(i%4*16)) < uint16(limit) {
			mask[i] = 0
		}
		out[i] = in[i] * mask[i]
	}
}

// mul computes dst *= src, of any length as add does.
func (kr Kernel) mul(dst, src []float32) {
	src = src[:len(dst)]
	if kr == kernelPlain || len(dst) == 0 || len(dst)%16 != 0 {
		for i, v := range src {
			dst[i] *= v
		}
		return
	}
	kr.fastMul(dst, src)
}

// add computes dst += src. The fast kernel has no tail: where the length is no
// multiple of 16 it is plain Go, with the same bytes, as one addition has only
// one way to round.
func (kr Kernel) add(dst, src []float32) {
	src = src[:len(dst)]
	if kr == kernelPlain || len(dst) == 0 || len(dst)%16 != 0 {
		for i, v := range src {
			dst[i] += v
		}
		return
	}
	kr.fastAdd(dst, src)
}

// gather sets dst, a multiple of 64 values, to the sum of rows of a table, of which
// there is at least one: those that begin at the places given, added in order.
func (kr Kernel) gather(dst, table []float32, at []int32) {
	for _, i := range at {
		_ = table[i:][len(dst)-1]
	}
	if kr != kernelPlain {
		kr.fastGather(dst, table, at)
		return
	}
	copy(dst, table[at[0]:])
	for _, i := range at[1:] {
		kr.add(dst, table[i:])
	}
}

// scatter adds src, a multiple of 64 values, to the rows of a table that begin at
// the places given and do not overlap.
func (kr Kernel) scatter(table []float32, at []int32, src []float32) {
	for _, i := range at {
		_ = table[i:][len(src)-1]
	}
	if kr != kernelPlain {
		kr.fastScatter(table, at, src)
		return
	}
	for _, i := range at {
		kr.add(table[i:][:len(src)], src)
	}
}

// squares is the sum of the squares of a. It adds in four lanes, which is faster than
// one and as exact: a square of a float32 is exact as a float64, so that all classes
// give the same bytes.
func (kr Kernel) squares(a []float32) float64 {
	var s [4]float64
	if n := len(a) &^ 3; kr != kernelPlain && n > 0 {
		kr.fastSquares(a[:n], &s)
		a = a[n:]
	}
	for len(a) >= 4 {
		for j, x := range a[:4] {
			s[j] += float64(x) * float64(x)
		}
		a = a[4:]
	}
	for _, x := range a {
		s[0] += float64(x) * float64(x)
	}
	return s[0] + s[1] + s[2] + s[3]
}

// adam applies one step of Adam to w: m and v are the moments, g the gradient
// times scale, lr and vs the step size and the factor of v with the bias
// corrections inside. The last len(w)%16 parameters are taken by plain Go, which
// rounds differently, but does so for every fast class.
func (kr Kernel) adam(w, m, v, g []float32, scale, lr, vs float32) {
	m, v, g = m[:len(w)], v[:len(w)], g[:len(w)]
	n := 0
	if kr != kernelPlain {
		if n = len(w) &^ 15; n > 0 {
			kr.fastAdam(w[:n], m, v, g, scale, lr, vs)
		}
	}
	plainAdam(w[n:], m[n:], v[n:], g[n:], scale, lr, vs)
}
