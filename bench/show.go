package bench

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"strconv"

	"veilbench/attacks"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/bench/truth"
	"veilbench/datasets"
	"veilbench/datasets/parallel"
	"veilbench/defenses"
)

// item names a view of a recording for those outside.
func (r *runner) item(p part, defense string, of viewOf) outside.Item {
	i := outside.Item{
		Data: r.plan.DataDigest(p.ds.Name), Task: p.cell.Task, Vantage: p.cell.Vantage, Defense: defense, Seed: r.grid.Seed,
		Role: string(of.role), Draw: of.draw, Recording: p.ds.Recordings[of.rec].ID,
	}
	if of.role == TrainRole && Fitted(r.defense(defense)) {
		i.Fit = foldName(p.cell.Fold, p.n, p.fold)
	}
	return i
}

// foldName numbers a training and what is tested with it: the fold or, where a fold has
// several parts, fold.part.
func foldName(fold, part int, f datasets.Fold) string {
	if len(f) == 1 {
		return strconv.Itoa(fold)
	}
	return fmt.Sprintf("%d.%d", fold, part)
}

// Shown is a recording as attackers of a grid have it: one that they learn from or are
// asked about, behind a defense and seen from a vantage point.
type Shown struct {
	outside.Asked
	// Folds are those in which it serves in its role, by name.
	Folds []string
	// Labeled is the trace with its truth, of an item to be tested on too.
	attacks.Labeled
	From *datasets.Recording
	// Err is why the defense left nothing to see; then Labeled is empty.
	Err error
}

// Items lists what attackers of g learn from and are asked about, without making it:
// Labeled is empty, so it takes no time.
func Items(g Grid) ([]Shown, error) {
	var out []Shown
	err := eachItem(context.Background(), g, Options{}, false, func(s Shown) error {
		out = append(out, s)
		return nil
	})
	return out, err
}

// Show calls f with every item of g: data sets, defenses, vantage points and tasks in
// the order of its lists, and in each those to train on, then those to test on. They
// are the very traces of the cells of a run. Each is made once and dropped with its
// defense. An error is that of f or of the grid; what a defense does wrong is in the
// item.
func Show(ctx context.Context, g Grid, opt Options, f func(Shown) error) error {
	return eachItem(ctx, g, opt, true, f)
}

// eachItem is Show, or Items where nothing is to be made.
func eachItem(ctx context.Context, g Grid, opt Options, see bool, f func(Shown) error) error {
	g, err := g.withDefaults()
	if err != nil {
		return err
	}
	opt.Workers = cmp.Or(opt.Workers, runtime.GOMAXPROCS(0))
	r := newRunner(ctx, g, opt)
	r.plan = ManifestOf(g, "", nil)
	for i := range g.Datasets {
		ds := &g.Datasets[i]
		for _, d := range g.Defenses {
			u := unit{ds: ds, defense: d, id: defenses.ID(d)}
			for _, v := range g.vantages(ds) {
				// Tasks use other recordings, so folds are theirs, and with them a defense that
				// learns.
				for _, task := range g.tasks(ds) {
					folds, err := g.split(ds).Folds(ds, task)
					if err != nil {
						return fmt.Errorf("data set %s: split %s: %w", ds.Name, g.split(ds), err)
					}
					if err := r.show(ctx, u, r.wanted(u, v, task, folds), see, f); err != nil {
						return err
					}
				}
			}
			r.drop(u)
		}
	}
	return nil
}

// want is a view, a part that sees it, and the folds in which it serves.
type want struct {
	part
	viewOf
	folds []string
}

// wanted lists the views of a unit that the attackers of one task have at one vantage
// point, those to train on first. A defense that learns makes others for every part.
func (r *runner) wanted(u unit, v datasets.Vantage, task datasets.Task, folds []datasets.Fold) []want {
	cell := results.Cell{Dataset: u.ds.Name, Task: task, Vantage: v, Defense: u.id, TrainDefense: u.id, Split: r.grid.split(u.ds), Seed: r.grid.Seed}
	classes := Classes(u.ds, task)
	trainDraws := r.grid.TrainDraws
	if u.id == results.NoDefense {
		trainDraws = 1 // every draw of no defense is the same
	}

	var train, test []want
	at := map[string]int{} // of items that several parts train on
	for cell.Fold = range folds {
		fold := folds[cell.Fold]
		for n := range fold {
			p, name := part{u, job{cell: cell, fold: fold, classes: classes}, n}, foldName(cell.Fold, n, fold)
			for _, i := range fold[n].Train {
				for d := range trainDraws {
					of := viewOf{TrainRole, i, d}
					id := r.item(p, u.id, of).ID()
					k, seen := at[id]
					if !seen {
						k = len(train)
						at[id] = k
						train = append(train, want{part: p, viewOf: of})
					}
					train[k].folds = append(train[k].folds, name)
				}
			}
			for _, i := range fold[n].Test {
				for d := range r.grid.Draws {
					test = append(test, want{p, viewOf{TestRole, i, d}, []string{name}})
				}
			}
		}
	}
	return append(train, test...)
}

// show calls f with views in order; they are made side by side first.
func (r *runner) show(ctx context.Context, u unit, list []want, see bool, f func(Shown) error) error {
	if see {
		err := parallel.For(ctx, r.opt.Workers, len(list), func(_, i int) error {
			r.view(list[i].part, u.id, list[i].viewOf)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, w := range list {
		var same map[string]string
		if w.cell.Task != datasets.TaskDevice { // devices can always be told apart
			same = score.NewClasses(u.ds.Same)
		}
		s := Shown{
			Asked: outside.Asked{Item: r.item(w.part, u.id, w.viewOf), Dataset: u.ds.Name, Classes: w.classes, Same: same},
			Folds: w.folds, From: &u.ds.Recordings[w.rec],
		}
		if see {
			// The truth is that of the cells: devices that nobody labeled are not in
			// training, and what is taken for them in test is a false alarm.
			o, task := r.view(w.part, u.id, w.viewOf), w.cell.Task
			if s.Err = o.err; s.Err == nil {
				s.Labeled = o.truthOf(task, u.ds).labeled(task)
				if w.role == TrainRole && task == datasets.TaskEvent {
					s.Labeled = truth.WithoutUnmonitored(o.labeled(task), u.ds.Unmonitored)
				}
			}
		}
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}
