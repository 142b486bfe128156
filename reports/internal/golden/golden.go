// Package golden compares what tests draw with files, for packages that know no
// result as well as for those that do.
package golden

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Hostile is a name that tries to be markup in every format.
const Hostile = `evil:x=<script>alert(1)</script>|50%_$#{}\~^&é中`

// Check compares got with the file of that name in testdata of the package that
// is tested; UPDATE_GOLDEN=1 writes it anew.
func Check(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; read the diff after make golden", path)
	}
}
