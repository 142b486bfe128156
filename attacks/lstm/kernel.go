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

// tile computes C[8][32] += A[8][k] B[k][32]. A(i, kk) is a[i*ra+kk*ca], B is
// a panel of 32 columns without gaps, C has rows of ldc values.
func (kr Kernel) tile(k int, a []float32, ra, ca int, b, c []float32, ldc int) {
	_ = a[(tileM-1)*ra+(k-1)*ca]
	_ = b[k*tileN-1]
	_ = c[(tileM-1)*ldc+tileN-1]
	if kr == kernelPlain {
		plainTile(k, a, ra, ca, b, c, ldc)
		return
	}
	kr.fastTile(k, a, ra, ca, b, c, ldc)
}

// cell runs one LSTM cell of h units, a multiple of 16. g holds the four gates i,
// f, z, o before their activation, h values each one after the other, and is
// overwritten with them activated:
//
//	i, f, o by the sigmoid, z by tanh
//	c  = i z + f cprev
//	tc = tanh c
//	y  = o tc
func (kr Kernel) cell(h int, g, cprev, c, tc, y []float32) {
	g, cprev, c, tc, y = g[:4*h], cprev[:h], c[:h], tc[:h], y[:h]
	if kr == kernelPlain {
		plainCell(h, g, cprev, c, tc, y)
		return
	}
	kr.fastCell(h, g, cprev, c, tc, y)
}

// cellBack is the gradient of cell. g holds the activated gates and is
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
func (kr Kernel) cellBack(h int, g, cprev, tc, dy, dc []float32) {
	g, cprev, tc, dy, dc = g[:4*h], cprev[:h], tc[:h], dy[:h], dc[:h]
	if kr == kernelPlain {
		plainCellBack(h, g, cprev, tc, dy, dc)
		return
	}
	kr.fastCellBack(h, g, cprev, tc, dy, dc)
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
