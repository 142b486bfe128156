package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
)

// visits makes five hours of a hub and, in each, of a visitor's device that is
// there for that hour only.
func visits() datasets.Dataset {
	rng := rand.New(rand.NewPCG(7, 7))
	ds := datasets.Dataset{Name: "visits", Recorded: datasets.LAN, Tasks: []datasets.Task{datasets.TaskDevice}, Split: "leave-one-group-out"}
	for g := range 5 {
		r := datasets.Recording{ID: fmt.Sprint("hour", g), Group: fmt.Sprint("hour", g)}
		r.Labels.Devices = []string{"hub", fmt.Sprint("visitor", g)}
		r.Trace = datasets.Trace{End: time.Hour, Flows: []datasets.Flow{{Proto: 17}, {Proto: 17}}}
		for k := range 300 {
			owner := int32(0)
			if k%4 == 3 {
				owner = 1
			}
			at := time.Duration(k)*12*time.Second + time.Duration(rng.Int64N(int64(time.Second)))
			r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: at, Size: 242, Payload: 200, Flow: owner, Dir: datasets.Dir(k % 2)})
			r.Labels.Owners = append(r.Labels.Owners, owner)
		}
		ds.Recordings = append(ds.Recordings, r)
	}
	return ds
}

// randomClips makes clips of one packet, of classes that say nothing of it, in
// groups that lack some classes.
func randomClips() datasets.Dataset {
	rng := rand.New(rand.NewPCG(8, 8))
	ds := datasets.Dataset{Name: "clips", Recorded: datasets.LAN, Tasks: []datasets.Task{datasets.TaskClip}, Split: "leave-one-group-out"}
	for i := range 60 {
		r := datasets.Recording{ID: fmt.Sprintf("clip%02d", i), Group: fmt.Sprint("home", rng.IntN(8))}
		activity := string(rune('a' + min(rng.IntN(5), rng.IntN(5))))
		r.Labels = datasets.Labels{Devices: []string{"lamp"}, Events: []datasets.Event{{Activity: activity}}}
		r.Trace = datasets.Trace{End: time.Minute, Flows: []datasets.Flow{{Proto: 17}}, Packets: []datasets.Packet{{Time: time.Duration(rng.Int64N(1e9)), Size: 100, Payload: 58}}}
		ds.Recordings = append(ds.Recordings, r)
	}
	return ds
}

// controls runs the controls that see no traffic on ds.
func controls(t *testing.T, ds datasets.Dataset, task datasets.Task, ids ...string) []results.Result {
	t.Helper()
	g := Grid{Datasets: []datasets.Dataset{ds}, Tasks: []datasets.Task{task}, Attacks: blind(), Seed: 3}
	for _, id := range ids {
		g.Defenses = append(g.Defenses, defense(t, id))
	}
	rs, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// TestControlsHaveNoAdvantage: what guesses without a look at the traffic is at
// its floor, in every group and over all.
func TestControlsHaveNoAdvantage(t *testing.T) {
	for _, c := range []struct {
		ds       datasets.Dataset
		task     datasets.Task
		defenses []string
	}{
		{visits(), datasets.TaskDevice, []string{"none", "constant-rate:per=home"}},
		{randomClips(), datasets.TaskClip, []string{"none", "pad-random"}},
		{small(t, "home:event_signatures:hours=0.2"), datasets.TaskEvent, []string{"none", "cover-decoy"}},
		{small(t, "home:gateway:hours=0.2"), datasets.TaskCommand, []string{"none", "pad-random"}},
	} {
		groups := 0
		for _, r := range controls(t, c.ds, c.task, c.defenses...) {
			v, ok := r.Metric(r.Headline)
			if r.Err != "" || v > r.Floor {
				t.Errorf("%s %s behind %s: %v (%v), floor %v, error %q", c.task, r.Cell.Attack, r.Cell.Defense, v, ok, r.Floor, r.Err)
			}
			for _, g := range r.Groups {
				if g.Value > g.Floor {
					t.Errorf("%s %s behind %s: %s has %v, floor %v", c.task, r.Cell.Attack, r.Cell.Defense, g.Group, g.Value, g.Floor)
				}
				groups++
			}
		}
		if groups == 0 {
			t.Errorf("%s: no group has a score", c.task)
		}
	}
}

// hub names the hub for every packet, as an attack that is no control.
type hub struct{}

func (hub) Info() attacks.Info {
	return attacks.Info{Name: "always-hub", Tasks: []datasets.Task{datasets.TaskDevice}}
}

func (hub) Train(context.Context, *rand.Rand, attacks.Training) (attacks.Model, error) {
	return hub{}, nil
}

func (hub) Guess(_ context.Context, t datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Devices: make([]attacks.Owner, len(t.Packets))}, nil
}

// TestFloorOfVisits: the hub is half of the classes of every hour, so an attack
// that names nothing else knows nothing, though six classes can be named.
func TestFloorOfVisits(t *testing.T) {
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{visits()}, Defenses: []defenses.Defense{defenses.None{}}, Attacks: []attacks.Attack{hub{}},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results.Measured(rs) {
		if len(r.Groups) != 1 || r.Groups[0].Value != 0.5 || r.Groups[0].Floor != 0.5 || r.Floor != 0.5 {
			t.Errorf("fold %d: floor %v, groups %+v: want 0.5 with a floor of 0.5", r.Cell.Fold, r.Floor, r.Groups)
		}
	}
}

// TestFloorOfOne: where the hub is alone in every hour there is nothing to hide,
// which is said and not averaged. Alone in one of them it is no more than half the
// answer: who says "hub" there says it elsewhere too.
func TestFloorOfOne(t *testing.T) {
	for _, alone := range []int{1, 5} {
		ds := visits()
		for i := range alone {
			clear(ds.Recordings[i].Labels.Owners)
		}
		rs, err := Run(context.Background(), Grid{
			Datasets: []datasets.Dataset{ds}, Defenses: []defenses.Defense{defenses.None{}}, Attacks: []attacks.Attack{hub{}},
		}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var advantage float64
		for _, r := range results.Measured(rs) {
			group := fmt.Sprint("hour", r.Cell.Fold)
			want := []results.LeftOut{{Group: group, Why: results.NothingToHide}}
			warned := slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, group) })
			if out := alone == 5; out != (len(r.Groups) == 0) || out != slices.Equal(r.LeftOut, want) || out != warned {
				t.Errorf("%d alone, fold %d: groups %v, left out %v, warnings %q", alone, r.Cell.Fold, r.Groups, r.LeftOut, r.Warnings)
			}
			for _, g := range r.Groups {
				advantage += (g.Value - g.Floor) / (1 - g.Floor)
			}
		}
		if math.Abs(advantage) > 1e-9 {
			t.Errorf("%d alone: always the hub has an advantage of %v", alone, advantage)
		}
	}
}

// TestUnseenIsNoMiss: clips of which the view leaves nothing are no items, also
// where a defense sends packets of its own in their place.
func TestUnseenIsNoMiss(t *testing.T) {
	ds := randomClips()
	hidden := 0
	for i := range ds.Recordings {
		// Traffic that stays in the home is not seen outside.
		if r := &ds.Recordings[i]; i%3 == 0 || r.Group == "home1" {
			r.Trace.Flows[0].LAN = true
			hidden++
		}
	}
	tested := map[string]float64{}
	for _, r := range controls(t, ds, datasets.TaskClip, "none", "cover-noise") {
		if r.Err != "" {
			t.Fatal(r.Err)
		}
		if r.Cell.Attack == "guess-majority" && r.Cell.Knowledge == results.Unaware {
			n, _ := r.Metric(results.Tested)
			tested[r.Cell.Defense] += n
		}
		_, scored := r.Metric(r.Headline)
		left := slices.Equal(r.LeftOut, []results.LeftOut{{Group: "home1", Why: results.NothingToFind}})
		if scored == left || left && len(r.Warnings) != 2 {
			t.Errorf("behind %s: groups %v, left out %v, warnings %q", r.Cell.Defense, r.Groups, r.LeftOut, r.Warnings)
		}
	}
	for d, n := range tested {
		if int(n) != len(ds.Recordings)-hidden {
			t.Errorf("behind %s: %v clips tested, want %d", d, n, len(ds.Recordings)-hidden)
		}
	}
	if len(tested) != 2 {
		t.Errorf("defenses %v", tested)
	}
}

// TestFloorOfUnevenClips: three clips of four are of one class, each a group of its
// own. Recall over all tests weighs classes alike, so naming that class is worth half;
// the mean over groups weighs clips, so there it is worth three quarters.
func TestFloorOfUnevenClips(t *testing.T) {
	ds := randomClips()
	ds.Split = "leave-one-out"
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		r.Group = r.ID
		r.Labels.Events[0].Activity = "b"
		if i%4 == 0 {
			r.Labels.Events[0].Activity = "a"
		}
	}
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{ds}, Tasks: []datasets.Task{datasets.TaskClip}, Defenses: []defenses.Defense{defenses.None{}},
		Attacks: []attacks.Attack{attack(t, "event-knn:k=1")}, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1, NoCanaries: true,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if r.Err != "" || r.Floor != 0.5 || len(r.Groups) != 60 {
			t.Fatalf("floor %v, want 0.5; %d groups %s", r.Floor, len(r.Groups), r.Err)
		}
		for _, g := range r.Groups {
			if math.Abs(g.Floor-0.75) > 1e-9 {
				t.Fatalf("group %s: floor %v, want 0.75", g.Group, g.Floor)
			}
		}
	}
}
