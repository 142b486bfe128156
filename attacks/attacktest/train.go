package attacktest

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Clips makes the recordings at the given places training examples.
func Clips(ds *datasets.Dataset, at []int) attacks.Training {
	t := attacks.Training{Task: datasets.TaskClip}
	classes := map[string]bool{}
	for i := range ds.Recordings {
		classes[ds.Recordings[i].ClipClass()] = true
	}
	t.Classes = slices.Sorted(maps.Keys(classes))
	for _, i := range at {
		r := &ds.Recordings[i]
		t.Examples = append(t.Examples, attacks.Labeled{
			Trace: r.Trace, Labels: r.Labels, Group: r.Group, Class: r.ClipClass(),
		})
	}
	return t
}

// Train trains a with a fixed generator.
func Train(t testing.TB, a attacks.Attack, tr attacks.Training) attacks.Model {
	t.Helper()
	m, err := a.Train(context.Background(), rand.New(rand.NewPCG(1, 1)), tr)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Ask returns m's answer.
func Ask(t testing.TB, m attacks.Model, tr datasets.Trace) attacks.Answer {
	t.Helper()
	a, err := m.Guess(context.Background(), tr)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
