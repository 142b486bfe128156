package runs

import (
	"bytes"
	"strings"
	"testing"

	"veilbench/bench/cli/command"
	"veilbench/bench/results"
)

// The folder of a run that another build made may hold other content under the same
// names: who meets that must not look for a change of the data.
func TestFolderOfAnotherBuild(t *testing.T) {
	dir := t.TempDir()
	was := results.Manifest{Version: "v1.0.0 0123456789ab", Seed: 1, Data: []results.DataEntry{{Name: "d", Digest: "x"}}}
	if err := was.Write(dir); err != nil {
		t.Fatal(err)
	}
	is := was
	is.Data = []results.DataEntry{{Name: "d", Digest: "y"}}
	a := &command.App{Stderr: &bytes.Buffer{}}
	for version, want := range map[string]bool{was.Version: false, "v1.1.0": true} {
		is.Version = version
		err := ownExperiment(a, dir, is, false)
		if err == nil || !strings.Contains(err.Error(), "data set d has other content") || strings.Contains(err.Error(), "it was made by another build (v1.0.0 0123456789ab, this is v1.1.0)") != want {
			t.Errorf("%s: %v", version, err)
		}
	}
	if err := ownExperiment(a, dir, is, true); err != nil {
		t.Error(err)
	}
}
