package builtin_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/knn"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/datasets/published"
)

// event-knn with one neighbor is the description's column "same count": of the
// 115 clips of zigbee_events 93 right and 104 with a training clip of as many
// frames, leaving one event out; 72 and 101, leaving one capture out.
func TestZigbeeSameCount(t *testing.T) {
	sets, err := published.Load(t.Context(), "zigbee-events-activities", datatest.Recorded(t, "zigbee_events"))
	if err != nil {
		t.Fatal(err)
	}
	ds := sets[0]
	for _, c := range []struct {
		split          datasets.Split
		right, covered int
	}{{"leave-one-out", 93, 104}, {"leave-one-group-out", 72, 101}} {
		folds, err := c.split.Folds(&ds, datasets.TaskClip)
		if err != nil {
			t.Fatal(err)
		}
		right, covered := 0, 0
		for _, f := range folds {
			for _, p := range f {
				r, n := oneNeighbor(t, &ds, p)
				right, covered = right+r, covered+n
			}
		}
		if right != c.right || covered != c.covered {
			t.Errorf("%s: %d right, %d covered; want %d, %d", c.split, right, covered, c.right, c.covered)
		}
	}
}

// oneNeighbor asks event-knn about the test clips of a part: how many it names
// right, and how many at all.
func oneNeighbor(t *testing.T, ds *datasets.Dataset, p datasets.Part) (right, covered int) {
	t.Helper()
	train := attacks.Training{Task: datasets.TaskClip}
	seen := map[string]bool{}
	for _, i := range p.Train {
		r := ds.Recordings[i]
		seen[r.ClipClass()] = true
		train.Examples = append(train.Examples, attacks.Labeled{Trace: r.Trace, Labels: r.Labels, Group: r.Group, Class: r.ClipClass()})
	}
	train.Classes = slices.Sorted(maps.Keys(seen))
	m, err := knn.EventKNN{K: 1, PairS: 5}.Train(context.Background(), rand.New(rand.NewPCG(1, 1)), train)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range p.Test {
		a, err := m.Guess(context.Background(), ds.Recordings[i].Trace)
		if err != nil {
			t.Fatal(err)
		}
		switch a.Clip[0].Class {
		case ds.Recordings[i].ClipClass():
			right, covered = right+1, covered+1
		case datasets.Unknown:
		default:
			covered++
		}
	}
	return right, covered
}
