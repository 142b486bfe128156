package lstm

import (
	"context"

	"veilbench/datasets/parallel"
)

// packed holds what is computed from the parameters once per step: matrices
// in panels, and for the first layer a table of what each value of each
// feature adds to the gates. The table stands in for the product of embedding
// and input weights at every packet: a row is looked up instead.
//
// A table has 4H columns and a row for each value of each feature, feature
// after feature; the bias is part of the rows of feature 0, of which every step
// has exactly one.
type packed struct {
	first   []int       // first row of each feature in a table
	rows    int         // of a table
	table   [][]float32 // by direction: rows x 4H
	wh, whT [][]panels  // by layer, direction; the transposes only in training
	wx, wxT [][]panels  // from the second layer on
	ow, owT panels
}

// spread calls do(i) for i from 0 to n-1 on at most workers goroutines. Nothing
// within a step of training can fail, and a step is too short to be stopped.
func spread(workers, n int, do func(i int)) {
	parallel.For(context.Background(), workers, n, func(_, i int) error {
		do(i)
		return nil
	})
}

// repack brings n.pk up to date with the parameters. Tables are most of the
// work, so the rows of a feature are two tasks.
func (n *Net) repack(workers int) {
	p, c := &n.pk, n.cfg
	if p.table == nil {
		p.alloc(c)
	}
	spread(workers, 2*len(c.Vocab)*c.dirs(), func(i int) {
		n.fillTable(i/2%c.dirs(), i/2/c.dirs(), i%2)
	})
	spread(workers, c.Layers*c.dirs(), func(i int) {
		l, d := i/c.dirs(), i%c.dirs()
		t := n.layers[l][d]
		p.wh[l][d].pack(t.wh.W, t.wh.Cols, t.wh.Rows, t.wh.Cols)
		if l > 0 {
			p.wx[l][d].pack(t.wx.W, t.wx.Cols, t.wx.Rows, t.wx.Cols)
		}
	})
	p.ow.pack(n.ow.W, n.ow.Cols, n.ow.Rows, n.ow.Cols)
}

// repackBack packs the transposes that the backward pass needs.
func (n *Net) repackBack(workers int) {
	p, c := &n.pk, n.cfg
	spread(workers, c.Layers*c.dirs(), func(i int) {
		l, d := i/c.dirs(), i%c.dirs()
		t := n.layers[l][d]
		p.whT[l][d].packT(t.wh.W, t.wh.Cols, t.wh.Cols, t.wh.Rows)
		if l > 0 {
			p.wxT[l][d].packT(t.wx.W, t.wx.Cols, t.wx.Cols, t.wx.Rows)
		}
	})
	p.owT.packT(n.ow.W, n.ow.Cols, n.ow.Cols, n.ow.Rows)
}

// alloc makes room for tables and for the headers of panels, which make their
// own room when they are packed.
func (p *packed) alloc(c Config) {
	for _, v := range c.Vocab {
		p.first = append(p.first, p.rows)
		p.rows += v
	}
	for range c.dirs() {
		p.table = append(p.table, make([]float32, p.rows*4*c.Hidden))
	}
	for _, m := range []*[][]panels{&p.wh, &p.whT, &p.wx, &p.wxT} {
		for range c.Layers {
			*m = append(*m, make([]panels, c.dirs()))
		}
	}
}

// fillTable computes one half of the rows of feature f in direction d's table:
// embedding times input weights.
func (n *Net) fillTable(d, f, half int) {
	l, e, h4 := n.layers[0][d], n.embed[f], 4*n.cfg.Hidden
	lo, hi := half*e.Rows/2, (half+1)*e.Rows/2
	if lo == hi {
		return
	}
	t := n.pk.table[d][(n.pk.first[f]+lo)*h4 : (n.pk.first[f]+hi)*h4]
	clear(t)
	if f == 0 {
		for r := 0; r < len(t); r += h4 {
			copy(t[r:], l.b.W)
		}
	}
	var b panels
	b.pack(l.wx.W[n.inputRow(f)*h4:], h4, e.Cols, h4)
	gemm(n.kr, hi-lo, e.W[lo*e.Cols:], e.Cols, 1, &b, t, h4)
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
