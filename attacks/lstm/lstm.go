// Package lstm is a small neural network that names the class of every step of
// a sequence: embeddings of discrete features, stacked LSTM layers in one or
// both directions, dropout, a fully connected layer and softmax. It trains on
// CPUs by hand-written forward and backward passes over three kernels (matrix
// product, LSTM cell, elementwise helpers) that exist in assembly for AVX-512
// and for AVX2 with FMA, and in plain Go.
//
// A batch goes through these files in order:
//
//  1. train.go draws the order of the windows and cuts them into batches;
//  2. pack.go brings the parameters into the form that kernels read;
//  3. batch.go runs one part of a batch forward, step by step;
//  4. backward.go computes the loss and runs the part back;
//  5. step.go adds up the gradients of the parts and applies Adam;
//  6. gemm.go and kernel*.go do the arithmetic of all this.
//
// guess.go answers with a trained network.
//
// Equal inputs give equal bytes: a batch is cut into a fixed number of parts
// whose gradients are added in order, every sum has an order that neither the
// shape nor the number of workers changes, and what workers do at once writes
// to different places. AVX-512 and AVX2 run the same multiplications and
// additions in the same order and agree to the bit; plain Go rounds differently.
package lstm

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Config is the shape of a network.
type Config struct {
	// Vocab holds, for each discrete feature, the number of its values; a
	// feature is an index in [0, Vocab).
	Vocab []int
	// Dim holds the width of each feature's embedding.
	Dim []int
	// Unit makes features numbers: where it is above 0, value v of the feature
	// enters as v times Unit, and nothing about it is learned; its width is 1.
	// Nil: all features have learned embeddings.
	Unit []float32
	// Hidden is the number of units per layer and direction, a multiple of 16.
	Hidden int
	// Layers is the number of stacked layers, at least 1.
	Layers int
	// Bidirectional adds the reverse direction to every layer.
	Bidirectional bool
	// Classes is the number of classes, at least 1.
	Classes int
}

// Limits of a network: a shape beyond them is refused.
const (
	maxVocab   = 1 << 16
	maxDim     = 1 << 10
	maxHidden  = 1 << 11
	maxLayers  = 16
	maxClasses = 1 << 12
	// maxTable bounds the values of the first layer's tables: 1 GiB.
	maxTable = 1 << 28
)

// check refuses a shape that kernels have no room for (see the limits), widths
// that do not fill their vectors, and numbers without a finite unit.
func (c Config) check() error {
	switch {
	case len(c.Vocab) == 0 || len(c.Vocab) > 64 || len(c.Vocab) != len(c.Dim):
		return fmt.Errorf("lstm: %d vocabularies and %d embeddings: want the same number, 1 to 64", len(c.Vocab), len(c.Dim))
	case c.Hidden < 16 || c.Hidden > maxHidden || c.Hidden%16 != 0:
		return fmt.Errorf("lstm: hidden %d: want a multiple of 16 up to %d", c.Hidden, maxHidden)
	case c.Layers < 1 || c.Layers > maxLayers:
		return fmt.Errorf("lstm: %d layers: want 1 to %d", c.Layers, maxLayers)
	case c.Classes < 1 || c.Classes > maxClasses:
		return fmt.Errorf("lstm: %d classes: want 1 to %d", c.Classes, maxClasses)
	case c.Unit != nil && len(c.Unit) != len(c.Vocab):
		return fmt.Errorf("lstm: %d units for %d features", len(c.Unit), len(c.Vocab))
	}

	rows := 0
	for f := range c.Vocab {
		rows += c.Vocab[f]
		if c.isNumber(f) && (c.Dim[f] != 1 || math.IsInf(float64(c.Unit[f]), 1)) {
			return fmt.Errorf("lstm: feature %d is a number of unit %v and width %d: want a finite unit and width 1", f, c.Unit[f], c.Dim[f])
		}
		if c.Vocab[f] < 1 || c.Vocab[f] > maxVocab || c.Dim[f] < 1 || c.Dim[f] > maxDim {
			return fmt.Errorf("lstm: feature %d has %d values of width %d: want 1 to %d of 1 to %d", f, c.Vocab[f], c.Dim[f], maxVocab, maxDim)
		}
	}

	// The product cannot overflow: at most 64 vocabularies of 2^16, and 2^14
	// gates in both directions.
	if rows*4*c.width() > maxTable {
		return fmt.Errorf("lstm: %d feature values and %d hidden units: their product is too large", rows, c.Hidden)
	}
	return nil
}

// isNumber says that feature f is a number and not an embedding.
func (c Config) isNumber(f int) bool { return c.Unit != nil && c.Unit[f] > 0 }

// dirs is the number of directions.
func (c Config) dirs() int {
	if c.Bidirectional {
		return 2
	}
	return 1
}

// width is the number of values a layer puts out per step.
func (c Config) width() int { return c.dirs() * c.Hidden }

// tensor is one parameter tensor, row-major. W shares memory with the network;
// off is where it begins in a flat array of all parameters or of their gradient.
type tensor struct {
	Name       string
	Rows, Cols int
	W          []float32
	off        int
}

// layer holds the parameters of one layer and direction. Columns are the four
// gates in PyTorch's order: input, forget, cell, output.
type layer struct {
	wx, wh, b tensor // in x 4H, H x 4H, 1 x 4H
}

// Net is a network: its shape and its parameters. It is immutable and safe for
// concurrent use once training is over.
type Net struct {
	cfg    Config
	kr     Kernel
	w      []float32 // all parameters
	ts     []tensor  // their parts, in order
	embed  []tensor  // by feature
	layers [][]layer // by layer, direction
	ow, ob tensor    // fully connected layer: width x Classes, 1 x Classes
	pk     packed
}

// newRandom returns a network with random parameters drawn from rng: standard
// normal embeddings, all else uniform within 1/sqrt(fan) as PyTorch has it, and
// forget-gate biases of 1 (Jozefowicz et al., An Empirical Exploration of
// Recurrent Network Architectures, ICML 2015): a cell keeps its state until it
// has learned what to forget.
func newRandom(rng *rand.Rand, c Config) (*Net, error) {
	n, err := newNet(c)
	if err != nil {
		return nil, err
	}

	for f, t := range n.embed {
		for i := range t.W {
			if c.isNumber(f) {
				t.W[i] = float32(i) * c.Unit[f]
			} else {
				t.W[i] = float32(rng.NormFloat64())
			}
		}
	}

	// PyTorch takes the number of units as the fan of input weights too.
	for _, dirs := range n.layers {
		for _, l := range dirs {
			s := 1 / math.Sqrt(float64(c.Hidden))
			uniform(rng, l.wx.W, s)
			uniform(rng, l.wh.W, s)
			uniform(rng, l.b.W, s)
			for i := range c.Hidden {
				l.b.W[c.Hidden+i] = 1
			}
		}
	}
	s := 1 / math.Sqrt(float64(c.width()))
	uniform(rng, n.ow.W, s)
	uniform(rng, n.ob.W, s)
	n.repack(1)
	return n, nil
}

// uniform draws from [-scale, scale).
func uniform(rng *rand.Rand, w []float32, scale float64) {
	for i := range w {
		w[i] = float32((2*rng.Float64() - 1) * scale)
	}
}

// newNet lays out the parameters of c, all zero.
func newNet(c Config) (*Net, error) {
	if err := c.check(); err != nil {
		return nil, err
	}

	n := &Net{cfg: c, kr: Best()}
	size := 0
	add := func(name string, rows, cols int) tensor {
		t := tensor{Name: name, Rows: rows, Cols: cols, off: size}
		size += rows * cols
		n.ts = append(n.ts, t)
		return t
	}
	in := 0
	for f := range c.Vocab {
		n.embed = append(n.embed, add(fmt.Sprintf("embed%d", f), c.Vocab[f], c.Dim[f]))
		in += c.Dim[f]
	}
	for l := range c.Layers {
		n.layers = append(n.layers, make([]layer, c.dirs()))
		for d := range c.dirs() {
			name := fmt.Sprintf("layer%d.%s", l, [2]string{"forward", "backward"}[d])
			n.layers[l][d] = layer{
				wx: add(name+".wx", in, 4*c.Hidden),
				wh: add(name+".wh", c.Hidden, 4*c.Hidden),
				b:  add(name+".b", 1, 4*c.Hidden),
			}
		}
		in = c.width()
	}
	n.ow, n.ob = add("out.w", in, c.Classes), add("out.b", 1, c.Classes)

	// One array for all: the optimizer, checkpoints and sums over parts go
	// through it from end to end and know no tensor.
	n.w = make([]float32, size)
	bound := []*tensor{&n.ow, &n.ob}
	for i := range n.ts {
		bound = append(bound, &n.ts[i])
	}
	for f := range n.embed {
		bound = append(bound, &n.embed[f])
	}
	for _, dirs := range n.layers {
		for d := range dirs {
			bound = append(bound, &dirs[d].wx, &dirs[d].wh, &dirs[d].b)
		}
	}
	for _, t := range bound {
		t.W = t.view(n.w)
	}
	return n, nil
}

// view returns the part of a flat parameter or gradient array that is t's; it
// cannot grow into the next one's.
func (t tensor) view(flat []float32) []float32 {
	return flat[t.off : t.off+t.Rows*t.Cols : t.off+t.Rows*t.Cols]
}

// paramCount is the number of parameters.
func (c Config) paramCount() int {
	n, in := 0, 0
	for f := range c.Vocab {
		n += c.Vocab[f] * c.Dim[f]
		in += c.Dim[f]
	}
	for range c.Layers {
		n += c.dirs() * 4 * c.Hidden * (in + c.Hidden + 1)
		in = c.width()
	}
	return n + (in+1)*c.Classes
}
