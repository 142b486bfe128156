package builtin_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

// Every defense of the list keeps the contract with its default parameters.
func TestContract(t *testing.T) {
	for _, d := range builtin.All() {
		t.Run(d.Info().Name, func(t *testing.T) { defensetest.Run(t, d) })
	}
}

// No two defenses or presets have one name or one ID, and tables call each by its
// name.
func TestNames(t *testing.T) {
	seen := map[string]string{}
	add := func(name string, d defenses.Defense) {
		for _, key := range []string{name, defenses.ID(d)} {
			if other, ok := seen[key]; ok && other != name {
				t.Errorf("%s and %s are both %s", name, other, key)
			}
			seen[key] = name
		}
		if got := defenses.Label(builtin.All(), d); got != name {
			t.Errorf("%s is called %q", name, got)
		}
	}
	for _, d := range builtin.All() {
		add(d.Info().Name, d)
		if p, ok := d.(defenses.Presetter); ok {
			for _, p := range p.Presets() {
				add(p.Name, p.Defense)
			}
		}
	}
}

// A family imports the contract and what several share, never a sibling; what is
// shared imports no family.
func TestFamiliesKnowNoSibling(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		folder := filepath.Base(filepath.Dir(file))
		if strings.HasSuffix(file, "_test.go") || folder == "builtin" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			_, sibling, below := strings.Cut(strings.Trim(imp.Path.Value, `"`), "/defenses/")
			if below && !slices.Contains([]string{"shaping", "maybenot", "contract"}, sibling) {
				t.Errorf("%s imports its sibling %s: what both need belongs into shaping", file, sibling)
			}
		}
	}
}
