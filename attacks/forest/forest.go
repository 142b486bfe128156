// Package forest grows random forests over numbers. It knows no packet.
package forest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"veilbench/datasets/parallel"
)

// Options are the settings of a random forest. The zero value is what is
// usual: 100 trees, grown until each leaf is of one class or nothing can split
// it, and the square root of the number of features tried at each node. More are
// tried while none can split.
type Options struct {
	// Trees is the number of trees; 0 means 100.
	Trees int
	// Workers is how many trees grow at once; 0 means GOMAXPROCS. The forest
	// does not depend on it.
	Workers int
	// Seed decides the draws: tree i draws from (Seed, i).
	Seed uint64
	// Memory bounds the bytes of all trees; 0 means no bound. A forest beyond it
	// is an error, found after at most one tree per worker too many.
	Memory int64
}

// Forest is a random forest for classification (Breiman, Random Forests,
// Machine Learning 45, 2001): each tree grows on a bootstrap of the rows, each
// node tries a random few of the columns and cuts where the Gini impurity falls
// most, and the answer is the mean over trees of the class shares in the leaf
// that a row comes to. It is immutable and safe for concurrent use.
//
// Columns are cut into at most 256 bins first, so that a value is one byte.
//
// Deviation from the usual forest: splits lie between bins (quantiles of the
// training column), not between any two values; in a node that lacks some bins
// the cut is put in the middle of the gap, which makes the two level in
// accuracy.
type Forest struct {
	classes int
	cuts    [][]float32 // of each column, ascending: value v is in bin #(cuts < v)
	trees   []tree
	walks   []walk // the trees again, for PredictAll
}

// tree is nodes in preorder: the left child of a node is the next one.
type tree struct {
	nodes []forestNode
	mixed []float32 // class shares of leaves that hold several classes
}

// forestNode is 8 bytes.
type forestNode struct {
	feature uint16 // leafFeature marks a leaf
	bin     uint8  // go left if the row's bin <= bin
	// right is the right child; of a leaf it is the class, or -1-i for row i
	// of tree.mixed.
	right int32
}

const (
	leafFeature = math.MaxUint16
	maxBins     = 256
)

// Features is the number of columns that the forest was grown on and asks for.
func (f *Forest) Features() int { return len(f.cuts) }

// Train grows a forest. columns[j][i] is feature j of row i, y[i] its
// class, 0 to classes-1. Nothing is kept of columns and y. NaN counts as the
// smallest value. It refuses a training set without rows or columns, columns
// of unequal length, classes out of range and trees beyond o.Memory.
func Train(ctx context.Context, columns [][]float32, y []int32, classes int, o Options) (*Forest, error) {
	if err := checkForest(columns, y, classes); err != nil {
		return nil, err
	}
	if o.Trees == 0 {
		o.Trees = 100
	}

	workers := forestWorkers(o.Workers, max(o.Trees, len(columns)))
	f := &Forest{classes: classes, cuts: make([][]float32, len(columns)), trees: make([]tree, o.Trees), walks: make([]walk, o.Trees)}
	b := &binned{rows: len(y), cols: make([]column, len(columns)), y: y}
	scratch := make([]radix, workers)
	err := parallel.For(ctx, workers, len(columns), func(w, j int) error {
		f.cuts[j] = scratch[w].columnCuts(columns[j])
		b.cols[j] = column{binColumn(make([]uint8, len(y)), f.cuts[j], columns[j]), len(f.cuts[j]) + 1}
		return nil
	})
	if err != nil {
		return nil, err
	}

	// A tree draws from its own number and goes to its own place, so it does
	// not matter which worker grows it; a worker keeps its scratch.
	growers := make([]*grower, workers)
	var bytes atomic.Int64
	full := func() bool { return o.Memory > 0 && bytes.Load() > o.Memory }
	err = parallel.For(ctx, workers, o.Trees, func(w, i int) error {
		if growers[w] == nil {
			growers[w] = newGrower(b, classes, o.Seed)
		}
		if !full() {
			f.trees[i] = growers[w].grow(i)
			f.walks[i] = newWalk(f.trees[i])
			bytes.Add(f.trees[i].bytes())
		}
		if full() {
			return fmt.Errorf("forest: %d trees over %d rows need more than the %d MB allowed: take fewer trees or rows", o.Trees, len(y), o.Memory>>20)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// bytes is what a tree and its walk take: 8 for a node, 8 and 4 for one of the
// walk, which shares mixed.
func (t *tree) bytes() int64 { return int64(20*len(t.nodes) + 4*len(t.mixed)) }

// checkForest refuses what the bit layouts have no room for (16 bits of class
// and of feature) and what would be read out of range.
func checkForest(columns [][]float32, y []int32, classes int) error {
	switch {
	case len(y) == 0:
		return errors.New("forest: no rows")
	case len(columns) == 0 || len(columns) >= leafFeature:
		return fmt.Errorf("forest: %d columns, want 1 to %d", len(columns), leafFeature-1)
	case classes < 1 || classes > math.MaxUint16:
		return fmt.Errorf("forest: %d classes, want 1 to %d", classes, math.MaxUint16)
	}
	for j, c := range columns {
		if len(c) != len(y) {
			return fmt.Errorf("forest: column %d has %d rows, want %d", j, len(c), len(y))
		}
	}
	for i, c := range y {
		if c < 0 || int(c) >= classes {
			return fmt.Errorf("forest: row %d has class %d of %d", i, c, classes)
		}
	}
	return nil
}

func forestWorkers(n, tasks int) int {
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return max(1, min(n, tasks))
}

// Predict writes the probability of every class for one row of raw features to
// probs, which has a place for each. It panics when lengths do not fit.
func (f *Forest) Predict(row []float32, probs []float64) {
	if len(row) != len(f.cuts) || len(probs) != f.classes {
		panic("attacks: Predict: row or probs of the wrong length")
	}
	bins := make([]uint8, len(row))
	for j, v := range row {
		bins[j] = binOf(f.cuts[j], v)
	}

	clear(probs)
	for i := range f.trees {
		t := &f.trees[i]
		at := int32(0)
		for t.nodes[at].feature != leafFeature {
			at = t.nodes[at].childOf(at, bins)
		}

		// Most leaves are of one class, which needs no row of shares.
		if c := t.nodes[at].right; c >= 0 {
			probs[c]++
			continue
		}
		for c, p := range t.leafShares(at, f.classes) {
			probs[c] += float64(p)
		}
	}
	for c := range probs {
		probs[c] /= float64(len(f.trees))
	}
}

// childOf is the child that a row of these bins goes to from n, which is at at.
func (n forestNode) childOf(at int32, bins []uint8) int32 {
	if bins[n.feature] <= n.bin {
		return at + 1
	}
	return n.right
}

// leafShares are the class shares of a leaf with several classes.
func (t *tree) leafShares(at int32, classes int) []float32 {
	i := int(-1-t.nodes[at].right) * classes
	return t.mixed[i : i+classes]
}

// predictBlock bounds how many rows are walked through one tree before the
// next tree's nodes are loaded: their bins and sums stay in the second cache.
const predictBlock = 8192

// PredictAll returns the probabilities of every class for all rows of columns
// (columns[j][i] is feature j of row i), row by row: a value for each class. It
// gives what Predict gives, to rounding, and faster. workers = 0 means
// GOMAXPROCS; the result does not depend on it.
func (f *Forest) PredictAll(ctx context.Context, columns [][]float32, workers int) ([]float32, error) {
	if len(columns) != len(f.cuts) {
		return nil, fmt.Errorf("forest: %d columns, trained on %d", len(columns), len(f.cuts))
	}
	rows := len(columns[0])
	for j, c := range columns {
		if len(c) != rows {
			return nil, fmt.Errorf("forest: column %d has %d rows, column 0 has %d", j, len(c), rows)
		}
	}

	// A row's sum takes the trees in order whatever block it is in, so the
	// blocks may follow from the number of workers and the result does not.
	out := make([]float32, rows*f.classes)
	workers = forestWorkers(workers, rows)
	size := min(predictBlock, rows/workers+1)
	blocks := (rows + size - 1) / size
	scratch := make([][]uint8, workers)
	err := parallel.For(ctx, workers, blocks, func(w, b int) error {
		lo, hi := b*size, min((b+1)*size, rows)
		if scratch[w] == nil {
			scratch[w] = make([]uint8, size*len(f.cuts))
		}
		f.predictRows(columns, lo, hi, scratch[w], out[lo*f.classes:hi*f.classes])
		return nil
	})
	return out, err
}

// predictRows writes the probabilities of rows lo to hi to out. bins is scratch
// for their bins, which are turned from columns into rows here: a walk reads
// many features of one row.
func (f *Forest) predictRows(columns [][]float32, lo, hi int, bins []uint8, out []float32) {
	width := len(f.cuts)
	column := make([]uint8, hi-lo)
	for j, c := range columns {
		for i, b := range binColumn(column, f.cuts[j], c[lo:hi]) {
			bins[i*width+j] = b
		}
	}
	for i := range f.trees {
		f.walks[i].addRows(bins[:(hi-lo)*width], width, f.classes, out)
	}
	scale := 1 / float32(len(f.trees))
	for i := range out {
		out[i] *= scale
	}
}
