package lstm

import "math"

// The plain kernels say what the fast ones compute, without vectors or tails.
// They round every product before it is added (the conversions keep compilers
// from fusing the two), so they give the same bytes for every GOARCH; the fast
// ones fuse and differ in the last bits.

// plainTile takes the products of a sum in order of kk, as the fast ones do.

func plainTile(k int, a []float32, ra, ca int, b, c []float32, ldc int) {
	for i := range tileM {
		ci := (*[tileN]float32)(c[i*ldc:])
		for kk := range k {
			x := a[i*ra+kk*ca]
			bk := (*[tileN]float32)(b[kk*tileN:])
			for j := range bk {
				ci[j] += float32(x * bk[j])
			}
		}
	}
}

// Coefficients of 2^f = 1 + f ln2 + ... for |f| <= 1/2, the Taylor series of
// degree 5; the worst relative error is 2.4e-6.
const (
	exp1 = 0x1.62e430p-1
	exp2 = 0x1.ebfbe0p-3
	exp3 = 0x1.c6b08ep-5
	exp4 = 0x1.3b2ab6p-7
	exp5 = 0x1.5d87fep-10
	// expMax bounds the exponent so that 2^y stays a normal number.
	expMax = 124
	log2e  = 0x1.715476p0
)

// power is 2^y with y = r + f: a whole number r, whose power is put together from an
// exponent of r + 127 and no fraction, and f within 1/2 of zero, whose power is the
// polynomial. Limits on y keep the exponent that of a normal number.
func power(y float32) float32 {
	y = max(min(y, expMax), -expMax)
	r := float32(math.RoundToEven(float64(y)))
	f := y - r
	p := float32(exp5)
	for _, c := range [...]float32{exp4, exp3, exp2, exp1, 1} {
		p = float32(p*f) + c
	}
	return p * math.Float32frombits(uint32(int32(r)+127)<<23)
}

// sigmoid is 1 / (1 + exp(-s x)).
func sigmoid(s, x float32) float32 { return 1 / (1 + power(float32(float32(s*-log2e)*x))) }

// tanh is 2 sigmoid(2x) - 1, as the fast kernels have it.
func tanh(x float32) float32 { return float32(2*sigmoid(2, x)) - 1 }

func plainCell(h int, g, cprev, c, tc, y []float32) {
	for j := range h {
		i, f, z, o := sigmoid(1, g[j]), sigmoid(1, g[h+j]), tanh(g[2*h+j]), sigmoid(1, g[3*h+j])
		g[j], g[h+j], g[2*h+j], g[3*h+j] = i, f, z, o
		c[j] = float32(i*z) + float32(f*cprev[j])
		tc[j] = tanh(c[j])
		y[j] = o * tc[j]
	}
}

func plainCellBack(h int, g, cprev, tc, dy, dc []float32) {
	for j := range h {
		i, f, z, o, t, e := g[j], g[h+j], g[2*h+j], g[3*h+j], tc[j], dy[j]
		d := dc[j] + float32(float32(e*o)*(1-float32(t*t)))
		g[j] = float32(d*z) * float32(i*(1-i))
		g[h+j] = float32(d*cprev[j]) * float32(f*(1-f))
		g[2*h+j] = float32(d*i) * (1 - float32(z*z))
		g[3*h+j] = float32(e*t) * float32(o*(1-o))
		dc[j] = d * f
	}
}

func plainSoftmax(v []float32) (top, sum float32) {
	top = v[0]
	for _, x := range v[1:] {
		top = max(top, x)
	}
	for i, x := range v {
		v[i] = power(float32(-log2e * (top - x)))
		sum += v[i]
	}
	inv := 1 / sum
	for i := range v {
		v[i] *= inv
	}
	return top, sum
}

// Constants of Adam (Kingma and Ba, 2015), the defaults of PyTorch.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

func plainAdam(w, m, v, g []float32, scale, lr, vs float32) {
	for i := range w {
		x := g[i] * scale
		m[i] += float32((1 - beta1) * (x - m[i]))
		v[i] += float32((1 - beta2) * (float32(x*x) - v[i]))
		d := float32(math.Sqrt(float64(float32(v[i]*vs)))) + epsilon
		w[i] -= float32(lr*m[i]) / d
	}
}
