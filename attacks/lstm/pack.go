package lstm

import (
	"context"

	"veilbench/datasets/parallel"
)

// packed holds what is computed from the parameters before they are used: matrices
// in panels, and the tables of all values.
type packed struct {
	all     tables
	wh, whT [][]panels // by layer, direction; the transposes only in training
	wx, wxT [][]panels // from the second layer on
	ow, owT panels
}

// tables hold what values of the features add to the gates of the first layer. They
// stand in for the product of embedding and input weights at every packet: a row
// is looked up instead.
//
// A table has 4H columns and a row for each value in use, feature after feature;
// the bias is part of the rows of feature 0, of which every step has exactly one.
// All values are in use for answers; for a step of training those of its batch
// alone, since most values are rare: the others' rows would be made for nothing,
// and their gradient is zero.
type tables struct {
	first []int       // first row of each feature, and their number at the end
	row   []int32     // by value of all features, feature after feature: its row, -1 if it is not in use
	value []int32     // by row: its value, as a place in row
	embed [][]float32 // by feature: the embeddings of its rows
	sums  [][]float32 // by direction: rows x 4H
	rows  []panels    // scratch by feature and direction: the input weights, then the gradient of the rows
}

// spread calls do(i) for i from 0 to n-1 on at most workers goroutines. Nothing
// within a step of training can fail, and a step is too short to be stopped.
func spread(workers, n int, do func(i int)) {
	parallel.For(context.Background(), workers, n, func(_, i int) error {
		do(i)
		return nil
	})
}

// repack brings n.pk up to date with the parameters, for answers.
func (n *Net) repack(workers int) {
	n.pack(workers, false)
	n.pk.all.useAll(n)
	n.fill(workers, &n.pk.all)
}

// pack packs the matrices, and in training the transposes that the backward pass
// needs.
func (n *Net) pack(workers int, training bool) {
	p, c := &n.pk, n.cfg
	if p.wh == nil {
		for _, m := range []*[][]panels{&p.wh, &p.whT, &p.wx, &p.wxT} {
			for range c.Layers {
				*m = append(*m, make([]panels, c.dirs()))
			}
		}
	}

	// The first layer has no input panels: its tables stand for them.
	spread(workers, c.Layers*c.dirs(), func(i int) {
		l, d := i/c.dirs(), i%c.dirs()
		t := n.layers[l][d]
		p.wh[l][d].pack(t.wh.W, t.wh.Cols, t.wh.Rows, t.wh.Cols)
		if l > 0 {
			p.wx[l][d].pack(t.wx.W, t.wx.Cols, t.wx.Rows, t.wx.Cols)
		}
		if training {
			p.whT[l][d].packT(t.wh.W, t.wh.Cols, t.wh.Cols, t.wh.Rows)
			if l > 0 {
				p.wxT[l][d].packT(t.wx.W, t.wx.Cols, t.wx.Cols, t.wx.Rows)
			}
		}
	})

	p.ow.pack(n.ow.W, n.ow.Cols, n.ow.Rows, n.ow.Cols)
	if training {
		p.owT.packT(n.ow.W, n.ow.Cols, n.ow.Cols, n.ow.Rows)
	}
}

// useAll gives every value a row.
func (t *tables) useAll(n *Net) {
	t.reset(n)
	for v := range t.row {
		t.row[v] = 0
	}
	t.number(n)
}

// useOnly gives a row to the values that the windows of d hold.
func (t *tables) useOnly(n *Net, d Data, windows []int32) {
	t.reset(n)
	size := d.Steps * d.Features
	base := n.valuesBefore()
	for _, w := range windows {
		x := d.X[int(w)*size:][:size]
		for len(x) > 0 {
			for f, b := range base {
				t.row[b+int(x[f])] = 0
			}
			x = x[len(base):]
		}
	}
	t.number(n)
}

// reset takes all rows away.
func (t *tables) reset(n *Net) {
	c := n.cfg
	if t.row == nil {
		values := 0
		for _, v := range c.Vocab {
			values += v
		}
		t.row = make([]int32, values)
		t.embed, t.sums, t.rows = make([][]float32, len(c.Vocab)), make([][]float32, c.dirs()), make([]panels, len(c.Vocab)*c.dirs())
	}
	for v := range t.row {
		t.row[v] = -1
	}
}

// number numbers the rows of the values marked in row in their order, so that sums
// over rows are taken in the same order whatever is left out, and copies their
// embeddings.
func (t *tables) number(n *Net) {
	t.first, t.value = t.first[:0], t.value[:0]
	at := 0
	for f, e := range n.embed {
		t.first, t.embed[f] = append(t.first, len(t.value)), t.embed[f][:0]
		for v := range e.Rows {
			if t.row[at] >= 0 {
				t.row[at] = int32(len(t.value))
				t.value = append(t.value, int32(at))
				t.embed[f] = append(t.embed[f], e.W[v*e.Cols:(v+1)*e.Cols]...)
			}
			at++
		}
	}
	t.first = append(t.first, len(t.value))
	for d := range t.sums {
		t.sums[d] = sized(t.sums[d], len(t.value)*4*n.cfg.Hidden)
	}
}

// sized is a with n values, which are not cleared.
func sized(a []float32, n int) []float32 {
	if cap(a) < n {
		return make([]float32, n)
	}
	return a[:n]
}

// valuesBefore is, for each feature, how many values those before it have.
func (n *Net) valuesBefore() []int {
	base := make([]int, len(n.cfg.Vocab))
	for f, v := range n.cfg.Vocab[:len(base)-1] {
		base[f+1] = base[f] + v
	}
	return base
}

// fill computes the rows of t. They are most of the work of repack, so those of a
// feature are two tasks.
func (n *Net) fill(workers int, t *tables) {
	dirs := n.cfg.dirs()
	spread(workers, len(t.rows), func(i int) {
		f, l := i/dirs, n.layers[0][i%dirs]
		t.rows[i].pack(l.wx.W[n.inputRow(f)*l.wx.Cols:], l.wx.Cols, n.embed[f].Cols, l.wx.Cols)
	})
	spread(workers, 2*len(t.rows), func(i int) { n.fillTable(t, i/2%dirs, i/2/dirs, i%2) })
}

// fillTable computes one half of the rows of feature f in direction d's table:
// embedding times input weights.
func (n *Net) fillTable(t *tables, d, f, half int) {
	h4, cols := 4*n.cfg.Hidden, n.embed[f].Cols
	rows := t.first[f+1] - t.first[f]
	lo, hi := half*rows/2, (half+1)*rows/2
	if lo == hi {
		return
	}
	sums := t.sums[d][(t.first[f]+lo)*h4 : (t.first[f]+hi)*h4]
	clear(sums)
	if f == 0 {
		for r := 0; r < len(sums); r += h4 {
			copy(sums[r:], n.layers[0][d].b.W)
		}
	}
	gemm(n.kr, hi-lo, t.embed[f][lo*cols:], cols, 1, &t.rows[f*n.cfg.dirs()+d], sums, h4)
}

// inputRow is the first row of feature f's embedding among the inputs of the
// first layer.
func (n *Net) inputRow(f int) int {
	row := 0
	for _, e := range n.embed[:f] {
		row += e.Cols
	}
	return row
}

// dropTransposes frees what only training needs.
func (p *packed) dropTransposes() {
	for l := range p.whT {
		clear(p.whT[l])
		clear(p.wxT[l])
	}
	p.owT = panels{}
}
