package papers

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/cli"
	"veilbench/bench/cli/gridfile"
)

// items are how many items each paper has, by the letter of their names.
func items() map[string]int { return map[string]int{"I": 43, "J": 20, "H": 17, "C": 24, "A": 24} }

// TestRowsAreWhole: no item of a paper is missing, none says nothing, and none calls
// itself exact without a command or a test that shows it.
func TestRowsAreWhole(t *testing.T) {
	seen := map[string]int{}
	each(load(t), func(r row) {
		seen[r.ID]++
		switch {
		case r.Claim == "":
			t.Errorf("row %s: no claim", r.ID)
		case r.State != exact && r.State != deviation && r.State != cannot:
			t.Errorf("row %s: state %q: want %s, %s or %s", r.ID, r.State, exact, deviation, cannot)
		case r.State == exact && (r.Command == "" || r.Test == ""):
			t.Errorf("row %s: exact without the command and the test that show it", r.ID)
		case r.State == exact && r.Deviation != "":
			t.Errorf("row %s: exact, and yet a deviation: %s", r.ID, r.Deviation)
		case r.State != exact && r.Deviation == "":
			t.Errorf("row %s: %s, and nobody says how or why", r.ID, r.State)
		case r.State == deviation && r.Command == "" && r.Test == "":
			t.Errorf("row %s: nothing shows it", r.ID)
		case r.Held != "" && r.Test == "":
			t.Errorf("row %s: a figure that no test holds", r.ID)
		}
		for _, f := range r.Ours {
			if f.Kind != "recorded" && f.Kind != "generated" {
				t.Errorf("row %s: figures of kind %q: want recorded or generated", r.ID, f.Kind)
			}
		}
	})
	for letter, n := range items() {
		for i := 1; i <= n; i++ {
			if id := fmt.Sprintf("%s%d", letter, i); seen[id] != 1 {
				t.Errorf("item %s: %d rows, want one", id, seen[id])
			}
			delete(seen, fmt.Sprintf("%s%d", letter, i))
		}
	}
	for id := range seen {
		t.Errorf("row %s: no such item", id)
	}
}

// TestTestsExist: the tests that rows name are there.
func TestTestsExist(t *testing.T) {
	const top = "../../.."
	declared := regexp.MustCompile(`(?m)^func (Test\w+|Fuzz\w+|Example\w*|Benchmark\w+)\(`)
	have := map[string]bool{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(top, filepath.Dir(path))
		for _, m := range declared.FindAllStringSubmatch(string(b), -1) {
			have[filepath.ToSlash(dir)+" "+m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	each(load(t), func(r row) {
		// Several tests stand with commas, each with its package.
		for _, name := range strings.Split(r.Test, ",") {
			if name = strings.TrimSpace(name); name != "" && !have[name] {
				t.Errorf("row %s: no test %q (want \"PACKAGE TestName\")", r.ID, name)
			}
		}
	})
}

// TestCommandsAreKnown: the program knows every command, preset and flag of a row.
func TestCommandsAreKnown(t *testing.T) {
	var presets []string
	for _, p := range gridfile.Presets() {
		presets = append(presets, p.Name)
	}
	flag := regexp.MustCompile(`--[a-z][a-z-]*`)
	helps := map[string]string{}
	help := func(args []string) string {
		key := strings.Join(args, " ")
		if _, ok := helps[key]; !ok {
			var out strings.Builder
			if code := cli.Run(t.Context(), cli.Builtin(), append(slices.Clone(args), "--help"), strings.NewReader(""), &out, &out); code != 0 {
				out.Reset()
			}
			helps[key] = out.String()
		}
		return helps[key]
	}

	each(load(t), func(r row) {
		if r.Command == "" {
			return
		}
		for _, command := range strings.Split(r.Command, "; ") {
			if strings.HasPrefix(command, "make ") || strings.HasPrefix(command, "go test ") {
				continue
			}
			words := strings.Fields(command)
			sub := words[:1]
			if len(words) > 1 && slices.Contains([]string{"datasets", "signatures"}, words[0]) {
				sub = words[:2]
			}
			text := help(sub)
			if !strings.Contains(text, "veilbench "+strings.Join(sub, " ")) {
				t.Errorf("row %s: %q: no such command", r.ID, command)
				continue
			}
			for _, f := range flag.FindAllString(command, -1) {
				if !strings.Contains(text, f) {
					t.Errorf("row %s: %q: no flag %s", r.ID, command, f)
				}
			}
			preset := len(words) > 1 && words[0] == "run" && !strings.HasPrefix(words[1], "-") && !strings.Contains(words[1], ".")
			if preset && !slices.Contains(presets, words[1]) && words[1] != "DIR" {
				t.Errorf("row %s: %q: no such preset", r.ID, command)
			}
		}
	})
}
