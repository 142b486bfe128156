package selfcheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/guess"
	"veilbench/bench"
	"veilbench/bench/draws"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/datasets/doubt"
	"veilbench/defenses"
)

// brokenAttack plants an attack that works without a defense and says nothing
// behind one: its zero must not be the defense's.
func (s *selfCheck) brokenAttack() (string, error) {
	d, ok := s.defense("pad-level")
	if !ok {
		return notInList, nil
	}
	rs, err := bench.Run(s.ctx, bench.Grid{
		Datasets: []datasets.Dataset{planted.Clips(true)}, Defenses: []defenses.Defense{defenses.None{}, d}, Attacks: []attacks.Attack{broken{}},
		Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1,
	}, bench.Options{Workers: 1, PluginTimeout: s.limit})
	if err != nil {
		return "", err
	}

	// Without the defense it must be seen to work, or its zero would be none for
	// another reason.
	for _, m := range results.Summaries(rs) {
		want := results.Reason("")
		if m.Defense != results.NoDefense {
			want = results.CanaryMissed
		}
		if m.NoEvidence != want {
			return "", fmt.Errorf("behind %s: advantage %.2f, evidence %q, want %q", m.Defense, m.Advantage, m.NoEvidence, want)
		}
	}
	return "it misses its canaries, so its score is no evidence", nil
}

// wrongClock plants labels that are an hour late: they must be doubted, and the hour
// be named.
func (s *selfCheck) wrongClock() (string, error) {
	const late = time.Hour
	r := draws.New(1, "clock")
	ds := datasets.Dataset{Name: "self-check-clock", Recorded: datasets.WAN, Tasks: []datasets.Task{datasets.TaskEvent}, Split: "leave-one-group-out"}
	for g := range 3 {
		rec := eventRecording(r, g, 10*time.Minute)

		// Who does not know the clock knows no causes, and no label after the end.
		rec.Labels.Cause = nil
		for i := range rec.Labels.Events {
			e := &rec.Labels.Events[i]
			e.Start, e.End = e.Start+late, e.End+late
		}
		rec.Labels.Events = slices.DeleteFunc(rec.Labels.Events, func(e datasets.Event) bool { return e.Start > rec.Trace.End })
		ds.Recordings = append(ds.Recordings, rec)
	}

	for _, d := range doubt.Of(&ds, datasets.WAN, 1) {
		if d.Code == datasets.DoubtShifted && slices.Contains(d.Spoils, datasets.TaskEvent) {
			return d.Detail, nil
		}
	}
	return "", errors.New("labels that are an hour late raise no doubt that spoils their scores")
}

// broken compares whole sequences, and says nothing about a trace whose packets all
// have one size.
type broken struct{}

// Info gives it a name of its own: the control that it rests on sets floors.
func (broken) Info() attacks.Info {
	return attacks.Info{Name: "broken", Doc: "says nothing behind a padding", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (broken) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m, err := guess.Exact{}.Train(ctx, rng, t)
	return brokenModel{m}, err
}

type brokenModel struct{ attacks.Model }

func (m brokenModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	for _, p := range t.Packets {
		if p.Size != t.Packets[0].Size {
			return m.Model.Guess(ctx, t)
		}
	}
	return attacks.Answer{}, nil
}
