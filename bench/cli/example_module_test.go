package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A module outside of the tree is what a vendor has: the example is copied out, told
// where veilbench lies, built, tested and run. What it needs is fetched where the cache of
// modules has less than tidying asks for.
func TestExampleModuleStandsAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the whole program once more")
	}
	home := t.TempDir()
	runPage(t, "own-module.md", home) // builds it
	dir := filepath.Join(home, "acme")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	acme := filepath.Join(dir, "acme")
	for list, want := range map[string]string{"defenses": "acme-steps", "attacks": "acme-volume", "datasets": "acme-bench", "tasks": "on-or-off"} {
		if out := run(acme, "list", list); !strings.Contains(out, want) {
			t.Errorf("list %s has no %s:\n%s", list, want, out)
		}
	}

	// Both tasks, the built-in one and the program's own, on its own data.
	out := run(acme, "run", "--dataset", "acme-bench", "--task", "clip", "--task", "on-or-off",
		"--defense", "none", "--defense", "acme-steps:step_bytes=128", "--attack", "acme-volume", "--out", "out")
	for _, want := range []string{"clips, acme-bench/on-or-off", "acme-steps step_bytes=128", "self-check: 13 of 13 passed"} {
		if !strings.Contains(out, want) {
			t.Errorf("the run does not say %q:\n%s", want, out)
		}
	}
	if out := run(acme, "verify", "out", "--sample", "5"); !strings.Contains(out, ", 0 differ") {
		t.Errorf("verify:\n%s", out)
	}
	if out := run(acme, "run", "--dataset", "acme-bench", "--task", "on-or-off", "--defense", "none", "--attack", "acme-volume", "--out", "alone"); strings.Contains(out, "acme-bench: ") {
		t.Errorf("the data set that only the question is about is asked itself:\n%s", out)
	}
	run(acme, "datasets", "describe", "acme-bench")
}

// An example is short, or nobody starts from it.
func TestExampleModuleIsShort(t *testing.T) {
	for file, most := range map[string]int{"defense.go": 30, "attack.go": 30, "main.go": 10} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join("example", file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
				continue
			}
			lines += fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1
		}
		if lines > most {
			t.Errorf("%s has %d lines of declarations, want %d at most", file, lines, most)
		}
	}
}
