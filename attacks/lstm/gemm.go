package lstm

// The size of one tile of the matrix product, and how many steps of the inner
// dimension are taken before the next tile so that both inputs stay in cache.
const (
	tileM  = 8  // rows of A, one value each at a time
	tileN  = 32 // columns of B: two vectors of AVX-512, so that 16 registers hold all sums
	chunkK = 256
)

// panels is a matrix B[k][n] in panels of 32 columns, [ceil(n/32)][k][32],
// zero beyond column n: what the tile kernel reads without gaps. Column j of row
// kk is at (j/32*k + kk)*32 + j%32. Nothing is aligned to more than a float32:
// kernels load vectors from any address.
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

// wide is p with its last panel whole: a product with it writes zeros beyond column
// n, where there is room for them, and needs no copies.
func (p *panels) wide() *panels { return &panels{k: p.k, n: padded(p.n), data: p.data} }

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

// packT takes the transpose of the n x k matrix b with rows of ldb values. It too
// reads row by row; a row becomes a column, 32 values apart.
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

// gemm computes C[m][b.n] += A[m][b.k] B. A(i, kk) is a[i*ra+kk*ca], so that ca =
// 1 is a matrix by rows and ra = 1 its transpose; C has rows of ldc values.
//
// Each value of C begins with what is there and takes its b.k products in order
// of kk, one after the other, whatever the shape: tiles cut rows and columns,
// and chunks of the inner dimension follow each other. So a row of C does not
// depend on the rows around it, and a product may be cut into rows for several
// workers. A tail of rows or columns goes through the same kernel in a padded
// copy.
func gemm(kr Kernel, m int, a []float32, ra, ca int, b *panels, c []float32, ldc int) {
	rows, columns := m/tileM, b.n/tileN
	for k0 := 0; k0 < b.k; k0 += chunkK {
		k := min(chunkK, b.k-k0)
		ak := a[k0*ca:]
		if rows > 0 && columns > 0 {
			kr.tiles(rows, columns, k, ak, ra, ca, b.data[k0*tileN:], b.k*tileN, c, ldc)
		}
		for j := 0; j < b.n; j += tileN {
			i := 0
			if j < columns*tileN {
				i = rows * tileM
			}
			for ; i < m; i += tileM {
				edgeTile(kr, k, min(tileM, m-i), min(tileN, b.n-j), ak[i*ra:], ra, ca, b.data[j*b.k+k0*tileN:], c[i*ldc+j:], ldc)
			}
		}
	}
}

// edgeTile computes a tile of only m rows or n columns. A whole tile of C is
// copied out and in again; the columns of B beyond n are zero already. Where A
// lacks rows, what lies behind it in memory stands for them, and what comes out of
// that is left behind; only at the end of an array A is copied.
func edgeTile(kr Kernel, k, m, n int, a []float32, ra, ca int, b, c []float32, ldc int) {
	if need := (tileM-1)*ra + (k-1)*ca + 1; need > cap(a) {
		fewRows(kr, k, m, n, a, ra, ca, b, c, ldc)
		return
	} else if need > len(a) {
		a = a[:need]
	}
	var ct [tileM * tileN]float32
	for i := range m {
		copy(ct[i*tileN:], c[i*ldc:][:n])
	}
	kr.tiles(1, 1, k, a, ra, ca, b, 0, ct[:], tileN)
	for i := range m {
		copy(c[i*ldc:][:n], ct[i*tileN:])
	}
}

// fewRows is edgeTile with a copy of A, transposed, whose other rows are zero. It is
// apart, for the copy is large and would be cleared for every tile.
func fewRows(kr Kernel, k, m, n int, a []float32, ra, ca int, b, c []float32, ldc int) {
	var ct [tileM * tileN]float32
	var at [tileM * chunkK]float32
	for i := range m {
		copy(ct[i*tileN:], c[i*ldc:][:n])
		for kk := range k {
			at[kk*tileM+i] = a[i*ra+kk*ca]
		}
	}
	kr.tiles(1, 1, k, at[:], 1, tileM, b, 0, ct[:], tileN)
	for i := range m {
		copy(c[i*ldc:][:n], ct[i*tileN:])
	}
}
