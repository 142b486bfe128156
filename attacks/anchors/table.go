package anchors

import (
	"cmp"
	"context"
	"slices"

	"veilbench/attacks/forest"
)

// table is the candidates of an anchor in all examples.
type table struct {
	columns columns
	kind    []int32
	fold    []int
	example []int
	found   []detection // without score
	llr     []float64
}

// The kinds of a row. A forest learns from the first two; an event that has
// several candidates shows one of them.
const (
	ofNone  = 0
	ofEvent = 1
	beside  = 2
)

// tableOf makes the table of an anchor.
func (l *learner) tableOf(ctx context.Context, a *anchor, events []place, c classTrials) (*table, error) {
	in := map[place]bool{}
	for _, e := range events {
		in[e] = true
	}
	t := &table{}
	for i, x := range l.indexes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}

		// An event's packets beside the one that fits best are no counterexample,
		// and as examples they would teach that the template may be off.
		found := a.candidates(x, l.window)
		rows := a.rows(x, found, l.window)
		if t.columns == nil {
			t.columns = make(columns, len(rows))
		}
		for j := range rows {
			t.columns[j] = append(t.columns[j], rows[j]...)
		}

		for _, f := range found {
			d := newDetection(x, f, 0)
			kind := int32(ofNone)
			switch {
			case in[place{i, d.packet}]:
				kind = ofEvent
			case c.number(l.mine[i], d.packet) >= 0:
				kind = beside
			}
			t.kind = append(t.kind, kind)
			t.fold = append(t.fold, l.foldOf(i, d.at))
			t.example = append(t.example, i)
			t.found = append(t.found, d)
			t.llr = append(t.llr, f.llr)
		}
	}
	return t, nil
}

// A forest is grown on at most perEvent candidates of no event for each one of an
// event, within these bounds.
const perEvent, fewestOthers, mostOthers = 20, 500, 3000

// grow grows a forest on rows that are not of fold skip: all of events, and of the
// others the likeliest, which are the hardest, and as many taken evenly. It is nil
// when there is none of an event.
func (t *table) grow(ctx context.Context, l *learner, skip int) (*forest.Forest, error) {
	var rows, others []int
	for i, k := range t.kind {
		switch {
		case t.fold[i] == skip:
		case k == ofEvent:
			rows = append(rows, i)
		case k == ofNone:
			others = append(others, i)
		}
	}
	if len(rows) == 0 {
		return nil, ctx.Err()
	}

	// Thresholds are chosen on all rows that are held out, so that it does no harm
	// to grow on a choice that makes events more frequent than they are.
	if most := min(max(perEvent*len(rows), fewestOthers), mostOthers); len(others) > most {
		slices.SortStableFunc(others, func(a, b int) int { return cmp.Compare(t.llr[b], t.llr[a]) })
		others = slices.Concat(others[:most/2], thin(others[most/2:], most/2))
		slices.Sort(others)
	}

	rows = append(rows, others...)
	y := make([]int32, len(rows))
	for i, r := range rows {
		y[i] = t.kind[r]
	}
	return forest.Train(ctx, t.pick(rows), y, 2, forest.Options{Trees: l.a.Trees, Seed: l.seed, Workers: 1})
}

// pick returns some rows.
func (t *table) pick(rows []int) columns {
	out := make(columns, len(t.columns))
	for j := range out {
		out[j] = make([]float32, len(rows))
		for i, r := range rows {
			out[j][i] = t.columns[j][r]
		}
	}
	return out
}

// hold adds to held, by example, what a forest that was not grown on fold f finds
// there.
func (t *table) hold(ctx context.Context, l *learner, f int, held [][]detection) error {
	var rows []int
	for i := range t.fold {
		if t.fold[i] == f {
			rows = append(rows, i)
		}
	}

	// Without an event in the other folds there is no forest, and nothing is found.
	forest, err := t.grow(ctx, l, f)
	if err != nil || forest == nil || len(rows) == 0 {
		return err
	}
	p, err := forest.PredictAll(ctx, t.pick(rows), 1)
	if err != nil {
		return err
	}

	for i, r := range rows {
		if yes := float64(p[2*i+1]); yes >= doubt {
			d := t.found[r]
			d.score = yes
			held[t.example[r]] = append(held[t.example[r]], d)
		}
	}
	return nil
}
