package attacks_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"veilbench/attacks"
	"veilbench/datasets"
)

// sharedData returns a folder of the recorded data that is kept beside the
// repository, or skips the test where it is absent.
func sharedData(t testing.TB, folder string) string {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "data", folder)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("recorded data %s is not here: %v", folder, err)
	}
	return path
}

// clipExamples makes the recordings at the given places training examples.
func clipExamples(ds *datasets.Dataset, at []int) attacks.Training {
	t := attacks.Training{Task: datasets.Clip}
	classes := map[string]bool{}
	for i := range ds.Recordings {
		classes[ds.Recordings[i].ClipClass()] = true
	}
	t.Classes = sortedKeys(classes)
	for _, i := range at {
		r := &ds.Recordings[i]
		t.Examples = append(t.Examples, attacks.Labeled{
			Trace: r.Trace, Labels: r.Labels, Group: r.Group, Class: r.ClipClass(),
		})
	}
	return t
}

// trainOn trains a with a fixed generator.
func trainOn(t testing.TB, a attacks.Attack, tr attacks.Training) attacks.Model {
	t.Helper()
	m, err := a.Train(context.Background(), rand.New(rand.NewPCG(1, 1)), tr)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ask returns m's answer.
func ask(t testing.TB, m attacks.Model, tr datasets.Trace) attacks.Answer {
	t.Helper()
	a, err := m.Guess(context.Background(), tr)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
