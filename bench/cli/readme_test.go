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

// Every command and result of the page on captures before and after a device is
// tried by its script.
func TestBeforeAfterPageIsTried(t *testing.T) {
	page, err := os.ReadFile("../../reports/docs/before-after.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/beforeafter.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tried := regexp.MustCompile(`\\(.)`).ReplaceAllString(string(script), "$1")
	n := 0
	for line := range strings.Lines(string(page)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "    veilbench "):
			line = "exec " + strings.TrimSpace(line)
		case strings.HasPrefix(line, "gateway (") && !strings.Contains(line, "4.8 ms"), strings.HasPrefix(line, "vpn  "):
		default:
			continue
		}
		if n++; !strings.Contains(tried, line) {
			t.Errorf("not tried: %s", line)
		}
	}
	if n < 8 {
		t.Errorf("%d lines of the page are tried", n)
	}
}
