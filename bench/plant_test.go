package bench

import (
	"context"
	"math/rand/v2"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/cost"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"

	"github.com/google/go-cmp/cmp"
)

// plantedCells runs a grid and returns its planted cells.
func plantedCells(t *testing.T, g Grid) []results.Result {
	t.Helper()
	rs, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []results.Result
	for _, r := range rs {
		if r.Err != "" {
			t.Errorf("%s, %s against %s: %s", r.Cell.Task, r.Cell.Attack, r.Cell.Defense, r.Err)
		}
		if r.Cell.Knowledge == results.Planted {
			out = append(out, r)
		}
	}
	return out
}

// TestCanariesAreFoundUndefended: they are strong enough that every attack that
// works finds at least 95 % of them where no defense is.
func TestCanariesAreFoundUndefended(t *testing.T) {
	for task, data := range map[datasets.Task]string{
		datasets.TaskEvent:   "home:event_signatures:hours=1",
		datasets.TaskDevice:  "home:event_signatures:hours=0.5",
		datasets.TaskClip:    "home:event_clips:hours=1",
		datasets.TaskCommand: "home:gateway:hours=0.5",
	} {
		t.Run(string(task), func(t *testing.T) {
			t.Parallel()
			rs := plantedCells(t, Grid{
				Datasets: []datasets.Dataset{small(t, data)}, Tasks: []datasets.Task{task}, Defenses: []defenses.Defense{defenses.None{}},
				Attacks: quickAttacks(t, task), Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1, Link: cost.DefaultLink(),
			})
			if len(rs) == 0 {
				t.Fatal("no planted cell")
			}
			for _, r := range rs {
				recall, _ := r.Metric(results.CanaryRecall)
				n, _ := r.Metric(results.Canaries)
				t.Logf("%s finds %.2f of %.0f", r.Cell.Attack, recall, n)
				if n < 10 || recall < 0.95 {
					t.Errorf("%s finds %.2f of %.0f canaries without a defense", r.Cell.Attack, recall, n)
				}
			}
		})
	}
}

// broken is an attack that breaks behind a defense: it says nothing where packets
// have one size, and is event-knn elsewhere.
type broken struct{ attacks.Attack }

func (m broken) Info() attacks.Info {
	i := m.Attack.Info()
	i.Name = "broken"
	return i
}

func (m broken) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	inner, err := m.Attack.Train(ctx, rng, t)
	return brokenModel{inner}, err
}

type brokenModel struct{ attacks.Model }

func (m brokenModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	full := 0
	for _, p := range t.Packets {
		if p.Size > 1000 {
			full++
		}
	}
	if 4*full > len(t.Packets) {
		return attacks.Answer{}, nil
	}
	return m.Model.Guess(ctx, t)
}

// TestBrokenAttackEarnsNothing: the zero of an attack that breaks behind a defense
// is no evidence, beside one that works it is named and changes nothing.
func TestBrokenAttackEarnsNothing(t *testing.T) {
	knn := attack(t, "event-knn:k=1,gap_s=1")
	g := Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_signatures:hours=1")}, Tasks: []datasets.Task{datasets.TaskEvent},
		Defenses: []defenses.Defense{defenses.None{}, defense(t, "pad-level")}, Attacks: []attacks.Attack{broken{knn}},
		Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1, Link: cost.DefaultLink(),
	}
	of := func(g Grid) results.Summary {
		rs, err := Run(context.Background(), g, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range results.Summaries(rs) {
			if s.Defense != results.NoDefense {
				return s
			}
		}
		t.Fatal("no summary")
		return results.Summary{}
	}
	if s := of(g); s.NoEvidence != results.CanaryMissed {
		t.Errorf("alone: %q, advantage %v, canaries %+v", s.NoEvidence, s.Advantage, s.Evidence.Canary)
	}
	g.Attacks = append(g.Attacks, knn)
	if s := of(g); s.NoEvidence != "" || s.Attack != attacks.ID(knn) || s.Rest != 1 {
		t.Errorf("beside event-knn: %q, best %s, resting on %d", s.NoEvidence, s.Attack, s.Rest)
	}
	g.NoCanaries, g.Attacks = true, g.Attacks[:1]
	if s := of(g); s.NoEvidence != results.NoCanary && s.NoEvidence != results.CanaryMissed {
		t.Errorf("without canaries: %q", s.NoEvidence)
	}
}

// TestPlantedCellsChangeNoOther: real scores do not move, whether canaries are
// planted or not.
func TestPlantedCellsChangeNoOther(t *testing.T) {
	g := smallGrid(t)
	with, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	g.NoCanaries = true
	without, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(results.Measured(with), without); d != "" {
		t.Error(d)
	}
}

// TestCanariesForSizesAlone: an attack that knows sizes and their number finds its
// canaries where all have one size, and those that passed through a defense that
// leaves their number: tests hold the frames of training.
func TestCanariesForSizesAlone(t *testing.T) {
	rs := plantedCells(t, Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_signatures:homes=8,hours=3")}, Tasks: []datasets.Task{datasets.TaskEvent},
		Defenses: []defenses.Defense{defenses.None{}, defense(t, "pad-level"), defense(t, "pad-level:to=mice"), defense(t, "hide-names"), defense(t, "vpn")},
		Attacks:  []attacks.Attack{attack(t, "signatures")}, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1, Link: cost.DefaultLink(),
	})
	for _, r := range rs {
		behind, _ := r.Metric(results.CanaryRecall)
		through, _ := r.Metric(results.CanaryThroughRecall)
		t.Logf("%s: %.2f behind, %.2f through", r.Cell.Defense, behind, through)
		if behind < 0.95 || through < 0.95 {
			t.Errorf("%s: %.2f of the canaries found behind, %.2f through", r.Cell.Defense, behind, through)
		}
	}
}
