//go:build amd64 && !purego

package lstm

import "golang.org/x/sys/cpu"

// Kernels returns the kernel classes this machine can run, fastest first.
func kernels() []Kernel {
	var ks []Kernel
	fma := cpu.X86.HasAVX2 && cpu.X86.HasFMA
	if fma && cpu.X86.HasAVX512F {
		ks = append(ks, kernelAVX512)
	}
	if fma {
		ks = append(ks, kernelAVX2)
	}
	return append(ks, kernelPlain)
}

// Lengths are in values and multiples of 16, strides of tiles in bytes. The
// comments in the assembly say what is in which register.

//go:noescape
func tiles512(rows, columns, k int, a *float32, ra, ca int, b *float32, panel int, c *float32, ldc int)

//go:noescape
func tile256(k int, a *float32, ra, ca int, b, c *float32, ldc int)

//go:noescape
func cells512(rows, h int, gates, cprev, c, tc, y *float32, ldy int)

//go:noescape
func cells256(rows, h int, gates, cprev, c, tc, y *float32, ldy int)

//go:noescape
func cellsBack512(rows, h int, gates, cprev, tc, dy, dc *float32, ldy int)

//go:noescape
func cellsBack256(rows, h int, gates, cprev, tc, dy, dc *float32, ldy int)

//go:noescape
func add512(n int, dst, src *float32)

//go:noescape
func add256(n int, dst, src *float32)

//go:noescape
func squares256(n int, a *float32, s *[4]float64)

//go:noescape
func mul512(n int, dst, src *float32)

//go:noescape
func mul256(n int, dst, src *float32)

//go:noescape
func drop512(n int, out, mask, in *float32, bits *uint64, limit uint32, factor float32)

//go:noescape
func drop256(n int, out, mask, in *float32, bits *uint64, below int32, factor float32)

//go:noescape
func softmax512(k int, v *float32) (top, sum float32)

//go:noescape
func softmax256(k int, v *float32) (top, sum float32)

//go:noescape
func gather512(n int, dst, table *float32, at *int32, rows int)

//go:noescape
func gather256(n int, dst, table *float32, at *int32, rows int)

//go:noescape
func scatter512(n int, table *float32, at *int32, rows int, src *float32)

//go:noescape
func scatter256(n int, table *float32, at *int32, rows int, src *float32)

//go:noescape
func adam512(n int, w, m, v, grad *float32, scale, lr, vs float32)

//go:noescape
func adam256(n int, w, m, v, grad *float32, scale, lr, vs float32)

func (kr Kernel) fastTiles(rows, columns, k int, a []float32, ra, ca int, b []float32, panel int, c []float32, ldc int) {
	if kr == kernelAVX512 {
		tiles512(rows, columns, k, &a[0], 4*ra, 4*ca, &b[0], 4*panel, &c[0], 4*ldc)
		return
	}

	// A tile is four of 4 x 16: eight sums fill the pipeline, and the sixteen
	// registers hold them with two vectors of B and four of A. A sum takes its
	// products in the same order as in one large tile.
	for j := range columns {
		for i := 0; i < rows*tileM; i += 4 {
			tile256(k, &a[i*ra], 4*ra, 4*ca, &b[j*panel], &c[i*ldc+j*tileN], 4*ldc)
			tile256(k, &a[i*ra], 4*ra, 4*ca, &b[j*panel+16], &c[i*ldc+j*tileN+16], 4*ldc)
		}
	}
}

func (kr Kernel) fastCells(rows, h int, g, cprev, c, tc, y []float32, ldy int) {
	if kr == kernelAVX512 {
		cells512(rows, h, &g[0], &cprev[0], &c[0], &tc[0], &y[0], 4*ldy)
		return
	}
	cells256(rows, h, &g[0], &cprev[0], &c[0], &tc[0], &y[0], 4*ldy)
}

func (kr Kernel) fastCellsBack(rows, h int, g, cprev, tc, dy, dc []float32, ldy int) {
	if kr == kernelAVX512 {
		cellsBack512(rows, h, &g[0], &cprev[0], &tc[0], &dy[0], &dc[0], 4*ldy)
		return
	}
	cellsBack256(rows, h, &g[0], &cprev[0], &tc[0], &dy[0], &dc[0], 4*ldy)
}

func (kr Kernel) fastMul(dst, src []float32) {
	if kr == kernelAVX512 {
		mul512(len(dst), &dst[0], &src[0])
		return
	}
	mul256(len(dst), &dst[0], &src[0])
}

func (kr Kernel) fastDrop(out, mask, in []float32, bits []uint64, limit uint32, factor float32) {
	if kr == kernelAVX512 {
		drop512(len(out), &out[0], &mask[0], &in[0], &bits[0], limit, factor)
		return
	}
	drop256(len(out), &out[0], &mask[0], &in[0], &bits[0], int32(limit)-1, factor)
}

func (kr Kernel) fastSoftmax(k int, v []float32) (top, sum float32) {
	if kr == kernelAVX512 {
		return softmax512(k, &v[0])
	}
	return softmax256(k, &v[0])
}

func (kr Kernel) fastAdd(dst, src []float32) {
	if kr == kernelAVX512 {
		add512(len(dst), &dst[0], &src[0])
		return
	}
	add256(len(dst), &dst[0], &src[0])
}

func (kr Kernel) fastGather(dst, table []float32, at []int32) {
	if kr == kernelAVX512 {
		gather512(len(dst), &dst[0], &table[0], &at[0], len(at))
		return
	}
	gather256(len(dst), &dst[0], &table[0], &at[0], len(at))
}

func (kr Kernel) fastScatter(table []float32, at []int32, src []float32) {
	if kr == kernelAVX512 {
		scatter512(len(src), &table[0], &at[0], len(at), &src[0])
		return
	}
	scatter256(len(src), &table[0], &at[0], len(at), &src[0])
}

func (kr Kernel) fastSquares(a []float32, s *[4]float64) { squares256(len(a), &a[0], s) }

func (kr Kernel) fastAdam(w, m, v, g []float32, scale, lr, vs float32) {
	if kr == kernelAVX512 {
		adam512(len(w), &w[0], &m[0], &v[0], &g[0], scale, lr, vs)
		return
	}
	adam256(len(w), &w[0], &m[0], &v[0], &g[0], scale, lr, vs)
}
