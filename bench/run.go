package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Method is the version of the methods: it changes when a change of the code
// may change a result, and is part of each result's name.
const Method = 1

// Options of Run that have no influence on results.
type Options struct {
	// Workers is how many things to do at once; 0: GOMAXPROCS.
	Workers int
	// Store keeps results; nil: they are only returned.
	Store *Store
	// Progress is called after each cell, never at the same time twice; stored
	// says that the cell was read and not computed.
	Progress func(done, total int, stored bool)
	// Shard and Shards select every Shards-th unit of work, from Shard on.
	Shard, Shards int
	// Retry computes cells again that are stored as failed.
	Retry bool
	// Only, if set, keeps the cells for which it is true.
	Only func(Cell) bool
}

// Run computes the grid and returns its results in canonical order (see
// Sort). Cells that the store has are read, not computed. A cell that fails is
// a result with Err set; an error is returned only when the grid makes no
// sense, the store fails, or ctx ends.
func Run(ctx context.Context, g Grid, opt Options) ([]Result, error) {
	g, err := g.normal()
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
	r := newRunner(g, opt)
	for i := range g.Datasets {
		r.digests[g.Datasets[i].Name] = Digest(&g.Datasets[i])
	}
	if opt.Shards > 1 {
		units = slices.DeleteFunc(units, func(u unit) bool { return shardOf(u, opt.Shards) != opt.Shard })
	}
	for i := range units {
		if opt.Only != nil {
			units[i].jobs = slices.DeleteFunc(units[i].jobs, func(j job) bool { return !opt.Only(j.cell) })
		}
		r.total += len(units[i].jobs)
	}
	for _, u := range units {
		if err := r.unit(ctx, u); err != nil {
			return nil, err
		}
	}
	Sort(r.results)
	return r.results, nil
}

// shardOf spreads units over shards by name, so that a shard's share does not
// depend on the order of the grid.
func shardOf(u unit, shards int) int {
	return rng(0, "shard", u.ds.Name, u.id).IntN(shards)
}

// runner holds what a run shares. Results do not depend on any of it.
type runner struct {
	grid    Grid
	opt     Options
	digests map[string]string

	mu      sync.Mutex
	results []Result
	total   int
	models  map[modelKey]*model
	views   map[viewKey]*views
}

func newRunner(g Grid, opt Options) *runner {
	return &runner{grid: g, opt: opt, models: map[modelKey]*model{}, digests: map[string]string{}, views: map[viewKey]*views{}}
}

// unit does what is left to do of u. Its defended traces are made once and
// dropped at the end.
func (r *runner) unit(ctx context.Context, u unit) error {
	var todo []job
	for _, j := range u.jobs {
		res, ok, err := r.stored(j.cell)
		if err != nil {
			return err
		}
		if ok {
			r.done(res, true)
		} else {
			todo = append(todo, j)
		}
	}
	if err := r.warm(ctx, u, todo); err != nil {
		return err
	}
	err := parallel(ctx, r.opt.Workers, len(todo), func(i int) error {
		res, timing, err := r.cell(ctx, u, todo[i])
		if err != nil {
			return err
		}
		if r.opt.Store != nil {
			if err := r.opt.Store.Put(res, timing); err != nil {
				return err
			}
		}
		r.done(res, false)
		return nil
	})
	if err == nil {
		err = r.samples(u)
	}
	r.drop(u)
	return err
}

// warm makes the defended traces that todo needs, so that workers do not wait
// for each other on the first ones. Those of fitted defenses come as they are
// asked for: there is one set for each fold.
func (r *runner) warm(ctx context.Context, u unit, todo []job) error {
	if fitted(u.defense) {
		return nil
	}
	type want struct {
		vantage datasets.Vantage
		viewOf
	}
	seen := map[want]bool{}
	var list []want
	jobOf := map[datasets.Vantage]job{}
	add := func(j job, w viewOf) {
		jobOf[j.cell.Vantage] = j
		if k := (want{j.cell.Vantage, w}); !seen[k] {
			seen[k] = true
			list = append(list, k)
		}
	}
	for _, j := range todo {
		for _, part := range j.fold {
			for _, i := range part.Test {
				add(j, viewOf{test, i, j.cell.Draw})
			}
			if j.cell.TrainDefense != u.id {
				continue
			}
			for _, i := range part.Train {
				for d := range j.cell.TrainDraws {
					add(j, viewOf{training, i, d})
				}
			}
		}
	}
	return parallel(ctx, r.opt.Workers, len(list), func(i int) error {
		w := list[i]
		r.view(u, jobOf[w.vantage], 0, u.id, w.role, w.rec, w.draw)
		return nil
	})
}

func (r *runner) stored(c Cell) (Result, bool, error) {
	if r.opt.Store == nil {
		return Result{}, false, nil
	}
	res, ok, err := r.opt.Store.Get(c, r.digests[c.Dataset])
	if ok && res.Err != "" && r.opt.Retry {
		return Result{}, false, nil
	}
	return res, ok, err
}

func (r *runner) done(res Result, stored bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, res)
	if r.opt.Progress != nil {
		r.opt.Progress(len(r.results), r.total, stored)
	}
}

// cell computes one cell. Only the end of ctx is an error: everything else is
// kept in the result.
func (r *runner) cell(ctx context.Context, u unit, j job) (Result, Timing, error) {
	info := j.attack.Info()
	res := Result{
		Cell: j.cell, Data: r.digests[u.ds.Name], Method: Method, Generated: u.ds.Generated,
		Control: info.Control, Headline: Headline(j.cell.Task),
	}
	res.DefenseLabel, res.AttackLabel = r.grid.Labels[j.cell.Defense], r.grid.Labels[j.cell.Attack]
	var timing Timing
	err := guard(func() error { return r.fill(ctx, u, j, &res, &timing) })
	if ctx.Err() != nil {
		return res, timing, context.Cause(ctx)
	}
	if err != nil {
		res = Result{
			Cell: res.Cell, Data: res.Data, Method: Method, Generated: res.Generated,
			DefenseLabel: res.DefenseLabel, AttackLabel: res.AttackLabel,
			Control: res.Control, Headline: res.Headline, Err: err.Error(),
		}
	}
	return res, timing, nil
}

// outcome is what a cell's attacker said of its test traces. classes are all
// that any part's model could name.
type outcome struct {
	tests   []answered
	classes []string
	floor   float64
	ledger  *Ledger
	oracle  bool
}

// ask trains what j needs and asks it about every test trace.
func (r *runner) ask(ctx context.Context, u unit, j job, timing *Timing) (outcome, error) {
	out := outcome{ledger: &Ledger{}, classes: j.classes}
	var floors, weights []float64
	for p := range j.fold {
		m, err := r.model(ctx, u, j, p)
		if err != nil {
			return out, err
		}
		timing.TrainSeconds += m.seconds
		timing.ModelBytes = max(timing.ModelBytes, m.bytes)
		start := time.Now()
		var part []answered
		for _, i := range j.fold[p].Test {
			o := r.view(u, j, p, j.cell.Defense, test, i, j.cell.Draw)
			if o.err != nil {
				return out, o.err
			}
			a, err := m.Guess(ctx, o.trace)
			if err != nil {
				return out, fmt.Errorf("guess on recording %s: %w", o.rec.ID, err)
			}
			out.oracle = out.oracle || o.oracle
			timing.GuessPackets += int64(len(o.trace.Packets))
			part = append(part, answered{o.truthOf(j.cell.Task, u.ds), a, m.classes})
			out.ledger.Add(o.cost)
		}
		timing.GuessSeconds += time.Since(start).Seconds()
		f, err := r.floor(ctx, u, j, p, part)
		if err != nil {
			return out, fmt.Errorf("floor: %w", err)
		}
		floors, weights = append(floors, f), append(weights, float64(len(part)))
		out.tests = append(out.tests, part...)
		if len(m.classes) > len(out.classes) { // parts differ in datasets.Cover alone
			out.classes = m.classes
		}
	}
	if len(out.tests) == 0 {
		return out, errors.New("no test recordings")
	}
	out.floor = weightedMean(floors, weights)
	return out, nil
}

func (r *runner) fill(ctx context.Context, u unit, j job, res *Result, timing *Timing) error {
	out, err := r.ask(ctx, u, j, timing)
	if err != nil {
		return err
	}
	scoreTask(u.ds, j.cell.Task, out.classes, out.tests).into(res)
	res.Oracle = out.oracle
	res.Floor = out.floor
	for i := range res.Groups {
		res.Groups[i].Floor = res.Floor
	}
	res.Cost = out.ledger.Cost()
	res.Warnings = cellWarnings(u.ds, j)
	res.Claims = claims(u.defense)
	res.Bounds, err = r.bounds(u, j)
	return err
}

func scoreTask(ds *datasets.Dataset, task datasets.Task, classes []string, tests []answered) *scores {
	var s scores
	switch task {
	case datasets.Clip:
		s = scoreClips(ds, tests)
	case datasets.Events:
		s = scoreEvents(ds, tests)
	case datasets.Device:
		s = scoreDevices(classes, tests)
	case datasets.Gateway:
		s = scoreCommands(classes, tests)
	}
	return &s
}

func weightedMean(x, w []float64) float64 {
	var sum, n float64
	for i := range x {
		sum += x[i] * w[i]
		n += w[i]
	}
	return ratio(sum, n)
}

// cellWarnings are doubts that follow from the data and the cell alone.
func cellWarnings(ds *datasets.Dataset, j job) []string {
	out := slices.Clone(ds.Warnings)
	if j.cell.Split.Within() {
		out = append(out, "split within groups: training and test share sessions, so scores are too high for new homes or days")
	}
	return out
}

// modelKey names a trained model; equal keys train the same model.
type modelKey struct {
	dataset, attack, trainDefense string
	task                          datasets.Task
	vantage                       datasets.Vantage
	fold, part                    int
}

// model is trained once and then shared.
type model struct {
	once sync.Once
	attacks.Model
	classes []string
	seconds float64
	bytes   int64
	err     error

	// For the floor of the event task, see floor.go.
	periodOnce sync.Once
	class      string
	period     time.Duration
	periodErr  error
}

// model returns the model that j's attacker trained for part p.
func (r *runner) model(ctx context.Context, u unit, j job, p int) (*model, error) {
	key := modelKey{j.cell.Dataset, j.cell.Attack, j.cell.TrainDefense, j.cell.Task, j.cell.Vantage, j.cell.Fold, p}
	r.mu.Lock()
	m := r.models[key]
	if m == nil {
		m = &model{}
		r.models[key] = m
	}
	r.mu.Unlock()
	m.once.Do(func() { m.err = r.train(ctx, u, j, p, m) })
	if m.err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return m, m.err
}

// examples are the training traces of part p as j's attacker has them, and the
// classes it can answer.
func (r *runner) examples(u unit, j job, p int) ([]attacks.Labeled, []string, error) {
	draws := j.cell.TrainDraws
	if j.cell.TrainDefense == NoDefense {
		draws = 1
	}
	var out []attacks.Labeled
	for _, i := range j.fold[p].Train {
		for d := range draws {
			o := r.view(u, j, p, j.cell.TrainDefense, training, i, d)
			if o.err != nil {
				return nil, nil, fmt.Errorf("training traffic: %w", o.err)
			}
			l := o.labeled(j.cell.Task)
			if j.cell.Task == datasets.Events {
				l = withoutUnmonitored(l, u.ds.Unmonitored)
			}
			out = append(out, l)
		}
	}
	if j.cell.Task == datasets.Device {
		return out, deviceClasses(j.classes, out), nil
	}
	return out, j.classes, nil
}

func (r *runner) train(ctx context.Context, u unit, j job, p int, m *model) error {
	examples, classes, err := r.examples(u, j, p)
	if err != nil {
		return err
	}
	m.classes = classes
	g := rng(j.cell.Seed, "train", j.cell.Dataset, string(j.cell.Task), string(j.cell.Vantage),
		j.cell.Attack, defenses.DrawID(r.defense(u, j.cell.TrainDefense)), strconv.Itoa(j.cell.Fold), strconv.Itoa(p))
	start := time.Now()
	ctx = attacks.WithTraining(ctx, j.cell.TrainDefense, j.cell.Fold)
	err = guard(func() (err error) {
		m.Model, err = j.attack.Train(ctx, g, attacks.Training{Task: j.cell.Task, Classes: classes, Examples: examples})
		return err
	})
	m.seconds = time.Since(start).Seconds()
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	m.bytes = memoryOf(m.Model)
	return nil
}

// deviceClasses adds the class of the defense's own packets if training holds
// some.
func deviceClasses(classes []string, train []attacks.Labeled) []string {
	for _, l := range train {
		n := len(l.Labels.Devices) - 1
		if n >= 0 && l.Labels.Devices[n] == datasets.Cover && slices.Contains(l.Labels.Owners, int32(n)) {
			out := append(slices.Clone(classes), datasets.Cover)
			slices.Sort(out)
			return slices.Compact(out)
		}
	}
	return classes
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
}

type viewOf struct {
	role role
	rec  int
	draw int
}

type lazyView struct {
	once sync.Once
	o    *observed
}

// view returns recording i behind defense id, as j's observer sees it.
func (r *runner) view(u unit, j job, p int, id string, ro role, i, draw int) *observed {
	d := r.defense(u, id)
	key := viewKey{dataset: u.ds.Name, defense: id, vantage: j.cell.Vantage}
	fits := fitted(d)
	if fits {
		key.scope = fmt.Sprint(j.cell.Task, "/", j.cell.Fold, "/", p)
	}
	r.mu.Lock()
	vs := r.views[key]
	if vs == nil {
		vs = &views{seen: map[viewOf]*lazyView{}, pipe: pipeline{seed: r.grid.Seed, link: r.grid.Link, defense: d, id: id, draws: defenses.DrawID(d), vantage: j.cell.Vantage}}
		r.views[key] = vs
	}
	r.mu.Unlock()
	if fits {
		vs.fit.Do(func() { vs.err = vs.learn(u.ds, j.fold[p].Train) })
	}
	if vs.err != nil {
		return &observed{rec: &u.ds.Recordings[i], err: vs.err}
	}
	vs.look.Do(func() { vs.pipe.oracle = looksAhead(vs.pipe.defense, r.grid.Seed, u.ds) })
	vs.mu.Lock()
	lv := vs.seen[viewOf{ro, i, draw}]
	if lv == nil {
		lv = &lazyView{}
		vs.seen[viewOf{ro, i, draw}] = lv
	}
	vs.mu.Unlock()
	lv.once.Do(func() { lv.o = vs.pipe.observe(&u.ds.Recordings[i], ro, draw) })
	return lv.o
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
			err := guard(func() (err error) {
				d, err = f.Fit(context.Background(), rng(v.pipe.seed, v.pipe.draws, "fit", strconv.Itoa(i)), recs)
				return err
			})
			if err != nil {
				return fmt.Errorf("defense %s: learning from %d recordings: %w", name, len(recs), err)
			}
		}
		chain = append(chain, d)
	}
	v.pipe.defense = chain
	return nil
}

func fitted(d defenses.Defense) bool {
	for _, s := range defenses.Stages(d) {
		if _, ok := s.(defenses.Fitter); ok {
			return true
		}
	}
	return false
}

// defense is the one of that ID: u's, another of the grid, or none.
func (r *runner) defense(u unit, id string) defenses.Defense {
	if id == u.id {
		return u.defense
	}
	for _, d := range r.grid.Defenses {
		if defenses.ID(d) == id {
			return d
		}
	}
	return defenses.None{}
}

// drop forgets the traces of a unit that is done, and its models unless the
// grid asks for transfer. Undefended traffic is kept while its data set lasts.
func (r *runner) drop(u unit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	transfer := slices.Contains(r.grid.Knowledge, Transfer)
	for k := range r.views {
		if k.dataset != u.ds.Name || k.defense == u.id && u.id != NoDefense && !transfer {
			delete(r.views, k)
		}
	}
	for k := range r.models {
		if k.dataset != u.ds.Name || k.trainDefense == u.id && u.id != NoDefense && !transfer {
			delete(r.models, k)
		}
	}
}
