package lstm

// The size of one tile of the matrix product, and how many steps of the inner
// dimension are taken before the next tile so that both inputs stay in cache.
const (
	tileM  = 8
	tileN  = 32
	chunkK = 256
)

// panels is a matrix B[k][n] in panels of 32 columns, [ceil(n/32)][k][32],
// zero beyond column n: what the tile kernel reads without gaps.
type panels struct {
	k, n int
	data []float32
}

// shape makes room for k x n values.
func (p *panels) shape(k, n int) {
	p.k, p.n = k, n
	size := padded(n) * k
	if cap(p.data) < size {
		p.data = make([]float32, size)
	}
	p.data = p.data[:size]
}

// padded is n rounded up to whole panels.
func padded(n int) int { return (n + tileN - 1) / tileN * tileN }

// pack takes the k x n matrix b with rows of ldb values. It reads row by row,
// which the processor can foresee.
func (p *panels) pack(b []float32, ldb, k, n int) {
	p.shape(k, n)
	whole := n / tileN * tileN
	if whole < n {
		clear(p.data[whole*k:])
	}
	for kk := range k {
		row := b[kk*ldb:][:n]
		for j := 0; j < whole; j += tileN {
			*(*[tileN]float32)(p.data[j*k+kk*tileN:]) = *(*[tileN]float32)(row[j:])
		}
		if whole < n {
			copy(p.data[whole*k+kk*tileN:][:tileN], row[whole:])
		}
	}
}

// packT takes the transpose of the n x k matrix b with rows of ldb values.
func (p *panels) packT(b []float32, ldb, k, n int) {
	p.shape(k, n)
	for j := 0; j < n; j += tileN {
		out := p.data[j*k:][:tileN*k]
		w := min(tileN, n-j)
		if w < tileN {
			clear(out)
		}
		for q := range w {
			for kk, v := range b[(j+q)*ldb:][:k] {
				out[kk*tileN+q] = v
			}
		}
	}
}

// gemm computes C[m][b.n] += A[m][b.k] B. A(i, kk) is a[i*ra+kk*ca]; C has
// rows of ldc values. Each value of C is summed in order of kk, whatever the
// shape, so a row of C does not depend on the rows around it.
func gemm(kr Kernel, m int, a []float32, ra, ca int, b *panels, c []float32, ldc int) {
	for k0 := 0; k0 < b.k; k0 += chunkK {
		k := min(chunkK, b.k-k0)
		for j := 0; j < b.n; j += tileN {
			bp := b.data[j*b.k+k0*tileN:]
			i := 0
			if b.n-j >= tileN {
				for ; i+tileM <= m; i += tileM {
					kr.tile(k, a[i*ra+k0*ca:], ra, ca, bp, c[i*ldc+j:], ldc)
				}
			}
			for ; i < m; i += tileM {
				edge(kr, k, min(tileM, m-i), min(tileN, b.n-j), a[i*ra+k0*ca:], ra, ca, bp, c[i*ldc+j:], ldc)
			}
		}
	}
}

// edge computes a tile of only m rows or n columns.
func edge(kr Kernel, k, m, n int, a []float32, ra, ca int, b, c []float32, ldc int) {
	var ct [tileM * tileN]float32
	var at [tileM * chunkK]float32
	for i := range m {
		copy(ct[i*tileN:], c[i*ldc:][:n])
	}
	if m < tileM {
		for i := range m {
			for kk := range k {
				at[kk*tileM+i] = a[i*ra+kk*ca]
			}
		}
		a, ra, ca = at[:], 1, tileM
	}
	kr.tile(k, a, ra, ca, b, ct[:], tileN)
	for i := range m {
		copy(c[i*ldc:][:n], ct[i*tileN:])
	}
}
