package artifact

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
)

// The source in an artifact is the program: it builds from the bundle alone, without
// a network and without modules that were fetched before, and the same source is the
// same commit.
func TestSourceBuildsByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program anew")
	}
	datatest.Tool(t, "git")
	if _, err := os.Stat("../../../.git"); err != nil {
		t.Skip("not a clone")
	}
	dir := t.TempDir()
	first, err := bundle(t.Context(), "../../..", filepath.Join(dir, "a.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := bundle(t.Context(), "../../..", filepath.Join(dir, "b.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	if first.commit != second.commit || len(first.commit) != 40 {
		t.Errorf("commits %s and %s of one source", first.commit, second.commit)
	}

	if _, err := tool(t.Context(), dir, nil, "git", "clone", "-q", "a.bundle", "source"); err != nil {
		t.Fatal(err)
	}
	env := []string{"GOFLAGS=-mod=vendor", "GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off", "CGO_ENABLED=0", "GOMODCACHE=" + filepath.Join(dir, "none")}
	if _, err := tool(t.Context(), filepath.Join(dir, "source"), env, "go", "build", "-trimpath", "-buildvcs=false", "-o", "../veilbench", mainPackage()); err != nil {
		t.Fatal(err)
	}
	out, err := tool(t.Context(), dir, nil, "./veilbench", "--version")
	if err != nil || !strings.HasPrefix(out, "veilbench ") {
		t.Errorf("it says %q, %v", out, err)
	}
}
