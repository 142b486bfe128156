package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// withinSpy keeps what it was to learn from and learns nothing.
type withinSpy struct{ seen *attacks.Training }

func (withinSpy) Info() attacks.Info {
	return attacks.Info{Name: "withinSpy", Tasks: []datasets.Task{datasets.TaskEvent}}
}

func (s withinSpy) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	*s.seen = t
	return nil, errors.New("seen")
}

// TestTrainingKnowsTheSplit: an attack is told when its split tests groups that
// train, and recordings are then the groups that it validates by.
func TestTrainingKnowsTheSplit(t *testing.T) {
	ds := small(t, "home:event_signatures:homes=2,hours=0.1")
	for i := range ds.Recordings {
		ds.Recordings[i].Group = "one"
	}
	for _, c := range []struct {
		split  datasets.Split
		within bool
	}{{"kfold:k=2", true}, {"leave-one-group-out", false}} {
		if !c.within {
			ds.Recordings[0].Group = "other"
		}
		var seen attacks.Training
		_, err := Run(context.Background(), Grid{
			Datasets: []datasets.Dataset{ds}, Tasks: []datasets.Task{datasets.TaskEvent}, Split: c.split,
			Defenses: []defenses.Defense{defenses.None{}}, Attacks: []attacks.Attack{withinSpy{&seen}}, Knowledge: []results.Knowledge{results.Unaware},
		}, Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(seen.Examples) == 0 || seen.Within != c.within {
			t.Fatalf("%s: within %v with %d examples", c.split, seen.Within, len(seen.Examples))
		}
		for _, e := range seen.Examples {
			if byGroup := e.Group == "one" || e.Group == "other"; byGroup == c.within {
				t.Errorf("%s: an example has the group %q", c.split, e.Group)
			}
		}
	}
}
