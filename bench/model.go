package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/bench/choose"
	"veilbench/bench/draws"
	"veilbench/bench/memory"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/bench/truth"
	"veilbench/datasets"
	"veilbench/defenses"
)

// modelKey names a trained model; equal keys train the same model. It holds
// neither the defense of the test nor a draw: an unaware model is trained once
// for all defenses.
type modelKey struct {
	dataset, attack, trainDefense string
	task                          datasets.Task
	vantage                       datasets.Vantage
	fold, part                    int
	// rest names the recordings of a training on some (choose.Divide), "" for all;
	// fold and part are then those of a fitted defense, else 0.
	rest string
}

// keyOf is the key of the model that p's attacker trains.
func keyOf(p part) modelKey {
	c := p.cell
	return modelKey{c.Dataset, c.Attack, c.TrainDefense, c.Task, c.Vantage, c.Fold, p.n, ""}
}

// model is trained once and then shared.
type model struct {
	once sync.Once
	attacks.Model
	classes []string
	seconds float64
	packets int64 // of the examples, which seconds may be more than one training of
	bytes   int64
	err     error
	// fellBack is set where training on a defense made the attack worse, so that
	// Model is the one trained without it.
	fellBack bool
}

// model returns the model that p's attacker trained.
func (r *runner) model(ctx context.Context, p part) (*model, error) {
	return r.modelOf(ctx, p, keyOf(p), p.recordings().Train)
}

// modelOf returns the model of a key of p, trained on recordings when first asked
// for.
func (r *runner) modelOf(ctx context.Context, p part, key modelKey, recordings []int) (*model, error) {
	r.mu.Lock()
	m := r.models[key]
	if m == nil {
		m = &model{}
		r.models[key] = m
	}
	r.mu.Unlock()

	m.once.Do(func() { m.err = r.train(ctx, p, m, key, recordings) })
	if m.err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return m, m.err
}

// half returns the model of p's attacker trained on some of its recordings. Parts
// with the same ones share it.
func (r *runner) half(ctx context.Context, p part, rest []int) (*model, error) {
	key := keyOf(p)
	key.rest = fmt.Sprint(rest)
	if !Fitted(r.defense(p.cell.TrainDefense)) {
		key.fold, key.part = 0, 0 // every part sees these recordings alike
	}
	return r.modelOf(ctx, p, key, rest)
}

// examples are training traces of a part as its attacker has them, and the
// classes it can answer.
func (r *runner) examples(p part, recordings []int) ([]choose.Example, []string, error) {
	if p.cell.Task == datasets.TaskDetect {
		return r.hourExamples(p, recordings)
	}
	draws := p.cell.TrainDraws
	if p.cell.TrainDefense == results.NoDefense {
		draws = 1 // every draw of no defense is the same
	}

	var out []choose.Example
	for _, i := range recordings {
		for d := range draws {
			o := r.view(p, p.cell.TrainDefense, viewOf{TrainRole, i, d})
			if o.err != nil {
				return nil, nil, fmt.Errorf("training traffic: %w", o.err)
			}
			l := o.labeled(p.cell.Task)
			if p.cell.Split.Within() {
				l.Group = o.rec.ID // as Training.Within promises
			}
			if p.cell.Task == datasets.TaskEvent {
				l = truth.WithoutUnmonitored(l, p.ds.Unmonitored)
			}
			out = append(out, choose.Example{Labeled: l, Recording: o.rec})
		}
	}

	if p.cell.Task == datasets.TaskDevice {
		return out, deviceClasses(p.classes, out), nil
	}
	return out, p.classes, nil
}

// train fills m. Its draws hang on what the attacker learns from and on nothing
// that it is tested on.
func (r *runner) train(ctx context.Context, p part, m *model, key modelKey, recordings []int) error {
	if x, ok := p.attack.(outside.Attack); ok {
		m.classes = x.Classes(p.cell, p.classes) // it learned elsewhere
		return nil
	}
	examples, classes, err := r.examples(p, recordings)
	if err != nil {
		return err
	}
	m.classes = classes

	c := p.cell
	// DrawID, not the ID: a defense that was renamed keeps its draws.
	draw := []string{
		"train", c.Dataset, string(c.Task), string(c.Vantage),
		c.Attack, defenses.DrawID(r.defense(c.TrainDefense)), strconv.Itoa(key.fold), strconv.Itoa(key.part),
	}
	if key.rest != "" {
		draw = append(draw, key.rest)
	}
	t := attacks.Training{Task: c.Task, Classes: classes, Within: c.Split.Within()}
	for _, e := range examples {
		t.Examples = append(t.Examples, e.Labeled)
		m.packets += int64(len(e.Trace.Packets))
	}

	if err := r.learn(ctx, p, m, draws.New(c.Seed, draw...), t); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	m.bytes = memory.Of(m.Model)

	// Controls set floors, for which each form counts by itself (learnFloors).
	if c.Task == datasets.TaskDetect {
		return nil // without a defense there is nothing to have learned from
	}
	if key.rest == "" && c.TrainDefense != results.NoDefense && !p.attack.Info().Control {
		return r.chooseForm(ctx, p, m, examples)
	}
	return nil
}

// largeTraining is from how many packets on only one training is at work: each gets
// copies of all that it sees, and two of a gigabyte would not fit beside the views.
const largeTraining = 20_000_000

// learn trains p's attack on t, m.packets in all, and fills m.
func (r *runner) learn(ctx context.Context, p part, m *model, rng *rand.Rand, t attacks.Training) (err error) {
	if m.packets > largeTraining {
		r.large.Lock()
		defer r.large.Unlock()
	}
	start := time.Now() // waiting is no training
	m.Model, err = r.oath.Train(attacks.WithTraining(ctx, p.cell.TrainDefense, p.cell.Fold), p.attack, rng, t)
	m.seconds = time.Since(start).Seconds()
	return err
}

// chooseForm puts the model of the unaware attacker in the place of m where
// package choose finds that training on the defense made it worse. examples are
// those that m learned from. Only the end of ctx is an error: of a form that
// fails here nothing is known, and m stays.
func (r *runner) chooseForm(ctx context.Context, p part, m *model, examples []choose.Example) error {
	plain := p
	plain.cell.TrainDefense = results.NoDefense
	unaware, err := r.model(ctx, plain)
	if err != nil {
		return ctx.Err()
	}

	// First a few traces that m learned from.
	task := p.cell.Task
	if task != datasets.TaskClip && task != datasets.TaskRoutine { // a few hours are no diary
		guessing := 0.0
		if task == datasets.TaskDevice {
			guessing = chance(p.ds, task, p.classes)
		}
		a, u, err := r.ask(ctx, p, m, unaware, choose.Few(task, examples))
		if err != nil || choose.Settled(task, guessing, a, u) {
			return ctx.Err()
		}
	}

	// In doubt held-out ones, by models that never saw them. That of the unaware
	// attacker serves all defenses.
	rest, held := divide(p)
	if len(rest) == 0 || len(held) == 0 {
		return nil
	}
	tuned, err := r.half(ctx, p, rest)
	if err != nil {
		return ctx.Err()
	}
	untuned, err := r.half(ctx, plain, rest)
	if err != nil {
		return ctx.Err()
	}
	about, _, err := r.examples(p, held)
	if err != nil {
		return ctx.Err()
	}
	m.seconds += tuned.seconds

	a, u, err := r.ask(ctx, p, tuned, untuned, about)
	if err == nil && choose.Worse(task, a, u) {
		m.Model, m.classes, m.bytes, m.fellBack = unaware.Model, unaware.classes, unaware.bytes, true
	}
	return ctx.Err()
}

// divide divides p's training recordings by what its split holds together.
func divide(p part) (rest, held []int) {
	groups, classes := make([]string, len(p.ds.Recordings)), make([]string, len(p.ds.Recordings))
	for i := range p.ds.Recordings {
		rec := &p.ds.Recordings[i]
		groups[i] = rec.Group
		if p.cell.Split.Within() {
			groups[i] = rec.ID
			if p.cell.Task == datasets.TaskClip {
				classes[i] = rec.ClipClass()
			}
		}
	}
	return choose.Divide(p.recordings(), groups, classes)
}

// ask scores what two models say about traces of p's training.
func (r *runner) ask(ctx context.Context, p part, adaptive, unaware *model, about []choose.Example) (a, u score.Scores, err error) {
	out := make([]score.Scores, 2)
	for i, m := range []*model{adaptive, unaware} {
		tests := make([]score.Test, len(about))
		for j, e := range about {
			answer, err := r.oath.Guess(ctx, p.cell.Attack, m.Model, viewsOf(e.Labeled)...)
			if err != nil {
				return a, u, err
			}
			tests[j] = e.Test(answer, m.classes)
		}

		// Both by the classes of the adaptive one, which may know datasets.Cover.
		out[i] = score.Of(p.ds, p.cell.Task, adaptive.classes, tests)
	}
	return out[0], out[1], nil
}

// formWarnings says whether the attacker of j fell back to its unaware form, in
// how many parts where there are several.
func (r *runner) formWarnings(u unit, j job) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i := range j.fold {
		if r.models[keyOf(part{u, j, i})].fellBack {
			n++
		}
	}

	const text = "trained worse: unaware form used"
	switch {
	case n == 0:
		return nil
	case len(j.fold) == 1:
		return []string{text}
	}
	return []string{fmt.Sprintf("%s in %d of %d parts", text, n, len(j.fold))}
}

// deviceClasses adds the class of the defense's own packets if training holds
// some.
func deviceClasses(classes []string, train []choose.Example) []string {
	for _, l := range train {
		n := slices.Index(l.Labels.Devices, datasets.Cover)
		if n >= 0 && slices.Contains(l.Labels.Owners, int32(n)) {
			out := append(slices.Clone(classes), datasets.Cover)
			slices.Sort(out)
			return slices.Compact(out)
		}
	}
	return classes
}
