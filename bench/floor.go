package bench

import (
	"context"

	"veilbench/attacks"
	"veilbench/attacks/guess"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
)

// floor is the headline score of a part that needs no look at the traffic. What
// it learns, it learns from the undefended training recordings.
func (r *runner) floor(ctx context.Context, p part, tests []score.Test) (float64, error) {
	p.cell.TrainDefense = results.NoDefense
	p.attack = guess.Clock{}
	p.cell.Attack = attacks.ID(p.attack)
	switch p.cell.Task {
	case datasets.TaskCommand:
		train, _, err := r.examples(p)
		return score.CommandFloor(train, tests), err
	case datasets.TaskEvent:
		m, err := r.model(ctx, p)
		if err != nil {
			return 0, err
		}
		merge := score.NewClasses(p.ds.Same)
		m.periodOnce.Do(func() {
			train, _, err := r.examples(p)
			if m.periodErr = err; err == nil {
				m.class, m.period = score.BestPeriod(train, merge)
			}
		})
		if m.periodErr != nil {
			return 0, m.periodErr
		}
		return score.EventFloor(ctx, m, m.class, m.period, merge, tests)
	}

	// Macro recall of guessing at random: one over the classes that can be told
	// apart.
	classes := map[string]bool{}
	merge := score.NewClasses(p.ds.Same)
	for _, c := range p.classes {
		if p.cell.Task == datasets.TaskClip {
			c = merge.Class(c)
		}
		classes[c] = true
	}
	return results.Ratio(1, float64(len(classes))), nil
}
