// Package lstm is a small neural network that names the class of every step of
// a sequence: embeddings of discrete features, stacked LSTM layers in one or
// both directions, dropout, a fully connected layer and softmax. It trains on
// CPUs by hand-written forward and backward passes over three kernels (matrix
// product, LSTM cell, elementwise helpers) that exist in assembly for AVX-512
// and for AVX2 with FMA, and in plain Go.
//
// Read this file first, then batch.go (forward and backward through one
// slice), train.go (the loop).
//
// Equal inputs give equal bytes: a batch is cut into a fixed number of slices
// whose gradients are added in slice order, so the number of workers does not
// matter. AVX-512 and AVX2 run the same multiplications and additions in the
// same order and agree to the bit; plain Go rounds differently.
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

// Limits of a network: a parameter beyond them is refused.
const (
	maxVocab   = 1 << 16
	maxDim     = 1 << 10
	maxHidden  = 1 << 11
	maxLayers  = 16
	maxClasses = 1 << 12
	// maxTable bounds the values of the first layer's tables: 1 GiB.
	maxTable = 1 << 28
)

// Check reports the first field that is out of range.
func (c Config) Check() error {
	switch {
	case len(c.Vocab) == 0 || len(c.Vocab) > 64 || len(c.Vocab) != len(c.Dim):
		return fmt.Errorf("lstm: %d vocabularies and %d embeddings: want the same number, 1 to 64", len(c.Vocab), len(c.Dim))
	case c.Hidden < 16 || c.Hidden > maxHidden || c.Hidden%16 != 0:
		return fmt.Errorf("lstm: hidden %d: want a multiple of 16 up to %d", c.Hidden, maxHidden)
	case c.Layers < 1 || c.Layers > maxLayers:
		return fmt.Errorf("lstm: %d layers: want 1 to %d", c.Layers, maxLayers)
	case c.Classes < 1 || c.Classes > maxClasses:
		return fmt.Errorf("lstm: %d classes: want 1 to %d", c.Classes, maxClasses)
	}
	if c.Unit != nil && len(c.Unit) != len(c.Vocab) {
		return fmt.Errorf("lstm: %d units for %d features", len(c.Unit), len(c.Vocab))
	}
	rows := 0
	for f := range c.Vocab {
		rows += c.Vocab[f]
		if c.number(f) && (c.Dim[f] != 1 || math.IsInf(float64(c.Unit[f]), 1)) {
			return fmt.Errorf("lstm: feature %d is a number of unit %v and width %d: want a finite unit and width 1", f, c.Unit[f], c.Dim[f])
		}
		if c.Vocab[f] < 1 || c.Vocab[f] > maxVocab || c.Dim[f] < 1 || c.Dim[f] > maxDim {
			return fmt.Errorf("lstm: feature %d has %d values of width %d: want 1 to %d of 1 to %d", f, c.Vocab[f], c.Dim[f], maxVocab, maxDim)
		}
	}
	if rows*4*c.width() > maxTable {
		return fmt.Errorf("lstm: %d feature values and %d hidden units: their product is too large", rows, c.Hidden)
	}
	return nil
}

// number says that feature f is a number and not an embedding.
func (c Config) number(f int) bool { return c.Unit != nil && c.Unit[f] > 0 }

// dirs is the number of directions.
func (c Config) dirs() int {
	if c.Bidirectional {
		return 2
	}
	return 1
}

// width is the number of values a layer puts out per step.
func (c Config) width() int { return c.dirs() * c.Hidden }

// Tensor is one parameter tensor, row-major. W shares memory with the network.
type Tensor struct {
	Name       string
	Rows, Cols int
	W          []float32
	off        int
}

// layer holds the parameters of one layer and direction. Columns are the four
// gates in PyTorch's order: input, forget, cell, output.
type layer struct {
	wx, wh, b Tensor // in x 4H, H x 4H, 1 x 4H
}

// Net is a network: its shape and its parameters. It is immutable and safe for
// concurrent use once training is over.
type Net struct {
	cfg    Config
	kr     Kernel
	w      []float32
	ts     []Tensor
	embed  []Tensor
	layers [][]layer // by layer, direction
	ow, ob Tensor
	pk     packed
}

// New returns a network with random parameters drawn from rng: standard normal
// embeddings, all else uniform within 1/sqrt(fan) as PyTorch has it, and
// forget-gate biases of 1 (Jozefowicz et al., 2015).
func New(rng *rand.Rand, c Config) (*Net, error) {
	n, err := newNet(c)
	if err != nil {
		return nil, err
	}
	for f, t := range n.embed {
		for i := range t.W {
			if c.number(f) {
				t.W[i] = float32(i) * c.Unit[f]
			} else {
				t.W[i] = float32(rng.NormFloat64())
			}
		}
	}
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

func uniform(rng *rand.Rand, w []float32, scale float64) {
	for i := range w {
		w[i] = float32((2*rng.Float64() - 1) * scale)
	}
}

// newNet lays out the parameters of c, all zero.
func newNet(c Config) (*Net, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	n := &Net{cfg: c, kr: Best()}
	size := 0
	add := func(name string, rows, cols int) Tensor {
		t := Tensor{Name: name, Rows: rows, Cols: cols, off: size}
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
	n.bind(make([]float32, size))
	return n, nil
}

// bind makes w the parameters of n.
func (n *Net) bind(w []float32) {
	n.w = w
	set := func(t *Tensor) { t.W = t.of(w) }
	for i := range n.ts {
		set(&n.ts[i])
	}
	for i := range n.embed {
		set(&n.embed[i])
	}
	for _, dirs := range n.layers {
		for d := range dirs {
			set(&dirs[d].wx)
			set(&dirs[d].wh)
			set(&dirs[d].b)
		}
	}
	set(&n.ow)
	set(&n.ob)
}

// of returns the part of a flat parameter or gradient array that is t's.
func (t Tensor) of(flat []float32) []float32 {
	return flat[t.off : t.off+t.Rows*t.Cols : t.off+t.Rows*t.Cols]
}

// Config returns the shape of n.
func (n *Net) Config() Config { return n.cfg }

// Kernel returns the kernel class n computes with.
func (n *Net) Kernel() Kernel { return n.kr }

// Tensors returns the parameters. Whoever changes them must call Refresh
// before n is used again.
func (n *Net) Tensors() []Tensor { return n.ts }

// Refresh makes n use parameters that were changed from outside, and the given
// kernel, which must be one of Kernels.
func (n *Net) Refresh(k Kernel) {
	n.kr = k
	n.repack(1)
}

// params is the number of parameters.
func (c Config) params() int {
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
