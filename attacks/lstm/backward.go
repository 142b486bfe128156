package lstm

import "math"

// softmax turns logits into probabilities. It returns the largest logit and the
// logarithm of the sum of exp(logit - largest), which the loss needs. Relative to
// the largest, because exp of a large logit overflows.
func softmax(v []float32) (top float32, logSum float64) {
	top = v[0]
	for _, x := range v[1:] {
		top = max(top, x)
	}
	var sum float32
	for i, x := range v {
		v[i] = float32(math.Exp(float64(x - top)))
		sum += v[i]
	}
	inv := 1 / sum
	for i := range v {
		v[i] *= inv
	}
	return top, math.Log(float64(sum))
}

// loss computes the weighted cross-entropy, summed over labeled steps, and
// leaves the gradient of the last layer's output and of the fully connected
// layer. inv is one over the sum of weights in the whole batch.
func (s *part) loss(weights []float32, inv float64) float64 {
	n, w, k := s.n, s.n.cfg.width(), s.n.cfg.Classes
	clear(s.grad)
	lo, row := s.computeLogits()

	// Of a step with true class y, the loss is -log p_y, and its gradient by the
	// logits is p - 1 at y and p elsewhere; it takes the place of the logits. The
	// loss is computed from logits and not from p_y, which may round to 0.
	var sum float64
	db := n.ob.view(s.grad)
	for i := range s.steps * s.b {
		v, y := lo[i*row:][:k], s.labels[i]
		if y < 0 {
			clear(v)
			continue
		}
		logit := v[y]
		top, logSum := softmax(v)
		wy := weights[y]
		sum += float64(wy) * (logSum - float64(logit-top))
		f := float32(float64(wy) * inv)
		v[y]--
		for j := range v {
			v[j] *= f
			db[j] += v[j]
		}
	}

	last := n.cfg.Layers - 1
	s.outer(0, s.inputAbove(last), w, w, lo, row, k, n.ow.view(s.grad))
	dy := s.dy[last][:s.steps*s.b*w]
	clear(dy)
	gemm(n.kr, s.steps*s.b, lo, row, 1, &n.pk.owT, dy, w)
	return sum
}

// outer adds to grad the product of two arrays over all their rows:
// grad[m][n] += sum of a[i][m] b[i][n], rows of a being lda and those of b ldb
// apart. It takes chunkK rows at a time, in order; d says whose scratch they are
// packed in.
func (s *part) outer(d int, a []float32, lda, m int, b []float32, ldb, n int, grad []float32) {
	rows := len(b) / ldb
	for k0 := 0; k0 < rows; k0 += chunkK {
		k := min(chunkK, rows-k0)
		s.chunk[d].pack(b[k0*ldb:], ldb, k, n)
		gemm(s.n.kr, m, a[k0*lda:], 1, lda, &s.chunk[d], grad, n)
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
	}

	group := max(1, chunkK/s.b)
	for t := s.steps - 1; t >= 0; t-- {
		st := s.stepOf(d, t)
		g, tc := s.stepBlock(s.g[l][d], st, 4*h), s.stepBlock(s.tc[l][d], st, h)
		cp, dy := s.cellAt(l, d, t), s.stepBlock(s.dy[l], st, w)
		for r := range s.b {
			n.kr.cellBack(h, g[r*4*h:], cp[r*h:], tc[r*h:], dy[r*w+d*h:], dc[r*h:])
		}

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
}

// weightGradients adds the gradients of layer l's parameters in direction d over
// steps lo to hi of the trace.
func (s *part) weightGradients(l, d, lo, hi int) {
	n, h, w := s.n, s.n.cfg.Hidden, s.n.cfg.width()
	t, first := n.layers[l][d], lo*s.b
	g := s.g[l][d][first*4*h : hi*s.b*4*h]
	// y has a step of zeros in front, so that what went into step lo from the
	// step before it is at lo, and from the step after it at lo + 2.
	s.outer(d, s.y[l][(first+2*d*s.b)*w+d*h:], w, h, g, 4*h, 4*h, t.wh.view(s.grad))
	if l == 0 {
		s.lookupBack(d, first, g)
		return
	}
	s.outer(d, s.inputAbove(l - 1)[first*w:], w, w, g, 4*h, 4*h, t.wx.view(s.grad))
	db := t.b.view(s.grad)
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
	dy := s.dy[l][:s.steps*s.b*s.n.cfg.width()]
	for i, m := range s.mask[l][:len(dy)] {
		dy[i] *= m
	}
}
