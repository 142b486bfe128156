package house

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// drawing is the packages of the project as a diagram: an arrow points from a
// package to one that it imports. Arrows that follow from others (a to b to c
// makes a to c) are left out, those into the vocabulary too: nearly every
// package imports datasets.
func drawing(all []source) string {
	imports := map[string]map[string]bool{}
	for _, s := range all {
		if s.test() {
			continue
		}
		if imports[s.dir()] == nil {
			imports[s.dir()] = map[string]bool{}
		}
		for _, to := range s.imports() {
			imports[s.dir()][to] = true
		}
	}

	var b strings.Builder
	b.WriteString("```mermaid\ngraph RL\n")
	node := func(dir string) string { return strings.NewReplacer("/", "_").Replace(dir) }
	for _, layer := range layers {
		fmt.Fprintf(&b, "  subgraph %s_layer[%s]\n", layer, layer)
		for _, dir := range sortedKeys(imports) {
			if dir == layer || strings.HasPrefix(dir, layer+"/") {
				fmt.Fprintf(&b, "    %s[%s]\n", node(dir), dir)
			}
		}
		b.WriteString("  end\n")
	}
	for _, dir := range sortedKeys(imports) {
		for _, to := range sortedKeys(imports[dir]) {
			if to != "datasets" && !follows(imports, dir, to) {
				fmt.Fprintf(&b, "  %s --> %s\n", node(dir), node(to))
			}
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// follows says whether another import of dir reaches to as well.
func follows(imports map[string]map[string]bool, dir, to string) bool {
	seen := map[string]bool{}
	var reaches func(from string) bool
	reaches = func(from string) bool {
		if from == to {
			return true
		}
		if seen[from] {
			return false
		}
		seen[from] = true
		return slices.ContainsFunc(sortedKeys(imports[from]), reaches)
	}
	return slices.ContainsFunc(sortedKeys(imports[dir]), func(via string) bool { return via != to && reaches(via) })
}

// TestDrawingIsTrue holds the drawing of packages to the source. "make golden"
// draws it anew.
func TestDrawingIsTrue(t *testing.T) {
	const begin, end = "<!-- drawing: written by make golden -->\n", "<!-- end of drawing -->"
	file := filepath.Join(top, "reports/docs/architecture.md")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	was, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the drawing: want %q and %q", file, begin, end)
	}
	is := drawing(project(t))
	if was == is {
		return
	}
	if os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatalf("%s does not show the packages as they are: run make golden", file)
	}
	if err := os.WriteFile(file, []byte(before+begin+is+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
