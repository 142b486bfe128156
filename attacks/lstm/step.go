package lstm

import (
	"math"
	"math/rand/v2"
)

// batchParts is the number of parts a batch is cut into. It is fixed, whatever the
// number of workers, so that sums are always taken in the same order.
const batchParts = 2

// elements is how many parameters one task of the optimizer takes.
const elements = 1 << 14

// stepper holds what one training step needs: the network, the parts of a batch
// and the state of the optimizer.
type stepper struct {
	n       *Net
	parts   []*part
	workers int
	dropout float64
	clip    float64
	weights []float32 // by class
	seed    [2]uint64 // of dropout's masks

	rows  []panels  // the packed gradient of the first layer's tables, by feature and direction
	m, v  []float32 // Adam's moments
	steps int       // steps taken
	norm  float64   // of the last gradient, before it was clipped
}

// newStepper makes room for batches of up to so many windows.
func newStepper(n *Net, steps, batch int, o Options, seed [2]uint64) *stepper {
	t := &stepper{
		n: n, workers: o.Workers, dropout: o.Dropout, clip: o.Clip, seed: seed,
		weights: o.ClassWeights, m: make([]float32, len(n.w)), v: make([]float32, len(n.w)),
		rows: make([]panels, len(n.cfg.Vocab)*n.cfg.dirs()),
	}
	rows := (batch + batchParts - 1) / batchParts
	for range batchParts {
		t.parts = append(t.parts, newPart(n, steps, rows, true, o.Dropout > 0))
	}
	if t.weights == nil {
		t.weights = make([]float32, n.cfg.Classes)
		for i := range t.weights {
			t.weights[i] = 1
		}
	}
	return t
}

// takeStep learns from the given windows of d and returns the mean loss over their
// labeled steps before it. A batch without labels changes nothing.
func (t *stepper) takeStep(d Data, windows []int32, rate float64) float64 {
	loss, grad := t.gradient(d, windows)
	if grad != nil {
		t.update(grad, rate)
		t.n.repack(t.workers)
	}
	return loss
}

// gradient returns the mean loss over the labeled steps of the given windows
// and its gradient, or nil if there are none.
func (t *stepper) gradient(d Data, windows []int32) (loss float64, grad []float32) {
	each := (len(windows) + batchParts - 1) / batchParts
	parts := t.parts
	if len(windows) <= each { // a single window
		parts = parts[:1]
	}
	spread(t.workers, len(parts), func(i int) {
		parts[i].load(d, windows[i*each:min((i+1)*each, len(windows))])
	})

	// The mean is over the whole batch: a part with few labels must not count
	// as much as one with many.
	var total float64
	for _, s := range parts {
		for _, y := range s.labels[:s.steps*s.b] {
			if y >= 0 {
				total += float64(t.weights[y])
			}
		}
	}
	if total == 0 {
		return 0, nil
	}

	t.n.repackBack(t.workers)
	sum := t.forwardBackward(parts, 1/total)
	t.sumGradients(parts)
	return sum / total, parts[0].grad
}

// forwardBackward runs all layers forward and back and returns the weighted sum
// of losses. Each spread is a barrier: the next stage reads what all of it wrote.
func (t *stepper) forwardBackward(parts []*part, inv float64) float64 {
	dirs, layers := t.n.cfg.dirs(), t.n.cfg.Layers
	for l := range layers {
		spread(t.workers, len(parts)*dirs, func(i int) { parts[i/dirs].forward(l, i%dirs) })
		if t.dropout > 0 {
			// A mask is a function of step, layer and part: neither which worker
			// draws it nor where training was taken up again matters.
			spread(t.workers, len(parts), func(i int) {
				key := uint64((t.steps*maxLayers+l)*batchParts + i)
				parts[i].dropout(rand.New(rand.NewPCG(t.seed[0], t.seed[1]+key)), l, t.dropout)
			})
		}
	}

	losses := make([]float64, len(parts))
	spread(t.workers, len(parts), func(i int) { losses[i] = parts[i].loss(t.weights, inv) })
	for l := layers - 1; l >= 0; l-- {
		if t.dropout > 0 {
			spread(t.workers, len(parts), func(i int) { parts[i].dropBack(l) })
		}
		spread(t.workers, len(parts)*dirs, func(i int) { parts[i/dirs].backward(l, i%dirs) })
		if l > 0 {
			spread(t.workers, len(parts), func(i int) { parts[i].inputGradient(l) })
		}
	}
	var sum float64
	for _, l := range losses {
		sum += l
	}
	return sum
}

// sumGradients adds up the gradients of all parts, in order, into the first
// one's, and takes the first layer's through its table to embeddings and weights.
// A feature's rows of the table are T = E W, embedding times input weights, so
// that from the gradient dT of T follow dW = E^T dT and dE = dT W^T.
func (t *stepper) sumGradients(parts []*part) {
	first := parts[0]

	// Tasks are ranges of parameters, not parts: each value is then added up by
	// one worker, part after part.
	sum := func(into []float32, from func(s *part) []float32) {
		spread(t.workers, (len(into)+elements-1)/elements, func(i int) {
			lo, hi := i*elements, min((i+1)*elements, len(into))
			for _, s := range parts[1:] {
				t.n.kr.add(into[lo:hi], from(s)[lo:hi])
			}
		})
	}
	sum(first.grad, func(s *part) []float32 { return s.grad })
	for d := range first.table {
		sum(first.table[d], func(s *part) []float32 { return s.table[d] })
	}

	c := t.n.cfg
	spread(t.workers, len(c.Vocab)*c.dirs(), func(i int) { first.inputWeightGradients(i%c.dirs(), i/c.dirs(), &t.rows[i]) })
	spread(t.workers, 2*len(c.Vocab), func(i int) { first.embeddingGradients(i/2, i%2) })
}

// rowsOf returns feature f's rows lo to hi of direction d's table gradient.
func (s *part) rowsOf(d, f, lo, hi int) []float32 {
	h4, first := 4*s.n.cfg.Hidden, s.n.pk.first[f]
	return s.table[d][(first+lo)*h4 : (first+hi)*h4]
}

// inputWeightGradients computes the gradient of feature f's rows of the first
// layer's input weights, and with feature 0 that of the bias, which every step
// adds through exactly one of feature 0's rows. b takes the packed rows.
func (s *part) inputWeightGradients(d, f int, b *panels) {
	n, h4 := s.n, 4*s.n.cfg.Hidden
	e, l := n.embed[f], n.layers[0][d]
	rows := s.rowsOf(d, f, 0, e.Rows)
	b.pack(rows, h4, e.Rows, h4)

	grad := l.wx.view(s.grad)[n.inputRow(f)*h4:][:e.Cols*h4]
	clear(grad)
	gemm(n.kr, e.Cols, e.W, 1, e.Cols, b, grad, h4)

	if f == 0 {
		db := l.b.view(s.grad)
		clear(db)
		for r := range e.Rows {
			n.kr.add(db, rows[r*h4:(r+1)*h4])
		}
	}
}

// embeddingGradients computes the gradient of half the rows of feature f's
// embedding, the sum over directions; that of a number stays zero.
func (s *part) embeddingGradients(f, half int) {
	n, h4 := s.n, 4*s.n.cfg.Hidden
	if n.cfg.isNumber(f) {
		return
	}

	e := n.embed[f]
	lo, hi := half*e.Rows/2, (half+1)*e.Rows/2
	grad := e.view(s.grad)[lo*e.Cols : hi*e.Cols]
	clear(grad)
	for d, l := range n.layers[0] {
		var b panels
		b.packT(l.wx.W[n.inputRow(f)*h4:], h4, h4, e.Cols)
		gemm(n.kr, hi-lo, s.rowsOf(d, f, lo, hi), h4, 1, &b, grad, e.Cols)
	}
}

// update applies Adam (Kingma and Ba, ICLR 2015) with the gradient scaled down to
// norm clip if it is longer (0: never).
func (t *stepper) update(grad []float32, rate float64) {
	tasks := (len(grad) + elements - 1) / elements
	rangeOf := func(a []float32, i int) []float32 { return a[i*elements : min((i+1)*elements, len(a))] }

	// The ranges are the same for any number of workers, and so is the order in
	// which their sums are added.
	squares := make([]float64, tasks)
	spread(t.workers, tasks, func(i int) { squares[i] = sumSquares(rangeOf(grad, i)) })
	var sum float64
	for _, s := range squares {
		sum += s
	}

	t.norm = math.Sqrt(sum)
	scale := float32(1)
	if t.clip > 0 && t.norm > t.clip {
		scale = float32(t.clip / (t.norm + 1e-6))
	}

	// Both moments begin at zero and are too small at first; the corrections
	// are put into the step size and into the factor of the second moment.
	t.steps++
	lr := rate / (1 - math.Pow(beta1, float64(t.steps)))
	vs := 1 / (1 - math.Pow(beta2, float64(t.steps)))
	spread(t.workers, tasks, func(i int) {
		t.n.kr.adam(rangeOf(t.n.w, i), rangeOf(t.m, i), rangeOf(t.v, i), rangeOf(grad, i), scale, float32(lr), float32(vs))
	})
}

// sumSquares adds in four lanes, which is faster than one and as exact.
func sumSquares(a []float32) float64 {
	var s [4]float64
	for len(a) >= 4 {
		for j, x := range a[:4] {
			s[j] += float64(x) * float64(x) // exact: no rounding to fuse away
		}
		a = a[4:]
	}
	for _, x := range a {
		s[0] += float64(x) * float64(x)
	}
	return s[0] + s[1] + s[2] + s[3]
}
