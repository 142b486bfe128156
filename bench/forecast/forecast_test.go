package forecast

import (
	"context"
	"reflect"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/builtin"
	"veilbench/bench"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/defenses"
	alldefenses "veilbench/defenses/builtin"
)

func planOf(t *testing.T, d ...defenses.Defense) (bench.Grid, []bench.Planned) {
	ds, err := home.Generate(t.Context(), "home:event_clips:homes=3,hours=0.2", 1)
	if err != nil {
		t.Fatal(err)
	}
	g := bench.Grid{Datasets: []datasets.Dataset{ds}, Defenses: d, Attacks: builtin.All(), Seed: 1}
	plan, err := g.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return g, plan
}

// Every attack of the project has a measured rate at each of its tasks.
func TestEveryAttackIsMeasured(t *testing.T) {
	for _, a := range builtin.All() {
		for _, task := range a.Info().Tasks {
			if _, ok := measured(a.Info().Name, task); !ok {
				t.Errorf("no rate of %s at %s", a.Info().Name, task)
			}
		}
	}
}

// What is stored takes no time, and what is not does.
func TestStoredCellsTakeNoTime(t *testing.T) {
	g, plan := planOf(t, defenses.None{})
	shapes := map[ShapeKey]Shape{{g.Datasets[0].Name, results.NoDefense}: ShapeOf(t.Context(), defenses.None{}, g.Datasets[0].Recordings)}
	none := func(results.Cell) bool { return false }
	all := func(results.Cell) bool { return true }

	f := Of(plan, shapes, Rates{}, none, 2)
	if f.Cells != len(plan) || f.Stored != 0 || f.Seconds <= 0 || f.Canary == 0 || f.MemoryBytes <= baseBytes || f.Own != 0 {
		t.Errorf("%+v", f)
	}
	if f := Of(plan, shapes, Rates{}, all, 2); f.Stored != len(plan) || f.Seconds != 0 {
		t.Errorf("with all stored: %+v", f)
	}

	// A rate of the user's own runs is taken before the table's.
	slow := Rates{map[rateKey]Rate{{attacks.ID(g.Attacks[4]), datasets.TaskClip}: {Train: 1e9, Guess: 1e9}}}
	if s := Of(plan, shapes, slow, none, 2); s.Own != 1 || s.Seconds < 100*f.Seconds {
		t.Errorf("with an own rate: %+v", s)
	}
}

// Processes that plan one grid expect the same of each unit, to the last bit: shards
// dealt otherwise cannot be merged.
func TestUnitsAgree(t *testing.T) {
	g, plan := planOf(t, alldefenses.All()[:4]...)
	shapes := map[ShapeKey]Shape{}
	for _, d := range g.Defenses {
		shapes[ShapeKey{g.Datasets[0].Name, defenses.ID(d)}] = ShapeOf(t.Context(), d, g.Datasets[0].Recordings).Constant(defenses.ID(d))
	}
	first := Units(plan, shapes, Rates{})
	for range 50 {
		if again := Units(plan, shapes, Rates{}); !reflect.DeepEqual(first, again) {
			t.Fatal("units differ from one time to the next")
		}
	}
}

// A constant rate makes as many packets as time asks for, whatever there was.
func TestShapeOfCover(t *testing.T) {
	r := datasets.Recording{Trace: datasets.Trace{
		Flows:   []datasets.Flow{{Proto: 17}},
		Packets: []datasets.Packet{{Size: 100, Payload: 58}, {Time: time.Second, Size: 100, Payload: 58}},
		End:     100 * time.Second,
	}}
	for _, d := range alldefenses.All() {
		if d.Info().Name != "constant-rate" {
			continue
		}
		if s := ShapeOf(context.Background(), d, []datasets.Recording{r}); s.Ratio < 50 {
			t.Errorf("%+v", s)
		}
	}
	if s := ShapeOf(t.Context(), defenses.None{}, nil); s.Ratio != 1 {
		t.Errorf("without recordings: %+v", s)
	}
}
