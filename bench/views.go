package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/guess"
	"veilbench/bench/choose"
	"veilbench/bench/cost"
	"veilbench/bench/draws"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
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

	// What is behind the last whole hour of the recording, also where a slow defense goes
	// on after its end, is no item.
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

// detectCell asks the attacker of j about hours with the defense and without it, of
// the same homes, and fills res with what that is worth.
func (r *runner) detectCell(ctx context.Context, u unit, j job, res *results.Result, timing *results.Timing) error {
	ledger := &cost.Ledger{}
	var hours []score.Hour
	var among []string
	res.Against, res.Visible = defenses.ID(defenses.Reference(u.defense)), true
	for n := range j.fold {
		// One model tells on from off, another which it is of all that the grid has.
		p := part{u, j, n}
		told, err := r.model(ctx, p)
		if err != nil {
			return err
		}
		q := p
		q.cell.TrainDefense = anyDefense
		which, err := r.model(ctx, q)
		if err != nil {
			return err
		}
		among = which.classes
		timing.TrainSeconds += told.seconds + which.seconds
		timing.TrainPackets += told.packets + which.packets
		timing.ModelBytes = max(timing.ModelBytes, told.bytes+which.bytes)

		start := time.Now()
		for _, i := range p.recordings().Test {
			for _, id := range []string{res.Against, u.id} {
				hs, o, err := r.hours(p, id, viewOf{TestRole, i, j.cell.Draw}, detectTest)
				if err != nil {
					return err
				}
				if id == u.id {
					ledger.Add(o.cost)
					res.Oracle, res.Visible = res.Oracle || o.oracle, res.Visible && o.apart
				}
				for _, h := range hs {
					h.On, h.Defense = id == u.id, id
					if h.Answer, err = r.oath.Guess(ctx, j.cell.Attack, told.Model, h.trace); err != nil {
						return fmt.Errorf("guess on recording %s: %w", o.rec.ID, err)
					}
					if h.Named, err = r.oath.Guess(ctx, j.cell.Attack, which.Model, h.trace); err != nil {
						return fmt.Errorf("guess on recording %s: %w", o.rec.ID, err)
					}
					timing.GuessPackets += 2 * int64(len(h.trace.Packets))
					hours = append(hours, h.Hour)
				}
			}
		}
		timing.GuessSeconds += time.Since(start).Seconds()
	}

	s := score.OfHours(hours)
	res.Metrics, res.Groups, res.Items = s.Metrics, s.Groups, s.Items
	f := floors{all: score.DetectFloor, answer: score.DetectFloor, by: attacks.ID(guess.Uniform{})}
	f.enter(res, isBlind(j.attack))
	res.Cost = ledger.Cost()
	res.Warnings = cellWarnings(u.ds, j)
	for _, id := range r.detectable() {
		if !slices.Contains(among, id) {
			res.Warnings = append(res.Warnings, "not among the defenses to tell apart, for it failed: "+id)
		}
	}
	return r.account(ctx, u, j, res)
}
