package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
)

// Blocks of a page: commands behind "$ " with their output, and files, whose first line
// names them ("# forest.py: what it does").
var (
	consoleRE = regexp.MustCompile("(?s)```console\n(.*?)```")
	fileRE    = regexp.MustCompile("(?s)```(?:python|yaml)\n(# ([a-z.]+): .*?)```")
	printRE   = regexp.MustCompile(`results sha256:[0-9a-f]+ \((\d+ cells), [a-z0-9]+ kernels\)`)
)

// runPage does what a page of reports/docs says in the folder dir, where VEILBENCH names
// this repository, and holds what comes out against the page. UPDATE_GOLDEN=1 writes
// the outputs anew.
func runPage(t *testing.T, page, dir string) {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(top, "reports/docs", page)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fileRE.FindAllSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(dir, string(f[2])), f[1], 0o644); err != nil {
			t.Fatal(err)
		}
	}

	// Another home must not mean another cache of what Go has built and fetched.
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache := strings.Split(string(caches), "\n")
	env := append(os.Environ(), "HOME="+dir, "VEILBENCH="+top, "GOCACHE="+cache[0], "GOMODCACHE="+cache[1], "GOFLAGS=-mod=mod", "GOSUMDB=off", "GOWORK=off", "NO_COLOR=1")

	written := consoleRE.ReplaceAllStringFunc(string(text), func(block string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		for _, command := range typedIn(block) {
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir, cmd.Env = dir, env
			var said, log strings.Builder
			cmd.Stdout, cmd.Stderr = &said, &log
			if err := cmd.Run(); err != nil {
				t.Fatalf("%s: %s: %v\n%s%s", page, command, err, &said, &log)
			}
			b.WriteString("$ " + command + "\n" + said.String())
		}
		return b.String() + "```"
	})
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}

	// Which kernels a machine has, and so the fingerprint, is its own.
	want, got := printRE.ReplaceAllString(string(text), "$1"), printRE.ReplaceAllString(written, "$1")
	if got != want {
		t.Errorf("%s says what does not come out; it would be\n%s", page, got)
	}
}

// typedIn are the commands of a block; one that ends in a backslash goes on.
func typedIn(block string) []string {
	var out []string
	goesOn := false
	for line := range strings.Lines(strings.TrimPrefix(block, "```console\n")) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case goesOn:
			out[len(out)-1] += "\n" + line
		case strings.HasPrefix(line, "$ "):
			out = append(out, line[2:])
		default:
			continue // what came out
		}
		goesOn = strings.HasSuffix(line, `\`)
	}
	return out
}

// The pages of the doors to other people's tools, as a reader types them.
func TestTunePage(t *testing.T) { runPage(t, "tune.md", t.TempDir()) }

func TestExchangePage(t *testing.T) {
	python := datatest.PythonWith(t, "sklearn", "numpy")
	out, err := exec.Command(python, "-c", "import sklearn; print(sklearn.__version__)").Output()
	if v := strings.TrimSpace(string(out)); err != nil || v != "1.2.1" {
		t.Skipf("the page is of scikit-learn 1.2.1, here is %q", v)
	}
	runPage(t, "exchange.md", t.TempDir())
}
