//go:build !amd64 || purego

package lstm

// Kernels returns the kernel classes this machine can run, fastest first.
func kernels() []Kernel { return []Kernel{kernelPlain} }

// There is only the plain class in this build, and the callers of these
// methods take it themselves.

func (kr Kernel) fastTiles(rows, columns, k int, a []float32, ra, ca int, b []float32, panel int, c []float32, ldc int) {
	kernelPlain.tiles(rows, columns, k, a, ra, ca, b, panel, c, ldc)
}

func (kr Kernel) fastCells(rows, h int, g, cprev, c, tc, y []float32, ldy int) {
	kernelPlain.cells(rows, h, g, cprev, c, tc, y, ldy)
}

func (kr Kernel) fastCellsBack(rows, h int, g, cprev, tc, dy, dc []float32, ldy int) {
	kernelPlain.cellsBack(rows, h, g, cprev, tc, dy, dc, ldy)
}

func (kr Kernel) fastSoftmax(k int, v []float32) (top, sum float32) { return kernelPlain.softmax(k, v) }

func (kr Kernel) fastDrop(out, mask, in []float32, bits []uint64, limit uint32, factor float32) {
	kernelPlain.drop(out, mask, in, bits, limit, factor)
}

func (kr Kernel) fastMul(dst, src []float32) { kernelPlain.mul(dst, src) }

func (kr Kernel) fastAdd(dst, src []float32) {
	for i, v := range src {
		dst[i] += v
	}
}

func (kr Kernel) fastGather(dst, table []float32, at []int32) { kernelPlain.gather(dst, table, at) }

func (kr Kernel) fastScatter(table []float32, at []int32, src []float32) {
	kernelPlain.scatter(table, at, src)
}

func (kr Kernel) fastSquares(a []float32, s *[4]float64) { s[0] = kernelPlain.squares(a) }

func (kr Kernel) fastAdam(w, m, v, g []float32, scale, lr, vs float32) {
	plainAdam(w, m, v, g, scale, lr, vs)
}
