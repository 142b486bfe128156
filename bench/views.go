package bench

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/bench/choose"
	"veilbench/bench/cost"
	"veilbench/bench/draws"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/bench/truth"
	"veilbench/datasets"
	"veilbench/datasets/parallel"
	"veilbench/defenses"
)

// part is part n of the fold of a job: one training and the recordings that it
// is tested on.
type part struct {
	unit
	job
	n int
}

// recordings are those of p, of training those that were recorded behind the defense
// that its cell trains on.
func (p part) recordings() datasets.Part {
	r := p.fold[p.n]
	r.Train = p.ds.Behind(r.Train, p.cell.TrainDefense)
	return r
}

// viewKey names a set of views: what one vantage point sees behind one
// defense. scope is the fold and part that a fitted defense learned in.
type viewKey struct {
	dataset, defense, scope string
	vantage                 datasets.Vantage
}

// views holds observed recordings, made when first asked for.
type views struct {
	mu   sync.Mutex
	fit  sync.Once
	look sync.Once
	pipe pipeline
	err  error
	seen map[viewOf]*lazyView

	lookErr error // what the look ahead found against the defense
}

// viewOf is recording rec, by its index, in one role and draw.
type viewOf struct {
	role Role
	rec  int
	draw int
}

type lazyView struct {
	once sync.Once
	o    *observed
}

// view returns a recording behind the defense named, as p's observer sees it.
// Whoever asks first makes it; others wait for that.
func (r *runner) view(p part, defense string, of viewOf) *observed {
	rec := &p.ds.Recordings[of.rec]
	vs, err := r.pipe(p, defense)
	if err != nil {
		return &observed{rec: rec, err: err}
	}
	lv := vs.entry(of)
	lv.once.Do(func() { lv.o = vs.pipe.observe(rec, r.base(p.ds, of.rec), of.role, of.draw) })
	return lv.o
}

// pipe returns the views behind the defense named for p's observer, with a pipeline
// that is ready: fitted, and looked at ahead.
func (r *runner) pipe(p part, defense string) (*views, error) {
	d := r.defense(defense)
	if p.cell.Vantage == datasets.Zigbee {
		if err := defenses.RefusesRadio(d); err != nil {
			return nil, err
		}
	}
	key := r.viewKey(p, defense)
	vs := r.viewsOf(key, d)

	// Views wait for fitting and for the look ahead, each done once: both
	// change what every view of the set says.
	if Fitted(d) {
		vs.fit.Do(func() { vs.err = vs.learn(p.ds, p.recordings().Train) })
	}
	if vs.err != nil {
		return nil, vs.err
	}
	vs.look.Do(func() {
		l := r.looked(key, vs.pipe.defense, p.ds)
		vs.pipe.oracle, vs.lookErr = l.oracle, l.err
	})
	if vs.lookErr != nil {
		return nil, fmt.Errorf("defense %s: %w", defense, vs.lookErr)
	}
	return vs, nil
}

// viewKey is the key of the views behind the defense named for p's observer.
func (r *runner) viewKey(p part, defense string) viewKey {
	key := viewKey{dataset: p.ds.Name, defense: defense, vantage: p.cell.Vantage}
	if Fitted(r.defense(defense)) {
		key.scope = fmt.Sprint(p.cell.Task, "/", p.cell.Fold, "/", p.n)
	}
	return key
}

// viewsOf returns the set of views of a key, made empty when it is new.
func (r *runner) viewsOf(key viewKey, d defenses.Defense) *views {
	r.mu.Lock()
	defer r.mu.Unlock()
	vs := r.views[key]
	if vs == nil {
		vs = &views{seen: map[viewOf]*lazyView{}, pipe: pipeline{oath: r.oath, seed: r.grid.Seed, link: r.grid.Link, defense: d, id: key.defense, draws: defenses.DrawID(d), vantage: key.vantage}}
		r.views[key] = vs
	}
	return vs
}

// entry is the place of one view, made empty when it is new.
func (v *views) entry(of viewOf) *lazyView {
	v.mu.Lock()
	defer v.mu.Unlock()
	lv := v.seen[of]
	if lv == nil {
		lv = &lazyView{}
		v.seen[of] = lv
	}
	return lv
}

// learn fits the stages that learn, on the undefended training recordings.
func (v *views) learn(ds *datasets.Dataset, train []int) error {
	recs := make([]datasets.Recording, len(train))
	for i, t := range train {
		recs[i] = ds.Recordings[t]
	}

	var chain defenses.Chain
	for i, d := range defenses.Stages(v.pipe.defense) {
		if f, ok := d.(defenses.Fitter); ok {
			name := d.Info().Name
			// The stage's number keeps the draws of equal stages apart.
			var err error
			d, err = v.pipe.oath.Fit(context.Background(), "defense "+defenses.ID(d), f, draws.New(v.pipe.seed, v.pipe.draws, "fit", strconv.Itoa(i)), recs)
			if err != nil {
				return fmt.Errorf("defense %s: learning from %d recordings: %w", name, len(recs), err)
			}
		}
		chain = append(chain, d)
	}
	v.pipe.defense = chain
	return nil
}

// Fitted says whether a stage of d learns from training traffic.
func Fitted(d defenses.Defense) bool {
	for _, s := range defenses.Stages(d) {
		if _, ok := s.(defenses.Fitter); ok {
			return true
		}
	}
	return false
}

// defense returns the defense of the grid with that ID; an unaware attacker
// trains behind none, which a grid need not list.
func (r *runner) defense(id string) defenses.Defense {
	if d, ok := r.defenses[id]; ok {
		return d
	}
	return defenses.None{}
}

// baseKey names a recording by its data set and index.
type baseKey struct {
	dataset string
	rec     int
}

type lazyBase struct {
	once sync.Once
	base cost.Base
	err  error
}

// base returns what recording i is without a defense behind the link. It
// depends on neither defense nor draw, so it is made and proved once.
func (r *runner) base(ds *datasets.Dataset, i int) func() (cost.Base, error) {
	return func() (cost.Base, error) {
		r.mu.Lock()
		k := baseKey{ds.Name, i}
		b := r.bases[k]
		if b == nil {
			b = &lazyBase{}
			r.bases[k] = b
		}
		r.mu.Unlock()
		b.once.Do(func() { b.base, b.err = cost.NewBase(&ds.Recordings[i], r.grid.Link) })
		return b.base, b.err
	}
}

// How many hours an attacker of a detect task learns of one kind in all, and is asked
// about of one recording: more of a home say little more of it, and those of a
// constant rate are large.
const (
	detectTrain = 48
	detectTest  = 12
)

// anyDefense stands for all defenses of the grid where a model tells which it is.
const anyDefense = ""

// hour is one of a home as an observer sees it.
type hour struct {
	score.Hour
	trace datasets.Trace
}

// hours returns at most so many whole hours of a recording behind the defense named,
// evenly spread over it. They are cut out of what is seen: a tunnel that begins anew
// each hour would show by that. Other defenses than p's own are not kept.
func (r *runner) hours(p part, defense string, of viewOf, most int) ([]hour, *observed, error) {
	var o *observed
	if defense == p.id || defense == results.NoDefense {
		o = r.view(p, defense, of)
	} else if vs, err := r.pipe(p, defense); err != nil {
		return nil, nil, err
	} else {
		o = vs.pipe.observe(&p.ds.Recordings[of.rec], r.base(p.ds, of.rec), of.role, of.draw)
	}
	if o.err != nil {
		return nil, nil, o.err
	}

	var cuts []time.Duration
	for at := datasets.DetectItem; at <= o.rec.Trace.End; at += datasets.DetectItem {
		cuts = append(cuts, at)
	}
	pieces := datasets.Recording{Trace: o.trace}.Cut(cuts)
	n := min(len(cuts), most)
	out := make([]hour, n)
	for k := range out {
		i := k * len(cuts) / n
		out[k] = hour{score.Hour{Recording: o.rec, Start: time.Duration(i) * datasets.DetectItem}, pieces[i].Trace}
	}
	return out, o, nil
}

// hourExamples are hours to learn from: with p's defense and without it or, for
// anyDefense, of each defense that the grid has. Of those that fail there are none.
func (r *runner) hourExamples(p part, recordings []int) ([]choose.Example, []string, error) {
	ids, classes := []string{defenses.ID(defenses.Reference(p.defense)), p.id}, []string{score.Off, score.On}
	if p.cell.TrainDefense == anyDefense {
		ids = r.detectable()
		classes = ids
	}
	var out []choose.Example
	var known []string
	for k, id := range ids {
		var of []choose.Example
		var failed error
		for _, i := range recordings {
			for d := range p.cell.TrainDraws {
				hs, o, err := r.hours(p, id, viewOf{TrainRole, i, d}, max(detectTrain/len(recordings)/p.cell.TrainDraws, 1))
				if err != nil {
					failed = err
					break
				}
				group := o.rec.Group
				if p.cell.Split.Within() {
					group = o.rec.ID // as Training.Within promises
				}
				for _, h := range hs {
					of = append(of, choose.Example{Labeled: attacks.Labeled{Trace: h.trace, Group: group, Class: classes[k]}, Recording: o.rec})
				}
			}
		}
		switch {
		case failed == nil:
			out, known = append(out, of...), append(known, classes[k])
		case p.cell.TrainDefense != anyDefense:
			return nil, nil, fmt.Errorf("training traffic: %w", failed)
		}
	}
	slices.Sort(known)
	return out, known, nil
}

// detectable lists what an hour may be of: the defenses of the grid, what they are
// compared with, and none.
func (r *runner) detectable() []string {
	out := slices.Collect(maps.Keys(r.defenses))
	if !slices.Contains(out, results.NoDefense) {
		out = append(out, results.NoDefense)
	}
	slices.Sort(out)
	return out
}

// forget drops the views for which drop is true.
func (v *views) forget(drop func(viewOf) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.seen, func(of viewOf, _ *lazyView) bool { return drop(of) })
}

// sparing says whether views to test on are made when a cell asks for them and
// forgotten with the last cell of their fold. Diaries are of weeks: all homes twice,
// to train and to test on, would be most of a run's memory. Samples, which need the
// views again, look at one of them; those of other tasks look at most, and theirs stay
// until the unit is done.
func (u unit) sparing() bool {
	return !slices.ContainsFunc(u.jobs, func(j job) bool { return j.cell.Task != datasets.TaskRoutine })
}

// tested is what the jobs that are tested on the same views have in common.
func (j job) tested() results.Cell {
	c := j.cell
	c.Attack, c.Knowledge, c.TrainDefense = "", "", ""
	if j.planted() {
		c.Attack = j.cell.Attack // makes its own
	}
	return c
}

// fitted is what the jobs have in common that see a defense fitted to the same
// recordings. It equals no tested: those name their defense.
func (j job) fitted() results.Cell {
	return results.Cell{Dataset: j.cell.Dataset, Task: j.cell.Task, Vantage: j.cell.Vantage, Fold: j.cell.Fold}
}

// release forgets what j, which is done, was tested on if it was the last: left counts
// those by tested, and by fitted those for whom a defense that learns was fitted, with
// all that they see. A fold of such a defense shares nothing with the next, and four of
// them would be four times the data.
func (r *runner) release(u unit, j job, left map[results.Cell]int) {
	// Planted cells make what they are tested on themselves.
	r.mu.Lock()
	left[j.tested()]--
	left[j.fitted()]--
	last := left[j.tested()] == 0 && !j.planted()
	over := left[j.fitted()] == 0 && Fitted(u.defense)
	if over {
		for n := range j.fold {
			delete(r.views, r.viewKey(part{u, j, n}, u.id))
		}
	}
	r.mu.Unlock()
	if !last || over {
		return
	}

	for n, p := range j.fold {
		vs := r.viewsOf(r.viewKey(part{u, j, n}, u.id), u.defense)
		vs.forget(func(of viewOf) bool {
			return of.role == TestRole && of.draw == j.cell.Draw && slices.Contains(p.Test, of.rec)
		})
	}
}

// drop forgets the traces of a unit that is done, and its models unless the
// grid asks for transfer. Undefended traffic to train on is kept while its data set
// lasts, unless the unit is sparing: what is learned from it is kept, and seldom more is
// asked of it.
func (r *runner) drop(u unit) {
	r.mu.Lock()
	defer r.mu.Unlock()

	// Transfer trains on every other defense of the grid, so nothing of those can go
	// while the data set lasts.
	transfer := slices.Contains(r.grid.Knowledge, results.Transfer)
	over := func(dataset, defense string) bool {
		return dataset != u.ds.Name || defense == u.id && u.id != results.NoDefense && !transfer
	}

	clear(r.floorsOf) // of this unit, all of them
	clear(r.plantings)
	for k, vs := range r.views {
		if over(k.dataset, k.defense) || u.sparing() && k.defense == results.NoDefense {
			delete(r.views, k)
		} else {
			vs.forget(func(of viewOf) bool { return of.role == TestRole }) // no other unit is tested on them
		}
	}

	for k := range r.models {
		if over(k.dataset, k.trainDefense) {
			delete(r.models, k)
		}
	}

	for k := range r.bases {
		if k.dataset != u.ds.Name {
			delete(r.bases, k)
		}
	}
	for k := range r.looks {
		if over(k.dataset, k.defense) {
			delete(r.looks, k)
		}
	}
}

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
