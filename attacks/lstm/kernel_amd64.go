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
func tile512(k int, a *float32, ra, ca int, b, c *float32, ldc int)

//go:noescape
func tile256(k int, a *float32, ra, ca int, b, c *float32, ldc int)

//go:noescape
func cell512(h int, gates, cprev, c, tc, y *float32)

//go:noescape
func cell256(h int, gates, cprev, c, tc, y *float32)

//go:noescape
func cellBack512(h int, gates, cprev, tc, dy, dc *float32)

//go:noescape
func cellBack256(h int, gates, cprev, tc, dy, dc *float32)

//go:noescape
func add512(n int, dst, src *float32)

//go:noescape
func add256(n int, dst, src *float32)

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

func (kr Kernel) fastTile(k int, a []float32, ra, ca int, b, c []float32, ldc int) {
	if kr == kernelAVX512 {
		tile512(k, &a[0], 4*ra, 4*ca, &b[0], &c[0], 4*ldc)
		return
	}
	// Four tiles of 4 x 16: eight sums fill the pipeline, and the sixteen
	// registers hold them with two vectors of B and four of A. A sum takes its
	// products in the same order as in one large tile.
	for i := 0; i < tileM; i += 4 {
		tile256(k, &a[i*ra], 4*ra, 4*ca, &b[0], &c[i*ldc], 4*ldc)
		tile256(k, &a[i*ra], 4*ra, 4*ca, &b[16], &c[i*ldc+16], 4*ldc)
	}
}

func (kr Kernel) fastCell(h int, g, cprev, c, tc, y []float32) {
	if kr == kernelAVX512 {
		cell512(h, &g[0], &cprev[0], &c[0], &tc[0], &y[0])
		return
	}
	cell256(h, &g[0], &cprev[0], &c[0], &tc[0], &y[0])
}

func (kr Kernel) fastCellBack(h int, g, cprev, tc, dy, dc []float32) {
	if kr == kernelAVX512 {
		cellBack512(h, &g[0], &cprev[0], &tc[0], &dy[0], &dc[0])
		return
	}
	cellBack256(h, &g[0], &cprev[0], &tc[0], &dy[0], &dc[0])
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

func (kr Kernel) fastAdam(w, m, v, g []float32, scale, lr, vs float32) {
	if kr == kernelAVX512 {
		adam512(len(w), &w[0], &m[0], &v[0], &g[0], scale, lr, vs)
		return
	}
	adam256(len(w), &w[0], &m[0], &v[0], &g[0], scale, lr, vs)
}
