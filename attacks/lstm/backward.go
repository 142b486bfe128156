package lstm

import "math"

// loss computes the weighted cross-entropy, summed over labeled steps, and
// leaves the gradient of the last layer's output and of the fully connected
// layer. inv is one over the sum of weights in the whole batch.
func (s *part) loss(weights []float32, inv float64) float64 {
	n, w, k := s.n, s.n.cfg.width(), s.n.cfg.Classes
	clear(s.grad[n.layers[0][0].wh.off:]) // what is before it comes of tables, see sumGradients
	lo, row := s.computeLogits()

	// Of a step with true class y, the loss is -log p_y, and its gradient by the
	// logits is p - 1 at y and p elsewhere; it takes the place of the logits. The
	// loss is computed from logits and not from p_y, which may round to 0. Sums of
	// logarithms of one weight are the logarithm of a product of what softmax
	// divides by, 1 to the number of classes each.
	var sum, weight float64
	product := 1.0
	db := n.ob.view(s.grad)
	for i := range s.steps * s.b {
		v, y := lo[i*row:][:row], s.labels[i]
		if y < 0 {
			clear(v)
			continue
		}
		logit := v[y]
		top, all := n.kr.softmax(k, v)
		v = v[:k]
		wy := float64(weights[y])
		if wy != weight || product > 1e200 {
			sum += weight * math.Log(product)
			weight, product = wy, 1
		}
		product *= float64(all)
		sum -= wy * float64(logit-top)
		f := float32(wy * inv)
		v[y]--
		for j := range v {
			v[j] *= f
			db[j] += v[j]
		}
	}
	sum += weight * math.Log(product)

	last := n.cfg.Layers - 1
	clear(s.outSum)
	s.outer(0, s.steps*s.b, s.inputAbove(last), w, w, lo, row, k, s.outSum)
	grad := n.ow.view(s.grad)
	for i := range w {
		copy(grad[i*k:][:k], s.outSum[i*padded(k):])
	}
	dy := s.dy[last][:s.steps*s.b*w]
	clear(dy)
	gemm(n.kr, s.steps*s.b, lo, row, 1, &n.pk.owT, dy, w)
	return sum
}

// outer adds to sum the product of two arrays over so many rows of them:
// sum[m][n] += sum of a[i][m] b[i][n], rows of a being lda and those of b ldb
// apart, those of sum n rounded up to whole panels. It takes chunkK rows at a time, in
// order. b is packed, unless its rows are a panel as they lie, so that it should be
// the narrower one; d says whose scratch takes it.
func (s *part) outer(d, rows int, a []float32, lda, m int, b []float32, ldb, n int, sum []float32) {
	if ldb == tileN && n <= tileN && len(b) >= rows*ldb {
		gemm(s.n.kr, m, a, 1, lda, &panels{k: rows, n: tileN, data: b[:rows*ldb]}, sum, tileN)
		return
	}
	for k0 := 0; k0 < rows; k0 += chunkK {
		k := min(chunkK, rows-k0)
		s.chunk[d].pack(b[k0*ldb:], ldb, k, n)
		gemm(s.n.kr, m, a[k0*lda:], 1, lda, s.chunk[d].wide(), sum, padded(n))
	}
}

// transpose sets grad[m][n] to the transpose of sum, rows of which are whole panels
// apart: 16 rows at a time, which stay in the first cache.
func transpose(grad, sum []float32, m, n int) {
	for j := 0; j < n; j += 16 {
		from := sum[j*padded(m):]
		for i := range m {
			to := (*[16]float32)(grad[i*n+j:])
			for q := range to {
				to[q] = from[q*padded(m)+i]
			}
		}
	}
}

// backward runs layer l in direction d back through time; dy[l] holds the
// gradient of the layer's output. The gradients of the parameters are added up
// every few steps, while the gates' gradients are still in cache.
func (s *part) backward(l, d int) {
	n, h, w := s.n, s.n.cfg.Hidden, s.n.cfg.width()
	dc := s.dc[d][:s.b*h]
	clear(dc)
	if l == 0 {
		s.table[d] = sized(s.table[d], len(s.tables.sums[d]))
		clear(s.table[d])
	} else {
		clear(s.wxSum[d])
	}
	clear(s.whSum[d])

	group := max(1, chunkK/s.b)
	for t := s.steps - 1; t >= 0; t-- {
		st := s.stepOf(d, t)
		g, tc := s.stepBlock(s.g[l][d], st, 4*h), s.stepBlock(s.tc[l][d], st, h)
		cp, dy := s.cellAt(l, d, t), s.stepBlock(s.dy[l], st, w)
		n.kr.cellsBack(s.b, h, g, cp, tc, dy[d*h:], dc, w)

		// What the step before put out went into these gates as well as into the
		// layer above, whose share is there already.
		if t > 0 {
			prev := s.stepBlock(s.dy[l], s.stepOf(d, t-1), w)
			gemm(n.kr, s.b, g, 4*h, 1, &n.pk.whT[l][d], prev[d*h:], w)
		}
		if t%group == 0 {
			last := s.stepOf(d, min(t+group, s.steps)-1)
			s.weightGradients(l, d, min(st, last), max(st, last)+1)
		}
	}

	transpose(n.layers[l][d].wh.view(s.grad), s.whSum[d], h, 4*h)
	if l > 0 {
		transpose(n.layers[l][d].wx.view(s.grad), s.wxSum[d], w, 4*h)
	}
}

// weightGradients adds the gradients of layer l's parameters in direction d over
// steps lo to hi of the trace.
func (s *part) weightGradients(l, d, lo, hi int) {
	n, h, w := s.n, s.n.cfg.Hidden, s.n.cfg.width()
	first, rows := lo*s.b, (hi-lo)*s.b
	g := s.g[l][d][first*4*h : hi*s.b*4*h]
	// y has a step of zeros in front, so that what went into step lo from the
	// step before it is at lo, and from the step after it at lo + 2. There are more
	// gates than outputs, which are what is packed: sums are transposed.
	s.outer(d, rows, g, 4*h, 4*h, s.y[l][(first+2*d*s.b)*w+d*h:], w, h, s.whSum[d])
	if l == 0 {
		s.lookupBack(d, first, g)
		return
	}
	s.outer(d, rows, g, 4*h, 4*h, s.inputAbove(l - 1)[first*w:], w, w, s.wxSum[d])
	db := n.layers[l][d].b.view(s.grad)
	for i := 0; i < len(g); i += 4 * h {
		n.kr.add(db, g[i:i+4*h])
	}
}

// lookupBack is the gradient of lookup for the rows of g, which begin with the
// given row of the part.
func (s *part) lookupBack(d, first int, g []float32) {
	h4, f := 4*s.n.cfg.Hidden, len(s.n.cfg.Vocab)
	for i := 0; i < len(g); i += h4 {
		s.n.kr.scatter(s.table[d], s.x[(first+i/h4)*f:][:f], g[i:i+h4])
	}
}

// inputGradient computes the gradient of what layer l read, into dy[l-1]. Both
// directions read all of it, so that their sum is taken here, in order.
func (s *part) inputGradient(l int) {
	n, h, w := s.n, s.n.cfg.Hidden, s.n.cfg.width()
	total := s.steps * s.b
	dy := s.dy[l-1][:total*w]
	clear(dy)
	for d := range n.cfg.dirs() {
		gemm(n.kr, total, s.g[l][d], 4*h, 1, &n.pk.wxT[l][d], dy, w)
	}
}

// dropBack is the gradient of dropout after layer l.
func (s *part) dropBack(l int) {
	s.n.kr.mul(s.dy[l][:s.steps*s.b*s.n.cfg.width()], s.mask[l])
}
