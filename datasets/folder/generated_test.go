package folder

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"veilbench/datasets"
	"veilbench/datasets/home"
)

// What the generator writes is read back with the same recordings, IDs and
// groups; what packet was caused by what event is not in the files.
func TestGeneratedReadsBackTheSame(t *testing.T) {
	for _, id := range []string{"small:homes=3,hours=0.5", "gateway:homes=2,hours=0.5", "rates:homes=3,hours=0.5", "event_clips:homes=3,hours=0.5", "homemole-ind:homes=3,hours=0.05", "full:hours=0.5", "routine:homes=2,hours=9"} {
		t.Run(id, func(t *testing.T) {
			ds, err := home.Generate(context.Background(), id, 3)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if _, err := home.Export(t.Context(), dir, ds); err != nil {
				t.Fatal(err)
			}
			f, err := Open(t.Context(), dir, Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Clone(ds.Recordings)
			slices.SortFunc(want, func(a, b datasets.Recording) int { return strings.Compare(a.ID, b.ID) })
			for i := range want {
				want[i].Labels.Cause = nil
			}
			if d := cmp.Diff(want, f.recordings, cmpopts.EquateComparable(datasets.Flow{})); d != "" {
				t.Errorf("read back differs (-want +got):\n%.3000s", d)
			}
			got := f.Dataset()
			for _, task := range ds.Tasks {
				if !slices.Contains(got.Tasks, task) && !strings.HasPrefix(id, "full") { // half an hour of the night has no events
					t.Errorf("tasks %v, want %s among them", got.Tasks, task)
				}
			}
			if got.Split != ds.Split && len(ds.Recordings) > 1 {
				t.Errorf("split %s, want %s", got.Split, ds.Split)
			}
		})
	}
}
