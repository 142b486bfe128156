package lstm

import "math/rand/v2"

// part is one part of a batch on its way through the network. Arrays are by
// time first, [step][window][value]: what all windows do in one step is one
// matrix product, and its rows lie side by side. In training everything the
// backward pass needs is kept; for guessing only what the next step needs.
type part struct {
	n     *Net
	steps int
	keep  bool
	b     int // windows in use

	tables *tables // of the values in x
	x      []int32 // rows of tables, as places in an array: [steps][b][features]
	labels []int16 // [steps][b]

	// y[l] is the output of layer l with a zero step before and after, drop[l]
	// the same after dropout without these steps, mask[l] the factors.
	y, drop, mask [][]float32
	// By layer and direction: g the gates [steps][b][4H], c the cell states in
	// order of processing [steps+1][b][H], tc their tanh.
	g, c, tc [][][]float32
	logits   []float32 // [steps][b][classes, padded to whole panels]

	dy [][]float32 // gradient of y, [steps][b][width]
	dc [][]float32 // gradient of the cell state, by direction

	// grad is the part's gradient of all parameters, but for the first
	// layer's input weights, biases and embeddings, which are in table, by
	// direction and row of tables, until they are all added up.
	grad  []float32
	table [][]float32
	// Scratch by direction: of outer, and the transposed gradients of wh and, from
	// the second layer on, wx; outSum is the gradient of the fully connected
	// layer's weights with rows of whole panels.
	chunk        []panels
	whSum, wxSum [][]float32
	outSum       []float32
}

// newPart makes room for up to rows windows. keep is for training: gates and
// cell states of all steps instead of one and two, and room for gradients.
func newPart(n *Net, t *tables, steps, rows int, keep, dropout bool) *part {
	c := n.cfg
	f := func(k int) []float32 { return make([]float32, k) }
	s := &part{
		n: n, tables: t, steps: steps, keep: keep,
		x: make([]int32, steps*rows*len(c.Vocab)), labels: make([]int16, steps*rows),
		logits: f(steps * rows * padded(c.Classes)),
	}
	depth := 1
	if keep {
		depth = steps
		s.grad = f(len(n.w))
		s.chunk = make([]panels, c.dirs())
		s.outSum = f(c.width() * padded(c.Classes))
	}

	// Outputs are kept of all steps even for guessing: the layer above reads
	// them, and in the other direction from the end.
	for range c.Layers {
		s.y = append(s.y, f((steps+2)*rows*c.width()))
		var g, cs, tc [][]float32
		for range c.dirs() {
			g = append(g, f(depth*rows*4*c.Hidden))
			cs = append(cs, f((depth+1)*rows*c.Hidden))
			tc = append(tc, f(depth*rows*c.Hidden))
		}
		s.g, s.c, s.tc = append(s.g, g), append(s.c, cs), append(s.tc, tc)
		if keep {
			s.dy = append(s.dy, f(steps*rows*c.width()))
		}
		if keep && dropout {
			s.drop = append(s.drop, f(steps*rows*c.width()))
			s.mask = append(s.mask, f(steps*rows*c.width()))
		}
	}
	for range c.dirs() {
		if keep {
			s.dc = append(s.dc, f(rows*c.Hidden))
			s.whSum = append(s.whSum, f(4*c.Hidden*padded(c.Hidden)))
			if c.Layers > 1 {
				s.wxSum = append(s.wxSum, f(4*c.Hidden*padded(c.width())))
			}
			s.table = append(s.table, nil) // as long as the tables of its batch
		}
	}
	return s
}

// load takes windows of d, by index, looks up the rows of their values and turns
// them from [window][step] to [step][window].
func (s *part) load(d Data, windows []int32) {
	s.b = len(windows)
	f, h4, base := d.Features, int32(4*s.n.cfg.Hidden), s.n.valuesBefore()
	for r, w := range windows {
		for t := range s.steps {
			to := s.x[(t*s.b+r)*f:][:f]
			for j, v := range d.X[(int(w)*s.steps+t)*f:][:f] {
				to[j] = s.tables.row[base[j]+int(v)] * h4
			}
			if d.Y != nil {
				s.labels[t*s.b+r] = d.Y[int(w)*s.steps+t]
			}
		}
	}
}

// stepOf returns the step of the trace that direction d handles in its t-th step:
// direction 1 begins at the end.
func (s *part) stepOf(d, t int) int {
	if d == 1 {
		return s.steps - 1 - t
	}
	return t
}

// stepBlock returns step i of an array of size values per window.
func (s *part) stepBlock(a []float32, i, size int) []float32 {
	n := s.b * size
	return a[i*n : (i+1)*n]
}

// outputAt returns step t of the output of layer l without dropout; -1 and steps
// are zero.
func (s *part) outputAt(l, t int) []float32 {
	return s.stepBlock(s.y[l], t+1, s.n.cfg.width())
}

// inputAbove is what layer l+1 (or the last, fully connected one) reads: all
// steps.
func (s *part) inputAbove(l int) []float32 {
	w := s.n.cfg.width()
	if s.drop != nil {
		return s.drop[l][:s.steps*s.b*w]
	}
	return s.y[l][s.b*w : (s.steps+1)*s.b*w]
}

// keptStep returns the index of step t in an array that may hold just one step.
func (s *part) keptStep(t int) int {
	if s.keep {
		return t
	}
	return 0
}

// cellAt returns the cell states before the t-th step of processing. For
// guessing there are two, which take turns.
func (s *part) cellAt(l, d, t int) []float32 {
	if !s.keep {
		t &= 1
	}
	return s.stepBlock(s.c[l][d], t, s.n.cfg.Hidden)
}

// forward runs layer l in direction d over all steps. Directions write to
// different columns of the output, so that they may run at once.
func (s *part) forward(l, d int) {
	n, h, w := s.n, s.n.cfg.Hidden, s.n.cfg.width()
	clear(s.cellAt(l, d, 0))

	// The zero step this direction starts from: before the first step for
	// direction 0, behind the last for 1. Other numbers of windows may have left
	// something there.
	border := s.outputAt(l, s.stepOf(d, 0)-1+2*d)
	for r := range s.b {
		clear(border[r*w+d*h:][:h])
	}

	for t := range s.steps {
		st := s.stepOf(d, t)
		g := s.stepBlock(s.g[l][d], s.keptStep(st), 4*h)
		if l == 0 {
			s.lookup(d, st, g)
		} else {
			for r := range s.b {
				copy(g[r*4*h:], n.layers[l][d].b.W)
			}
			gemm(n.kr, s.b, s.stepBlock(s.inputAbove(l-1), st, w), w, 1, &n.pk.wx[l][d], g, 4*h)
		}

		// The step before is at st-1 for direction 0 and at st+1 for 1.
		gemm(n.kr, s.b, s.outputAt(l, st-1+2*d)[d*h:], w, 1, &n.pk.wh[l][d], g, 4*h)
		cp, cn := s.cellAt(l, d, t), s.cellAt(l, d, t+1)
		tc, y := s.stepBlock(s.tc[l][d], s.keptStep(st), h), s.outputAt(l, st)
		n.kr.cells(s.b, h, g, cp, cn, tc, y[d*h:], w)
	}
}

// lookup sets the gates of step st to what the features add to them.
func (s *part) lookup(d, st int, g []float32) {
	h4, f := 4*s.n.cfg.Hidden, len(s.n.cfg.Vocab)
	for r := range s.b {
		s.n.kr.gather(g[r*h4:][:h4], s.tables.sums[d], s.x[(st*s.b+r)*f:][:f])
	}
}

// dropout draws layer l's mask and applies it: a share p of the outputs
// becomes zero, the rest grows by 1/(1-p), so that sums stay what they are on
// average and guessing needs no factor. A draw of 64 bits decides for four
// outputs, to 1/65536.
func (s *part) dropout(rng *rand.PCG, l int, p float64) {
	w := s.n.cfg.width()
	in, out := s.y[l][s.b*w:], s.drop[l][:s.steps*s.b*w]
	mask := s.mask[l][:len(out)]

	// Draws are made in blocks that stay in the first cache.
	var bits [64]uint64
	for len(out) > 0 {
		k := min(len(out), 4*len(bits)) // the width is a multiple of 16
		for i := range bits[:k/4] {
			bits[i] = rng.Uint64()
		}
		s.n.kr.drop(out[:k], mask, in, bits[:], uint32(p*(1<<16)), float32(1/(1-p)))
		out, mask, in = out[k:], mask[k:], in[k:]
	}
}

// computeLogits returns the logits of all steps, [step][window][class], in
// memory that belongs to the part. Rows are whole panels apart, zero beyond the
// classes.
func (s *part) computeLogits() (lo []float32, row int) {
	n, w, k := s.n, s.n.cfg.width(), padded(s.n.cfg.Classes)
	lo = s.logits[:s.steps*s.b*k]
	for i := 0; i < len(lo); i += k {
		copy(lo[i:], n.ob.W)
	}
	gemm(n.kr, s.steps*s.b, s.inputAbove(n.cfg.Layers-1), w, 1, n.pk.ow.wide(), lo, k)
	return lo, k
}
