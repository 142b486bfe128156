package results

import (
	"path/filepath"
	"strings"
	"testing"

	"veilbench/datasets/atomicfile"
)

func TestBrokenSampleIsNamed(t *testing.T) {
	dir := t.TempDir()
	if xs, err := ReadSamples(dir); xs != nil || err != nil {
		t.Errorf("nothing there: %v, %v", xs, err)
	}
	if err := atomicfile.Write(filepath.Join(dir, "samples", "x.json.gz"), []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSamples(dir); err == nil || !strings.Contains(err.Error(), "x.json.gz") {
		t.Errorf("error %v does not name the file", err)
	}
}
