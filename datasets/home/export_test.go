package home

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"veilbench/datasets"
	"veilbench/datasets/capture"
)

// readBack reads an exported recording with its labels.
func readBack(t *testing.T, dir string, f Files) datasets.Recording {
	t.Helper()
	o := capture.DatasetOptions{Blocks: 1}
	if f.Names != "" {
		o.Names = filepath.Join(dir, f.Names)
	}
	for _, name := range []string{f.Events, f.Devices, f.Commands, f.Stays} {
		if name != "" {
			o.Labels = append(o.Labels, filepath.Join(dir, name))
		}
	}
	ds, err := capture.Dataset(t.Context(), filepath.Join(dir, f.Capture), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(ds.Recordings) != 1 {
		t.Fatalf("%d recordings of one block", len(ds.Recordings))
	}
	return ds.Recordings[0]
}

func TestExportReadsBackTheSame(t *testing.T) {
	for _, id := range []string{"small:homes=1,hours=0.5", "full:hours=0.5", "gateway:homes=2,hours=0.5", "routine:homes=1,hours=9"} {
		t.Run(id, func(t *testing.T) {
			ds := mustGenerate(t, id, 3)
			dir := t.TempDir()
			files, err := Export(t.Context(), dir, ds)
			if err != nil {
				t.Fatal(err)
			}
			want, got := ds.Recordings[0], readBack(t, dir, files[0])
			want.ID, want.Group, want.Labels.Cause = got.ID, got.Group, nil // not in the files
			if routine := strings.HasPrefix(id, "routine"); routine != (len(got.Labels.Stays) > 1) {
				t.Errorf("stays %v", got.Labels.Stays)
			}
			if d := cmp.Diff(want, got, cmpopts.EquateComparable(datasets.Flow{})); d != "" {
				t.Errorf("read back differs (-want +got):\n%.3000s", d)
			}
		})
	}
}
