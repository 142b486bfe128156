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

	used  tables    // of the values of a batch
	wxT   []panels  // input weights transposed, by feature and direction
	m, v  []float32 // Adam's moments
	steps int       // steps taken
	norm  float64   // of the last gradient, before it was clipped
}

// newStepper makes room for batches of up to so many windows.
func newStepper(n *Net, steps, batch int, o Options, seed [2]uint64) *stepper {
	t := &stepper{
		n: n, workers: o.Workers, dropout: o.Dropout, clip: o.Clip, seed: seed,
		weights: o.ClassWeights, m: make([]float32, len(n.w)), v: make([]float32, len(n.w)),
		wxT: make([]panels, len(n.cfg.Vocab)*n.cfg.dirs()),
	}
	rows := (batch + batchParts - 1) / batchParts
	for range batchParts {
		t.parts = append(t.parts, newPart(n, &t.used, steps, rows, true, o.Dropout > 0))
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
	}
	return loss
}

// gradient returns the mean loss over the labeled steps of the given windows
// and its gradient, or nil if there are none.
func (t *stepper) gradient(d Data, windows []int32) (loss float64, grad []float32) {
	t.used.useOnly(t.n, d, windows)
	return t.gradientBy(d, windows)
}

// gradientBy is gradient once it is settled which values have rows in the tables.
func (t *stepper) gradientBy(d Data, windows []int32) (loss float64, grad []float32) {
	// The mean is over the whole batch: a part with few labels must not count
	// as much as one with many.
	var total float64
	for _, w := range windows {
		for _, y := range d.Y[int(w)*d.Steps:][:d.Steps] {
			if y >= 0 {
				total += float64(t.weights[y])
			}
		}
	}
	if total == 0 {
		return 0, nil
	}

	t.n.pack(t.workers, true)
	t.n.fill(t.workers, &t.used)
	each := (len(windows) + batchParts - 1) / batchParts
	parts := t.parts
	if len(windows) <= each { // a single window
		parts = parts[:1]
	}
	spread(t.workers, len(parts), func(i int) {
		parts[i].load(d, windows[i*each:min((i+1)*each, len(windows))])
	})
	sum := t.forwardBackward(parts, 1/total)
	t.sumGradients(parts)
	return sum / total, parts[0].grad
}

// forwardBackward runs all layers forward and back and returns the weighted sum
// of losses. Each spread is a barrier: the next stage reads what all of it wrote.
func (t *stepper) forwardBackward(parts []*part, inv float64) float64 {
	dirs, last := t.n.cfg.dirs(), t.n.cfg.Layers-1
	for l := range last + 1 {
		spread(t.workers, len(parts)*dirs, func(i int) { parts[i/dirs].forward(l, i%dirs) })
		if l < last && t.dropout > 0 {
			spread(t.workers, len(parts), func(i int) { t.drop(parts[i], l, i) })
		}
	}

	// What a part does by itself between two barriers is one task: the last layer's
	// mask, the loss and the way back through the mask.
	losses := make([]float64, len(parts))
	spread(t.workers, len(parts), func(i int) {
		if t.dropout > 0 {
			t.drop(parts[i], last, i)
		}
		if losses[i] = parts[i].loss(t.weights, inv); t.dropout > 0 {
			parts[i].dropBack(last)
		}
	})
	for l := last; l >= 0; l-- {
		spread(t.workers, len(parts)*dirs, func(i int) { parts[i/dirs].backward(l, i%dirs) })
		if l > 0 {
			spread(t.workers, len(parts), func(i int) {
				if parts[i].inputGradient(l); t.dropout > 0 {
					parts[i].dropBack(l - 1)
				}
			})
		}
	}

	var sum float64
	for _, l := range losses {
		sum += l
	}
	return sum
}

// drop draws the mask of layer l for part i. It is a function of step, layer and
// part: neither which worker draws it nor where training was taken up again
// matters.
func (t *stepper) drop(s *part, l, i int) {
	key := uint64((t.steps*maxLayers+l)*batchParts + i)
	s.dropout(rand.NewPCG(t.seed[0], t.seed[1]+key), l, t.dropout)
}

// sumGradients adds up the gradients of all parts, in order, into the first
// one's, and takes the first layer's through its table to embeddings and weights.
// A feature's rows of the table are T = E W, embedding times input weights, so
// that from the gradient dT of T follow dW = E^T dT and dE = dT W^T. Values without
// a row had no part in the batch: they would add zeros.
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
	// Embeddings and the first input weights stand first and have no gradient yet.
	summed := t.n.layers[0][0].wh.off
	clear(first.grad[:summed])
	sum(first.grad[summed:], func(s *part) []float32 { return s.grad[summed:] })
	for d := range first.table {
		sum(first.table[d], func(s *part) []float32 { return s.table[d] })
	}

	c := t.n.cfg
	spread(t.workers, len(c.Vocab)*c.dirs(), func(i int) {
		first.inputWeightGradients(i%c.dirs(), i/c.dirs(), &t.used.rows[i])
		if f, l := i/c.dirs(), t.n.layers[0][i%c.dirs()]; !c.isNumber(f) {
			t.wxT[i].packT(l.wx.W[t.n.inputRow(f)*l.wx.Cols:], l.wx.Cols, l.wx.Cols, t.n.embed[f].Cols)
		}
	})
	spread(t.workers, 2*len(c.Vocab), func(i int) { first.embeddingGradients(i/2, i%2, t.wxT[i/2*c.dirs():]) })
}

// inputWeightGradients computes the gradient of feature f's rows of the first
// layer's input weights, and with feature 0 that of the bias, which every step
// adds through exactly one of feature 0's rows. b takes the packed rows.
func (s *part) inputWeightGradients(d, f int, b *panels) {
	n, t, h4 := s.n, s.tables, 4*s.n.cfg.Hidden
	cols, l := n.embed[f].Cols, n.layers[0][d]
	rows := s.table[d][t.first[f]*h4 : t.first[f+1]*h4]
	b.pack(rows, h4, len(rows)/h4, h4)

	grad := l.wx.view(s.grad)[n.inputRow(f)*h4:][:cols*h4]
	clear(grad)
	gemm(n.kr, cols, t.embed[f], 1, cols, b, grad, h4)

	if f == 0 {
		db := l.b.view(s.grad)
		clear(db)
		for r := 0; r < len(rows); r += h4 {
			n.kr.add(db, rows[r:r+h4])
		}
	}
}

// embeddingGradients computes the gradient of half the rows of feature f's
// embedding, the sum over directions; that of a number stays zero. wxT holds the
// input weights by direction.
func (s *part) embeddingGradients(f, half int, wxT []panels) {
	n, t, h4 := s.n, s.tables, 4*s.n.cfg.Hidden
	if n.cfg.isNumber(f) {
		return
	}

	// The rows lie together while they are computed; the embeddings of the network
	// are no longer needed as they were and make room for them.
	cols, rows := n.embed[f].Cols, t.first[f+1]-t.first[f]
	lo, hi := half*rows/2, (half+1)*rows/2
	grad := t.embed[f][lo*cols : hi*cols]
	clear(grad)
	for d := range s.table {
		gemm(n.kr, hi-lo, s.table[d][(t.first[f]+lo)*h4:(t.first[f]+hi)*h4], h4, 1, &wxT[d], grad, cols)
	}
	all, before := n.embed[f].view(s.grad), n.valuesBefore()[f]
	for i, v := range t.value[t.first[f]+lo : t.first[f]+hi] {
		copy(all[(int(v)-before)*cols:], grad[i*cols:(i+1)*cols])
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
	spread(t.workers, tasks, func(i int) { squares[i] = t.n.kr.squares(rangeOf(grad, i)) })
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
