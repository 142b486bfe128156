package lstm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func random(rng *rand.Rand, n int) []float32 {
	a := make([]float32, n)
	for i := range a {
		a[i] = float32(rng.NormFloat64())
	}
	return a
}

// refresh makes n use parameters that were changed from outside, and the given
// kernel.
func (n *Net) refresh(k Kernel) {
	n.kr = k
	n.repack(1)
}

// far is the largest difference between two arrays.
func far(a, b []float32) float64 {
	d := 0.0
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// product is C += A B in float64, the reference of gemm.
func product(m, n, k int, a []float32, ra, ca int, b, c []float32, ldc int) []float32 {
	out := slices.Clone(c)
	for i := range m {
		for j := range n {
			s := float64(c[i*ldc+j])
			for kk := range k {
				s += float64(a[i*ra+kk*ca]) * float64(b[kk*n+j])
			}
			out[i*ldc+j] = float32(s)
		}
	}
	return out
}

func TestGemmEqualsReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		m, n, k := 1+rng.IntN(40), 1+rng.IntN(100), 1+rng.IntN(600)
		ra, ca := k+rng.IntN(3), 1
		if rng.IntN(2) == 0 {
			ra, ca = 1, m+rng.IntN(3)
		}
		ldc := n + rng.IntN(5)
		a, b, c := random(rng, (m-1)*ra+(k-1)*ca+1), random(rng, k*n), random(rng, m*ldc)
		if rng.IntN(2) == 0 { // what lies behind A must not come through
			a = append(a, slices.Repeat([]float32{float32(math.NaN())}, 8*ra+8*ca)...)[:len(a)]
		}
		want := product(m, n, k, a, ra, ca, b, c, ldc)
		bt := make([]float32, n*k)
		for i := range k {
			for j := range n {
				bt[j*k+i] = b[i*n+j]
			}
		}
		var first []float32
		for _, kr := range kernels() {
			var p, q panels
			p.pack(b, n, k, n)
			q.packT(bt, k, k, n)
			if !slices.Equal(p.data, q.data) {
				t.Fatalf("%d x %d: pack and packT differ", k, n)
			}
			got := slices.Clone(c)
			gemm(kr, m, a, ra, ca, &p, got, ldc)
			if d := far(got, want); d > 1e-6*float64(k)+1e-5 {
				t.Errorf("%v %dx%dx%d: off by %g", kr, m, n, k, d)
			}
			if first == nil {
				first = got
			}
			if kr != kernelPlain && !slices.Equal(first, got) {
				t.Errorf("%v %dx%dx%d: not the same bytes as %v", kr, m, n, k, kernels()[0])
			}
			if d := far(got, first); kr == kernelPlain && d > 1e-6*float64(k)+1e-5 {
				t.Errorf("%v and %v %dx%dx%d: %g apart", kr, kernels()[0], m, n, k, d)
			}
		}
	}
}

// TestCellsEqualPlain compares all kernels with the plain ones, and the fast
// ones with each other to the bit.
func TestCellsEqualPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, h := range []int{16, 32, 80, 128, 16 * (1 + rng.IntN(20)), 16 * (1 + rng.IntN(20))} {
		const rows = 3
		size, ldy := rows*h, h+16*rng.IntN(2) // outputs of two directions are apart
		in := map[string][]float32{}
		for name, n := range map[string]int{"g": 4 * size, "cp": size, "dy": rows * ldy, "dc": size, "m": size, "v": size} {
			in[name] = random(rng, n)
		}
		for i := range in["v"] {
			in["v"][i] *= in["v"][i]
			in["g"][i] *= 30 // far into saturation too
		}
		run := func(kr Kernel) [][]float32 {
			g, c, tc, y := slices.Clone(in["g"]), make([]float32, size), make([]float32, size), make([]float32, rows*ldy)
			kr.cells(rows, h, g, in["cp"], c, tc, y, ldy)
			act := slices.Clone(g)
			dc := slices.Clone(in["dc"])
			kr.cellsBack(rows, h, g, in["cp"], tc, in["dy"], dc, ldy)
			sum := slices.Clone(in["dc"])
			kr.add(sum, in["dy"])
			w, m, v := slices.Clone(in["cp"]), slices.Clone(in["m"]), slices.Clone(in["v"])
			kr.adam(w, m, v, in["dy"], 0.5, 1e-3, 1.25)
			return [][]float32{act, c, tc, y, g, dc, sum, w, m, v}
		}
		plain, first := run(kernelPlain), run(kernels()[0])
		for _, kr := range kernels() {
			for i, got := range run(kr) {
				if d := far(got, plain[i]); d > 2e-6*max(1, far(plain[i], make([]float32, len(plain[i])))) {
					t.Errorf("%v h=%d array %d: off by %g", kr, h, i, d)
				}
				if kr != kernelPlain && !slices.Equal(got, first[i]) {
					t.Errorf("%v h=%d array %d: not the same bytes as %v", kr, h, i, kernels()[0])
				}
			}
		}
	}
}

// TestAddAndAdamOfAnyLength compares all kernels with the plain ones at lengths
// that are no multiple of a vector's, and with longer arrays beside them, which
// must stay as they are.
func TestAddAndAdamOfAnyLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	lengths := []int{0, 1, 7, 8, 15, 16, 17, 31, 33}
	for range 60 {
		lengths = append(lengths, rng.IntN(700))
	}
	for _, n := range lengths {
		const more = 40
		w, m, v, g := random(rng, n+more), random(rng, n+more), random(rng, n+more), random(rng, n+more)
		for i := range v {
			v[i] *= v[i]
		}
		run := func(kr Kernel) [][]float32 {
			sum, product := slices.Clone(w), slices.Clone(w)
			kr.add(sum[:n], g)
			kr.mul(product[:n], g)
			w, m, v := slices.Clone(w), slices.Clone(m), slices.Clone(v)
			kr.adam(w[:n], m, v, g, 0.5, 1e-3, 1.25)
			return [][]float32{sum, product, w, m, v}
		}
		plain, first := run(kernelPlain), run(kernels()[0])
		for _, kr := range kernels() {
			for i, got := range run(kr) {
				if d := far(got[:n], plain[i]); d > 2e-6*max(1, far(plain[i][:n], make([]float32, n))) {
					t.Errorf("%v length %d array %d: off by %g", kr, n, i, d)
				}
				if !slices.Equal(got[n:], [][]float32{w, w, w, m, v}[i][n:]) {
					t.Errorf("%v length %d array %d: wrote beyond the end", kr, n, i)
				}
				if kr != kernelPlain && !slices.Equal(got, first[i]) {
					t.Errorf("%v length %d array %d: not the same bytes as %v", kr, n, i, kernels()[0])
				}
			}
		}
	}
}

// TestSoftmax compares all kernels with exponentials in float64, and the fast ones
// with each other to the bit; lanes beyond the classes come out as zeros.
func TestSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 5))
	for range 300 {
		k := 1 + rng.IntN(70)
		logits := random(rng, (k+15)/16*16)
		for i := range logits {
			logits[i] *= float32(math.Exp(4 * rng.Float64()))
		}

		top, sum, want := float64(slices.Max(logits[:k])), 0.0, make([]float32, len(logits))
		for i, x := range logits[:k] {
			sum += math.Exp(float64(x) - top)
			want[i] = float32(math.Exp(float64(x) - top))
		}
		for i := range want {
			want[i] /= float32(sum)
		}

		var first []float32
		for _, kr := range kernels() {
			got := slices.Clone(logits)
			a, b := kr.softmax(k, got)
			if float64(a) != top || math.Abs(float64(b)-sum) > 1e-5*sum || far(got, want) > 1e-5 {
				t.Fatalf("%v: softmax of %v: %v, largest %v, sum %v; want %v, %v, %v", kr, logits[:k], got, a, b, want, top, sum)
			}
			if got = append(got, b); first == nil {
				first = got
			}
			if kr != kernelPlain && !slices.Equal(got, first) {
				t.Fatalf("%v: not the same bytes as %v", kr, kernels()[0])
			}
		}

		nan := slices.Clone(logits)
		nan[rng.IntN(k)] = float32(math.NaN())
		for _, kr := range kernels() {
			if _, sum := kr.softmax(k, slices.Clone(nan)); sum == sum {
				t.Fatalf("%v: NaN in %v does not come through", kr, nan)
			}
		}
	}
}

// TestDropIsSameForKernels compares all kernels with the plain one, to the byte.
func TestDropIsSameForKernels(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 6))
	for _, limit := range []uint32{0, 1, 13107, 32768, 65535} {
		n := 16 * (1 + rng.IntN(20))
		in, bits := random(rng, n), make([]uint64, n/4)
		for i := range bits {
			bits[i] = rng.Uint64()
		}
		bits[0] = uint64(limit) | uint64(limit-1)<<16&0xffff0000
		for _, kr := range kernels() {
			out, mask, want, wantMask := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			kr.drop(out, mask, in, bits, limit, 1.25)
			kernelPlain.drop(want, wantMask, in, bits, limit, 1.25)
			if !slices.Equal(out, want) || !slices.Equal(mask, wantMask) {
				t.Errorf("%v, limit %d: %v by %v, want %v by %v", kr, limit, out, mask, want, wantMask)
			}
		}
	}
}

// TestTranspose: the transposed sums lie in rows of whole panels.
func TestTranspose(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, m := range []int{16, 32, 48, 128} {
		n := 16 * (1 + rng.IntN(9))
		sum, grad := random(rng, n*padded(m)), make([]float32, m*n)
		transpose(grad, sum, m, n)
		for i := range m {
			for j := range n {
				if grad[i*n+j] != sum[j*padded(m)+i] {
					t.Fatalf("%d x %d: value %d, %d is not the one at %d, %d", m, n, i, j, j, i)
				}
			}
		}
	}
}

// TestRowsOfTablesAreAddedInOrder compares gather and scatter of all kernels with
// additions one after the other, to the byte, and looks that no other row was
// written to.
func TestRowsOfTablesAreAddedInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 4))
	for _, kr := range kernels() {
		for range 200 {
			size, rows := 64*(1+rng.IntN(3)), 6+rng.IntN(20)
			table, src, dst := random(rng, size*rows), random(rng, size), random(rng, size)
			var at []int32
			for _, r := range rng.Perm(rows)[:1+rng.IntN(5)] {
				at = append(at, int32(r*size))
			}

			sum, want := make([]float32, size), slices.Clone(table)
			copy(sum, table[at[0]:])
			for i, a := range at {
				for j := range size {
					if i > 0 {
						sum[j] += table[int(a)+j]
					}
					want[int(a)+j] += src[j]
				}
			}
			if kr.gather(dst, table, at); !slices.Equal(dst, sum) {
				t.Fatalf("%v: rows at %v add up to something else", kr, at)
			}
			if kr.scatter(table, at, src); !slices.Equal(table, want) {
				t.Fatalf("%v: added to rows at %v, something else came out", kr, at)
			}
		}
	}
}

// TestCellsKeepNaN: what is not a number must reach the loss, which is where
// training looks for it.
func TestCellsKeepNaN(t *testing.T) {
	const h = 32
	nan := float32(math.NaN())
	for _, kr := range kernels() {
		for gate := range 4 {
			for j := range h {
				g, cp, c, tc, y := make([]float32, 4*h), make([]float32, h), make([]float32, h), make([]float32, h), make([]float32, h)
				for i := range cp {
					cp[i] = 1
				}
				g[gate*h+j] = nan
				kr.cells(1, h, g, cp, c, tc, y, h)
				for i := range h {
					if bad := y[i] != y[i]; bad != (i == j) || g[gate*h+i] != g[gate*h+i] != bad {
						t.Fatalf("%v: NaN in gate %d of unit %d: gate %v, output %v of unit %d", kr, gate, j, g[gate*h+i], y[i], i)
					}
				}
			}
		}
	}
}

func TestActivationsAreClose(t *testing.T) {
	for _, kr := range kernels() {
		h, worst := 16, 0.0
		for i := -4000; i < 4000; i++ {
			x := float64(float32(i) / 100)
			g, zero, c, tc, y := make([]float32, 4*h), make([]float32, h), make([]float32, h), make([]float32, h), make([]float32, h)
			for j := range g {
				g[j] = float32(x)
			}
			kr.cells(1, h, g, zero, c, tc, y, h)
			s := 1 / (1 + math.Exp(-x))
			worst = max(worst, math.Abs(float64(g[0])-s), math.Abs(float64(g[2*h])-math.Tanh(x)), math.Abs(float64(tc[0])-math.Tanh(float64(c[0]))))
		}
		if worst > 2e-6 {
			t.Errorf("%v: off by %g", kr, worst)
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, kr := range kernels() {
		for _, s := range [][3]int{{32, 512, 128}, {64, 512, 198}, {512, 512, 512}} {
			b.Run(fmt.Sprintf("kernel=%v/m=%d/n=%d/k=%d", kr, s[0], s[1], s[2]), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				a, c := random(rng, s[0]*s[2]), make([]float32, s[0]*s[1])
				var p panels
				p.pack(random(rng, s[2]*s[1]), s[1], s[2], s[1])
				for b.Loop() {
					gemm(kr, s[0], a, s[2], 1, &p, c, s[1])
				}
				b.ReportMetric(2*float64(s[0]*s[1]*s[2])*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// TestSquares: all classes add squares to the same bytes, of any length.
func TestSquares(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	a := make([]float32, 103)
	for i := range a {
		a[i] = float32(rng.NormFloat64() * math.Pow(10, float64(rng.IntN(20)-10)))
	}
	for n := range len(a) {
		for _, kr := range kernels() {
			if got, want := kr.squares(a[:n]), kernelPlain.squares(a[:n]); got != want {
				t.Errorf("%v: squares of %d values: %v, want %v", kr, n, got, want)
			}
		}
	}
}
