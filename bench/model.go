package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/bench/draws"
	"veilbench/bench/memory"
	"veilbench/bench/results"
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
}

// model is trained once and then shared.
type model struct {
	once sync.Once
	attacks.Model
	classes []string
	seconds float64
	bytes   int64
	err     error
}

// model returns the model that p's attacker trained.
func (r *runner) model(ctx context.Context, p part) (*model, error) {
	c := p.cell
	key := modelKey{c.Dataset, c.Attack, c.TrainDefense, c.Task, c.Vantage, c.Fold, p.n}
	r.mu.Lock()
	m := r.models[key]
	if m == nil {
		m = &model{}
		r.models[key] = m
	}
	r.mu.Unlock()

	m.once.Do(func() { m.err = r.train(ctx, p, m) })
	if m.err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return m, m.err
}

// examples are the training traces of a part as its attacker has them, and the
// classes it can answer.
func (r *runner) examples(p part) ([]attacks.Labeled, []string, error) {
	draws := p.cell.TrainDraws
	if p.cell.TrainDefense == results.NoDefense {
		draws = 1 // every draw of no defense is the same
	}

	var out []attacks.Labeled
	for _, i := range p.recordings().Train {
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
			out = append(out, l)
		}
	}

	if p.cell.Task == datasets.TaskDevice {
		return out, deviceClasses(p.classes, out), nil
	}
	return out, p.classes, nil
}

// train fills m. Its draws hang on what the attacker learns from and on nothing
// that it is tested on.
func (r *runner) train(ctx context.Context, p part, m *model) error {
	examples, classes, err := r.examples(p)
	if err != nil {
		return err
	}
	m.classes = classes

	c := p.cell
	// DrawID, not the ID: a defense that was renamed keeps its draws.
	g := draws.New(c.Seed, "train", c.Dataset, string(c.Task), string(c.Vantage),
		c.Attack, defenses.DrawID(r.defense(c.TrainDefense)), strconv.Itoa(c.Fold), strconv.Itoa(p.n))

	start := time.Now()
	ctx = attacks.WithTraining(ctx, c.TrainDefense, c.Fold)
	m.Model, err = r.oath.Train(ctx, p.attack, g, attacks.Training{Task: c.Task, Classes: classes, Examples: examples, Within: c.Split.Within()})

	m.seconds = time.Since(start).Seconds()
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	m.bytes = memory.Of(m.Model)
	return nil
}

// deviceClasses adds the class of the defense's own packets if training holds
// some.
func deviceClasses(classes []string, train []attacks.Labeled) []string {
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
