package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The program in the README is what a vendor starts from: it must build, run
// and know its defense.
func TestReadmeDefenseWorks(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(readme)
	if code == nil {
		t.Fatal("README.md has no Go program")
	}
	dir, err := os.MkdirTemp(".", "readme-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "main.go"), code[1], 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "./"+dir, "list", "defenses").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "acme-steps") || !strings.Contains(string(out), "step_bytes=64") {
		t.Errorf("the program does not list its defense:\n%s", out)
	}
	if lines := strings.Count(string(code[1]), "\n"); lines > 45 {
		t.Errorf("the example has %d lines: it should look easy", lines)
	}
}

// The experiment in the README must be one that is understood.
func TestReadmeExperimentResolves(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(readme)
	if text == nil {
		t.Fatal("README.md has no experiment")
	}
	c, err := parseConfig("README.md", string(text[1]))
	if err != nil {
		t.Fatal(err)
	}
	c.datasets = []value{{text: "home:event_signatures:hours=0.1"}}
	a := &app{Plugins: Builtin()}
	g, _, err := a.grid(t.Context(), c, sourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Defenses) != 3 || len(g.Attacks) != 3 || g.Draws != 3 {
		t.Errorf("%d defenses, %d attacks, %d draws; want 3 of each", len(g.Defenses), len(g.Attacks), g.Draws)
	}
}
