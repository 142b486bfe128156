// Package bench is the experiment. A Grid names data sets, defenses, attacks and
// what the attacker knows; Run makes of it cells and computes them:
//
//  1. Grid.units lists the cells, all of one data set and defense together
//     (grid.go).
//  2. A view is a recording as an observer sees it behind a defense, the link and
//     a vantage point: made and proved once, shared by attacks and folds
//     (views.go, observe.go), with the truth carried along.
//  3. A model is trained once for all cells that train on the same traffic
//     (model.go).
//  4. A cell asks its model about the test views, scores the answers (package
//     score) beside their floor (floor.go), and adds up what the defense cost
//     (package cost).
//  5. The result goes into the store (package results), which is all that
//     reports see.
package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"veilbench/bench/oath"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/parallel"
	"veilbench/defenses"
)

// Options of Run that have no influence on results.
type Options struct {
	// Workers is how many things to do at once; 0: GOMAXPROCS.
	Workers int
	// Store keeps results; nil: they are only returned.
	Store *results.Store
	// Progress is called after each cell, never at the same time twice; stored
	// says that the cell was read and not computed.
	Progress func(done, total int, stored bool)
	// Units, if set, keeps the units of work, each a defense on a data set, for which
	// it is true: a shard's share. What lies in a unit shares its defended traces.
	Units func(dataset, defense string) bool
	// Retry computes cells again that are stored as failed.
	Retry bool
	// PluginTimeout is how long a call of a plug-in may take before it is left
	// behind: its cells fail, and it is not called again. 0: no limit.
	PluginTimeout time.Duration
	// Plan is the manifest of the grid with its doubts, for who has made it already:
	// both take a look at every packet. Nil: Run makes it.
	Plan *results.Manifest
	// Only, if set, keeps the cells for which it is true.
	Only func(results.Cell) bool
}

// Run computes the grid and returns its results in canonical order (see
// Sort). Cells that the store has are read, not computed. A cell that fails is
// a result with Err set; an error is returned only when the grid makes no
// sense, the store fails, or ctx ends.
func Run(ctx context.Context, g Grid, opt Options) ([]results.Result, error) {
	g, err := g.withDefaults()
	if err != nil {
		return nil, err
	}
	units, err := g.units()
	if err != nil {
		return nil, err
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}

	r := newRunner(ctx, g, opt)
	if opt.Plan != nil {
		r.plan = *opt.Plan
	} else {
		r.plan = ManifestOf(g, "", nil)
		r.plan.Doubts = Doubts(g)
	}

	if opt.Units != nil {
		units = slices.DeleteFunc(units, func(u unit) bool { return !opt.Units(u.ds.Name, u.id) })
	}

	for i := range units {
		if opt.Only != nil {
			units[i].jobs = slices.DeleteFunc(units[i].jobs, func(j job) bool { return !opt.Only(j.cell) })
		}
		r.total += len(units[i].jobs)
	}

	// Units run one after the other, with workers inside each, so that the traces of
	// one defense alone are in memory beside the undefended ones.
	for _, u := range units {
		if err := r.computeUnit(ctx, u); err != nil {
			return nil, err
		}
	}
	results.Sort(r.results)
	return r.results, nil
}

// runner holds what a run shares. Results do not depend on any of it.
type runner struct {
	grid Grid
	opt  Options
	oath oath.Calls
	plan results.Manifest // whose digests are part of each result's name
	// defenses of the grid, and what each is compared with, by ID, the first of
	// several; never written to.
	defenses map[string]defenses.Defense

	mu      sync.Mutex
	results []results.Result
	total   int
	models  map[modelKey]*model
	views   map[viewKey]*views
	bases   map[baseKey]*lazyBase
	looks   map[lookKey]*look
	// floorsOf are by the cell without its attack and knowledge.
	floorsOf  map[results.Cell]*floors
	plantings map[plantKey]*planting // of the unit at work
	audits    map[viewKey]*lazyAudit

	large sync.Mutex // held while a large training is at work
}

func newRunner(ctx context.Context, g Grid, opt Options) *runner {
	byID := map[string]defenses.Defense{}
	for _, d := range g.Defenses {
		for _, d := range []defenses.Defense{d, defenses.Reference(d)} {
			if id := defenses.ID(d); byID[id] == nil {
				byID[id] = d
			}
		}
	}
	return &runner{
		grid: g, opt: opt, defenses: byID, oath: oath.New(ctx, opt.PluginTimeout),
		models: map[modelKey]*model{}, views: map[viewKey]*views{}, bases: map[baseKey]*lazyBase{},
		looks: map[lookKey]*look{}, floorsOf: map[results.Cell]*floors{}, plantings: map[plantKey]*planting{}, audits: map[viewKey]*lazyAudit{},
	}
}

// computeUnit does what is left to do of u. Its defended traces are made once
// and dropped at the end.
func (r *runner) computeUnit(ctx context.Context, u unit) error {
	store, err := r.open(u)
	if err != nil {
		return err
	}
	var todo []job
	for _, j := range u.jobs {
		res, ok, err := r.stored(store, j.cell)
		if err != nil {
			return err
		}
		if ok {
			r.record(res, true)
		} else {
			todo = append(todo, j)
		}
	}

	// One fold after the other where its views go with its last cell.
	left := map[results.Cell]int{}
	if u.sparing() {
		slices.SortStableFunc(todo, func(a, b job) int { return cmp.Compare(a.cell.Fold, b.cell.Fold) })
	}
	for _, j := range todo {
		left[j.tested()]++
		left[j.fitted()]++
	}
	if err := r.warm(ctx, u, todo); err != nil {
		return err
	}

	// A cell is stored when it is done, so that a run that is stopped goes on there.
	err = parallel.For(ctx, r.opt.Workers, len(todo), func(_, i int) error {
		res, timing, err := r.computeCell(ctx, u, todo[i])
		if err != nil {
			return err
		}
		if u.sparing() {
			r.release(u, todo[i], left)
		}
		if store != nil {
			if res, err = put(store, r.head(u, todo[i]), res, timing); err != nil {
				return err
			}
		}
		r.record(res, false)
		return nil
	})

	// Samples use the views of the unit, which drop forgets.
	if err == nil {
		err = r.samples(u)
	}
	r.drop(u)
	if err != nil || store == nil {
		return err
	}
	return store.Close()
}

// open is what the store has of u, nil without a store.
func (r *runner) open(u unit) (*results.Unit, error) {
	if r.opt.Store == nil {
		return nil, nil
	}
	return r.opt.Store.Unit(u.ds.Name, u.id)
}

// warm makes the defended traces that todo needs, so that workers do not wait
// for each other on the first ones. Those of fitted defenses come as they are
// asked for: there is one set for each fold. So do those of a sparing unit to test on.
func (r *runner) warm(ctx context.Context, u unit, todo []job) error {
	if Fitted(u.defense) {
		return nil
	}
	type want struct {
		vantage datasets.Vantage
		viewOf
	}
	seen := map[want]bool{}
	var list []want
	from := map[datasets.Vantage]part{} // any part does: nothing is fitted
	add := func(j job, w viewOf) {
		k := want{j.cell.Vantage, w}
		from[k.vantage] = part{u, j, 0}
		if !seen[k] {
			seen[k] = true
			list = append(list, k)
		}
	}

	// The undefended traces that unaware attackers train on are another unit's,
	// or made when a model first asks.
	for _, j := range todo {
		if j.planted() {
			continue // these make their own
		}
		for n := range j.fold {
			p := part{u, j, n}.recordings()
			if !u.sparing() {
				for _, i := range p.Test {
					add(j, viewOf{TestRole, i, j.cell.Draw})
				}
			}
			if j.cell.TrainDefense != u.id {
				continue
			}
			for _, i := range p.Train {
				for d := range j.cell.TrainDraws {
					add(j, viewOf{TrainRole, i, d})
				}
			}
		}
	}
	return parallel.For(ctx, r.opt.Workers, len(list), func(_, i int) error {
		r.view(from[list[i].vantage], u.id, list[i].viewOf)
		return nil
	})
}

// stored reads the result of a cell from the store; ok is false where it is to be
// computed.
func (r *runner) stored(store *results.Unit, c results.Cell) (results.Result, bool, error) {
	if store == nil {
		return results.Result{}, false, nil
	}
	res, ok, err := store.Get(c, r.plan.DataDigest(c.Dataset), r.plan.Setup(c))
	if ok && res.Err != "" && r.opt.Retry {
		return results.Result{}, false, nil
	}
	return res, ok, err
}

func (r *runner) record(res results.Result, stored bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, res)
	if r.opt.Progress != nil {
		r.opt.Progress(len(r.results), r.total, stored)
	}
}

// put stores a result. One that cannot be written, since a plug-in made a figure
// of it no number, is stored as failed; head is all of it that came before
// plug-ins.
func put(store *results.Unit, head, res results.Result, timing results.Timing) (results.Result, error) {
	err := store.Put(res, timing)
	var bad *json.UnsupportedValueError
	if errors.As(err, &bad) {
		res = head
		res.Err = fmt.Sprintf("a figure of the result is no number: %v", bad)
		err = store.Put(res, timing)
	}
	return res, err
}
