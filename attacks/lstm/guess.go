package lstm

import (
	"context"

	"veilbench/datasets/parallel"
)

// Data is a set of windows of equal length.
type Data struct {
	// Steps is the length of a window, Features the number of features.
	Steps, Features int
	// X holds the features, [window][step][feature].
	X []uint16
	// Y holds the class of each step, [window][step]; negative is unlabeled.
	// Nil where nothing is to be learned.
	Y []int16
}

// Len is the number of windows; Data{} has none.
func (d Data) Len() int {
	if len(d.X) == 0 {
		return 0
	}
	return len(d.X) / (d.Steps * d.Features)
}

// guessRows is how many windows are guessed together.
const guessRows = 32

// Guess returns the probability of every class, [window][step][class], on at
// most workers goroutines. A window's answer does not depend on the windows
// around it. d must fit n: values below Config.Vocab. Memory besides the result
// is bounded by the number of workers.
func (n *Net) Guess(d Data, workers int) []float32 {
	k, size := n.cfg.Classes, d.Steps*n.cfg.Classes
	out := make([]float32, d.Len()*size)
	n.eachPart(d, make([]*part, max(1, workers)), func(s *part, windows []int32) {
		lo, row := s.computeLogits()
		for i := range s.steps * s.b { // by step, then window
			v := lo[i*row:][:row]
			n.kr.softmax(k, v)
			copy(out[int(windows[i%s.b])*size+i/s.b*k:], v[:k])
		}
	})
	return out
}

// eachPart runs all windows of d forward, guessRows at a time, and calls f with
// each part when the last layer is through; calls may be concurrent. There are as
// many workers as parts, which are made where they are nil and may be used again for
// windows of d.
func (n *Net) eachPart(d Data, parts []*part, f func(s *part, windows []int32)) {
	total := d.Len()
	chunks := (total + guessRows - 1) / guessRows

	// A worker has one part for all its chunks: every value in it that is read
	// was written for the same chunk.
	parallel.For(context.Background(), len(parts), chunks, func(worker, i int) error {
		if parts[worker] == nil {
			parts[worker] = newPart(n, &n.pk.all, d.Steps, min(guessRows, total), false, false)
		}
		s := parts[worker]
		var windows []int32
		for w := i * guessRows; w < min(total, (i+1)*guessRows); w++ {
			windows = append(windows, int32(w))
		}
		s.load(d, windows)
		for l := range n.cfg.Layers {
			for dir := range n.cfg.dirs() {
				s.forward(l, dir)
			}
		}
		f(s, windows)
		return nil
	})
}
