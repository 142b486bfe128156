package doubt_test

import (
	"strings"
	"testing"
	"time"

	"veilbench/datasets/datatest"
	"veilbench/datasets/doubt"
	"veilbench/datasets/published"
)

// TestRecordedSets lists what is doubtful about every published set beside the
// repository.
func TestRecordedSets(t *testing.T) {
	for _, name := range published.Names() {
		s, err := published.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		path := datatest.Recorded(t, strings.ReplaceAll(s.Name, "-", "_"))
		sets, err := published.Load(t.Context(), name, path)
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		for i := range sets {
			ds := &sets[i]
			start := time.Now()
			v := ds.DefaultVantage()
			for _, d := range doubt.Of(ds, v, 1) {
				t.Logf("%s at %s: spoils %v: %s", ds.Name, v, d.Spoils, d)
			}
			t.Logf("%s: %v", ds.Name, time.Since(start))
		}
	}
}
