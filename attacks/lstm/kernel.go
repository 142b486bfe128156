package lstm

// Kernel is a class of machine code. Results are the same byte for byte on all
// machines of one GOARCH and one class, and on AVX2 and AVX512. Between values
// of GOARCH they may differ in the last bits, as those of math.Exp do.
type Kernel uint8

// The kernel classes, slowest first.
const (
	Plain Kernel = iota
	AVX2
	AVX512
)

// String returns the class's name.
func (k Kernel) String() string { return [...]string{"plain", "avx2", "avx512"}[k] }

// Best returns the fastest kernel class this machine can run.
func Best() Kernel {
	ks := Kernels()
	return ks[0]
}

// tile computes C[8][32] += A[8][k] B[k][32]. A(i, kk) is a[i*ra+kk*ca], B is
// a panel of 32 columns without gaps, C has rows of ldc values.
func (kr Kernel) tile(k int, a []float32, ra, ca int, b, c []float32, ldc int) {
	_ = a[(tileM-1)*ra+(k-1)*ca]
	_ = b[k*tileN-1]
	_ = c[(tileM-1)*ldc+tileN-1]
	if kr == Plain {
		plainTile(k, a, ra, ca, b, c, ldc)
		return
	}
	kr.fastTile(k, a, ra, ca, b, c, ldc)
}

// cell runs one LSTM cell of h units. g holds the four gates before their
// activation and is overwritten with them activated; c becomes the new cell
// state, tc its tanh and y the output.
func (kr Kernel) cell(h int, g, cprev, c, tc, y []float32) {
	g, cprev, c, tc, y = g[:4*h], cprev[:h], c[:h], tc[:h], y[:h]
	if kr == Plain {
		plainCell(h, g, cprev, c, tc, y)
		return
	}
	kr.fastCell(h, g, cprev, c, tc, y)
}

// cellBack is the gradient of cell. g holds the activated gates and is
// overwritten with the gradient of what went into them; dy is the gradient of
// the output; dc is the gradient of the cell state, from the next step on
// entry and for the previous step on return.
func (kr Kernel) cellBack(h int, g, cprev, tc, dy, dc []float32) {
	g, cprev, tc, dy, dc = g[:4*h], cprev[:h], tc[:h], dy[:h], dc[:h]
	if kr == Plain {
		plainCellBack(h, g, cprev, tc, dy, dc)
		return
	}
	kr.fastCellBack(h, g, cprev, tc, dy, dc)
}

// add computes dst += src, fast where the length is a multiple of 16.
func (kr Kernel) add(dst, src []float32) {
	src = src[:len(dst)]
	if kr == Plain || len(dst) == 0 || len(dst)%16 != 0 {
		for i, v := range src {
			dst[i] += v
		}
		return
	}
	kr.fastAdd(dst, src)
}

// adam applies one step of Adam to w: m and v are the moments, g the gradient
// times scale, lr and vs the step size and the factor of v with the bias
// corrections inside.
func (kr Kernel) adam(w, m, v, g []float32, scale, lr, vs float32) {
	m, v, g = m[:len(w)], v[:len(w)], g[:len(w)]
	n := 0
	if kr != Plain {
		if n = len(w) &^ 15; n > 0 {
			kr.fastAdam(w[:n], m, v, g, scale, lr, vs)
		}
	}
	plainAdam(w[n:], m[n:], v[n:], g[n:], scale, lr, vs)
}
