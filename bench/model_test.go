package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// spoiled is an attack that training on dummy packets or on anything padded
// breaks: its model then answers nothing at all.
type spoiled struct{ attacks.Attack }

func (a spoiled) Info() attacks.Info {
	i := a.Attack.Info()
	i.Name = "spoiled"
	return i
}

func (a spoiled) Train(ctx context.Context, g *rand.Rand, t attacks.Training) (attacks.Model, error) {
	for _, e := range t.Examples {
		cover := int32(slices.Index(e.Labels.Devices, datasets.Cover))
		padded := !slices.ContainsFunc(e.Trace.Packets, func(p datasets.Packet) bool { return p.Payload > 0 && p.Size < 1000 })
		if padded || cover >= 0 && slices.Contains(e.Labels.Owners, cover) {
			return mute{}, nil
		}
	}
	return a.Attack.Train(ctx, g, t)
}

// mute says nothing.
type mute struct{}

func (mute) Guess(context.Context, datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{}, nil
}

// An attack that breaks in training falls back to what it knows without it, says
// so, and is then as good as the unaware one; one that learns from the defense
// keeps what it learned.
func TestTrainingMakesNoAttackWorse(t *testing.T) {
	g := smallGrid(t)
	g.Datasets[0] = small(t, "home:event_signatures:hours=2")
	g.Defenses = []defenses.Defense{defense(t, "cover-decoy"), defense(t, "pad-level")}
	knn := attack(t, "event-knn:k=1,gap_s=1")
	g.Attacks = []attacks.Attack{knn, spoiled{knn}}
	rs, err := Run(t.Context(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}

	const fell = "trained worse: unaware form used"
	f1 := map[results.Cell]float64{}
	for _, r := range rs {
		if r.Err != "" {
			t.Fatalf("%v: %s", r.Cell, r.Err)
		}
		f1[r.Cell], _ = r.Metric(results.F1)

		// Behind padding the plain form finds nothing either: there is nothing to fall
		// back to.
		want := r.Cell.Attack == attacks.ID(spoiled{knn}) && r.Cell.Knowledge == results.Adaptive && r.Cell.Defense == defenses.ID(g.Defenses[0])
		if got := slices.Contains(r.Warnings, fell); got != want {
			t.Errorf("%s %s behind %s: fell back %v, want %v", r.Cell.Knowledge, r.Cell.Attack, r.Cell.Defense, got, want)
		}
	}

	for c, v := range f1 {
		if c.Knowledge != results.Adaptive || c.Attack != attacks.ID(spoiled{knn}) || c.Defense != defenses.ID(g.Defenses[0]) {
			continue
		}
		c.Knowledge, c.TrainDefense = results.Unaware, results.NoDefense
		if plain := f1[c]; v != plain || v == 0 {
			t.Errorf("fold %d: F1 %v after falling back, want that of the unaware attacker, %v", c.Fold, v, plain)
		}
	}
}
