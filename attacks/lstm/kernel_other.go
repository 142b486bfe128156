//go:build !amd64 || purego

package lstm

// Kernels returns the kernel classes this machine can run, fastest first.
func kernels() []Kernel { return []Kernel{kernelPlain} }

// There is only the plain class in this build, and the callers of these
// methods take it themselves.

func (kr Kernel) fastTile(k int, a []float32, ra, ca int, b, c []float32, ldc int) {
	plainTile(k, a, ra, ca, b, c, ldc)
}

func (kr Kernel) fastCell(h int, g, cprev, c, tc, y []float32) { plainCell(h, g, cprev, c, tc, y) }

func (kr Kernel) fastCellBack(h int, g, cprev, tc, dy, dc []float32) {
	plainCellBack(h, g, cprev, tc, dy, dc)
}

func (kr Kernel) fastAdd(dst, src []float32) {
	for i, v := range src {
		dst[i] += v
	}
}

func (kr Kernel) fastGather(dst, table []float32, at []int32) { kernelPlain.gather(dst, table, at) }

func (kr Kernel) fastScatter(table []float32, at []int32, src []float32) {
	kernelPlain.scatter(table, at, src)
}

func (kr Kernel) fastAdam(w, m, v, g []float32, scale, lr, vs float32) {
	plainAdam(w, m, v, g, scale, lr, vs)
}
