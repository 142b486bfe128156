package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
)

// refusing learns nothing behind a defense: its training fails.
type refusing struct{ attacks.Attack }

func (refusing) Info() attacks.Info {
	return attacks.Info{Name: "refusing", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (a refusing) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	for _, e := range t.Examples {
		if len(e.Trace.Packets) > 0 && e.Trace.Packets[0].Size > 900 {
			return nil, errors.New("packets of one size")
		}
	}
	return a.Attack.Train(ctx, rng, t)
}

// first says the first class to everything.
type first struct{}

func (first) Info() attacks.Info {
	return attacks.Info{Name: "first", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (first) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return firstModel(t.Classes[0]), nil
}

type firstModel string

func (m firstModel) Guess(context.Context, datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Clip: []attacks.Ranked{{Class: string(m), P: 1}}}, nil
}

// oneClassEach gives every group one class of its own, as where each capture is a
// session with one command.
func oneClassEach() datasets.Dataset {
	ds := planted.Clips(true)
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		r.Labels.Events[0].Activity = r.Group
	}
	ds.Split = "leave-one-group-out"
	return ds
}

// insideOnly are clips of which all but one never leave the home.
func insideOnly() datasets.Dataset {
	ds := planted.Clips(true)
	ds.Recorded = datasets.LAN
	for i := range ds.Recordings[1:] {
		t := &ds.Recordings[i+1].Trace
		t.Flows = slices.Clone(t.Flows)
		for f := range t.Flows {
			t.Flows[f].LAN = true
		}
	}
	return ds
}

// wrongClock are homes whose labels are an hour late.
func wrongClock(t *testing.T) datasets.Dataset {
	ds := small(t, "home:event_signatures:hours=3")
	ds.Generated = false
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		r.Labels.Cause = nil
		r.Labels.Events = slices.Clone(r.Labels.Events)
		for k := range r.Labels.Events {
			e := &r.Labels.Events[k]
			e.Start += time.Hour
			e.End = e.Start
		}
		r.Labels.Events = slices.DeleteFunc(r.Labels.Events, func(e datasets.Event) bool { return e.Start > r.Trace.End })
	}
	return ds
}

// TestMistakesEarnNothing makes the mistakes that people make with a grid, an
// attack or their data. Each once gave 0.00, as if a defense were perfect; each must
// say that there is no evidence, and why.
func TestMistakesEarnNothing(t *testing.T) {
	pad := defense(t, "pad-level")
	none := defenses.None{}
	knn := attack(t, "event-knn:k=1,gap_s=1")
	grid := func(ds datasets.Dataset, a attacks.Attack, d ...defenses.Defense) Grid {
		return Grid{Datasets: []datasets.Dataset{ds}, Attacks: []attacks.Attack{a}, Defenses: d, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1}
	}
	events := func(ds datasets.Dataset, d ...defenses.Defense) Grid {
		g := grid(ds, knn, d...)
		g.Tasks = []datasets.Task{datasets.TaskEvent}
		return g
	}
	off := grid(planted.Clips(false), knn, none, pad)
	off.NoCanaries = true

	for _, c := range []struct {
		name string
		grid Grid
		want []results.Reason // behind the last defense, any of them
	}{
		{"an attack that guesses", grid(planted.Clips(true), first{}, none, pad), []results.Reason{results.FloorUndefended}},
		{"nothing to learn", grid(planted.Clips(false), knn, none, pad), []results.Reason{results.FloorUndefended}},
		{"shuffled labels", grid(planted.ShuffledLabels(planted.Clips(true)), knn, none, pad), []results.Reason{results.FloorUndefended}},
		{"classes that no training has", grid(oneClassEach(), knn, none), []results.Reason{results.FloorUndefended, results.BadData}},
		{"a view that empties", grid(insideOnly(), knn, none), []results.Reason{results.EmptyView}},
		{"labels an hour late", events(wrongClock(t), none), []results.Reason{results.BadLabels}},
		{"an attack that cuts by silence, in a stream without", events(small(t, "home:event_signatures:hours=1"), none, defense(t, "constant-rate:per=home")), []results.Reason{results.CanaryMissed}},
		{"canaries switched off", off, []results.Reason{results.FloorUndefended, results.NoCanary}},
		{"no undefended cells", grid(planted.Clips(false), knn, pad), []results.Reason{results.NoUndefended}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rs, err := Run(context.Background(), c.grid, Options{})
			if err != nil {
				t.Fatal(err)
			}
			last := c.grid.Defenses[len(c.grid.Defenses)-1]
			for _, s := range results.Summaries(rs) {
				if s.Defense != defenses.ID(last) {
					continue
				}
				if !slices.Contains(c.want, s.NoEvidence) {
					t.Errorf("%q (advantage %.2f, %+v), want one of %q", s.NoEvidence, s.Advantage, s.Evidence, c.want)
				}
			}
		})
	}
	t.Run("an attack that fails behind the defense", func(t *testing.T) {
		rs, err := Run(context.Background(), grid(planted.Clips(true), refusing{knn}, none, pad), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range results.Summaries(rs) {
			if failed := s.Defense != results.NoDefense; failed != (s.Attack == "") || failed != (s.Failed == s.Cells) {
				t.Errorf("behind %s: best %q, %d of %d cells failed", s.Defense, s.Attack, s.Failed, s.Cells)
			}
		}
	})
}

// TestHonestZeros: where an attack works and sees, a zero is the defense's.
func TestHonestZeros(t *testing.T) {
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{planted.Clips(true)}, Defenses: []defenses.Defense{defenses.None{}, defense(t, "pad-level")},
		Attacks: []attacks.Attack{attack(t, "event-knn:k=1,gap_s=1")}, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range results.Summaries(rs) {
		zero := s.Defense != results.NoDefense
		if s.NoEvidence != "" || zero != (s.Lo == 0) {
			t.Errorf("behind %s: %q, %s", s.Defense, s.NoEvidence, fmt.Sprint(s.Advantage, s.Lo, s.Hi, s.Evidence))
		}
	}
}
