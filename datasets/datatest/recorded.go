package datatest

import (
	"os"
	"path/filepath"
	"testing"
)

// Recorded returns a file or folder of the recorded data that some keep beside
// the repository, in ../shared/data. Where it is absent the test is skipped:
// not all of that data may be passed on.
func Recorded(t testing.TB, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{root(t), "..", "shared", "data"}, path...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("recorded data is not beside the repository: %v", err)
	}
	return p
}

// root is the repository's folder. Tests run in the folder of their package.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}
