package main

import (
	"context"
	"math/rand/v2"

	"veilbench/attacks"
	"veilbench/datasets"
)

// volume takes a clip for the class of the training clip with the nearest volume.
type volume struct{}

func (volume) Info() attacks.Info {
	return attacks.Info{Name: "acme-volume", Doc: "nearest volume", Tasks: []datasets.Task{datasets.TaskClip}}
}

func (volume) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return known(t.Examples), ctx.Err()
}

type known []attacks.Labeled

func (k known) Guess(_ context.Context, t datasets.Trace) (attacks.Answer, error) {
	class, least := datasets.Unknown, int64(-1)
	for _, l := range k {
		if d := max(l.Trace.Bytes()-t.Bytes(), t.Bytes()-l.Trace.Bytes()); least < 0 || d < least {
			class, least = l.Class, d
		}
	}
	return attacks.Answer{Clip: []attacks.Ranked{{Class: class, P: 1}}}, nil
}
