package home

import (
	"testing"

	"veilbench/datasets"
)

// mustGenerate fails the test when the data set cannot be made.
func mustGenerate(t *testing.T, id string, seed uint64) datasets.Dataset {
	t.Helper()
	ds, err := Generate(id, seed)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestEventSignaturesAreBalancedAndConsistent(t *testing.T) {
	ds := mustGenerate(t, "home:event_signatures", 1)
	if len(ds.Recordings) != 5 {
		t.Fatalf("%d homes, want 5", len(ds.Recordings))
	}
	for _, rec := range ds.Recordings {
		if err := rec.Trace.Check(); err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, e := range rec.Labels.Events {
			n[rec.Labels.Class(e)]++
		}
		if len(n) != 16 {
			t.Errorf("%s: %d classes, want 16", rec.ID, len(n))
		}
		for class, k := range n {
			if k < 20 {
				t.Errorf("%s: %d repetitions of %s, want at least 20", rec.ID, k, class)
			}
		}
	}
}
