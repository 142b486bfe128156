package papers

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/cli"
	"veilbench/bench/cli/gridfile"
	"veilbench/datasets"
	"veilbench/datasets/home"
	"veilbench/defenses"
	"veilbench/reports"
	"veilbench/reports/figures"
	"veilbench/reports/tables"
)

// items are how many items each paper has, by the letter of their names.
func items() map[string]int { return map[string]int{"I": 43, "J": 20, "H": 17, "C": 24, "A": 24} }

// TestRowsAreWhole: no item of a paper is missing, none says nothing, and none calls
// itself exact without a command or a test that shows it.
func TestRowsAreWhole(t *testing.T) {
	seen, values := map[string]int{}, readValues(t)
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
		case r.Held+r.HeldRecorded != "" && r.Test == "":
			t.Errorf("row %s: a figure that no test holds", r.ID)
		}
		has, printed := map[string]bool{"generated": r.Held != "", "recorded": r.HeldRecorded != ""}, map[string]bool{}
		for _, f := range r.Ours {
			if printed[f.Kind+f.key()] {
				t.Errorf("row %s: %s stands twice", r.ID, f.key())
			}
			printed[f.Kind+f.key()] = true
			if f.Kind != "recorded" && f.Kind != "generated" {
				t.Errorf("row %s: figures of kind %q: want recorded or generated", r.ID, f.Kind)
			}
			if _, ok := values[f.key()]; !ok {
				t.Errorf("row %s: %s was never run", r.ID, f.key())
			}
			has[f.Kind] = true
		}

		// A share that was published means nothing beside ours without its floor.
		if regexp.MustCompile(`\b0\.\d{2,}`).MatchString(r.Published) && has["generated"] && r.Held == "" && !slices.ContainsFunc(r.Ours, func(f figure) bool {
			return strings.HasPrefix(f.Attack, "guess-") || strings.HasSuffix(f.Metric, "_floor") || f.As != ""
		}) {
			t.Errorf("row %s: a share, and no control beside it", r.ID)
		}

		// A column is empty for a reason, and where there is a figure there is none.
		for kind, reason := range map[string]string{"recorded": r.NoRecording, "generated": r.NoGenerated} {
			if has[kind] == (reason != "") {
				t.Errorf("row %s, %s: a figure of ours (%v) or the reason that there is none (%q): want one of them", r.ID, kind, has[kind], reason)
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

// TestFiguresAreOfTheirCommands: "make papers" makes the run of every figure, and a
// command of a row that writes into a folder of that name is that run's, so that it
// prints what the row says.
func TestFiguresAreOfTheirCommands(t *testing.T) {
	made := readRuns(t)
	each(load(t), func(r row) {
		for _, f := range r.Ours {
			if made[f.Run] == "" {
				t.Errorf("row %s: nothing makes the run %s", r.ID, f.Run)
			}
		}
		for _, c := range strings.Split(r.Command, "; ") {
			if _, name, ok := strings.Cut(c, " --out out/"); ok && made[name] != "" && c != made[name] {
				t.Errorf("row %s: %q, where the run of this name is %q", r.ID, c, made[name])
			}
		}
	})
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

		// All scripts together show everything and so nothing: a row names its own.
		if name := filepath.ToSlash(dir) + " TestScripts"; have[name] {
			delete(have, name)
			scripts, err := filepath.Glob(filepath.Join(filepath.Dir(path), "testdata/script/*.txtar"))
			for _, s := range scripts {
				have[name+"/"+strings.TrimSuffix(filepath.Base(s), ".txtar")] = true
			}
			return err
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
				t.Errorf("row %s: no test %q (want \"PACKAGE TestName\", of the scripts which)", r.ID, name)
			}
		}
	})
}

// placeholders are what a command names that no fresh clone holds.
func placeholders() []string { return []string{"DIR", "FILE", "LOG"} }

// TestCommandsAreKnown: the program knows every command of a row, its flags, and
// what these name: presets, data sets, defenses, attacks, splits, places, tables and
// figures. What a command reads was written by one before it on the row, or is a
// placeholder, which rows that are exact have for recordings alone.
func TestCommandsAreKnown(t *testing.T) {
	each(load(t), func(r row) {
		made := map[string]bool{}
		for _, command := range strings.Split(r.Command, "; ") {
			if command == "" || strings.HasPrefix(command, "make ") || strings.HasPrefix(command, "go test ") {
				continue
			}
			if err := checkCommand(t, strings.Fields(command), made); err != nil {
				t.Errorf("row %s: %q: %v", r.ID, command, err)
			}
			if r.State == exact && slices.ContainsFunc(strings.Fields(command), func(w string) bool { return w == "FILE" || w == "LOG" }) {
				t.Errorf("row %s: %q: exact, and no command that a fresh clone can run", r.ID, command)
			}
		}
	})
}

// checkCommand says what of a command the program does not know. made are the
// folders and files that commands before have written, to which it adds its own.
func checkCommand(t *testing.T, words []string, made map[string]bool) error {
	root := words[:1]
	if slices.Contains([]string{"datasets", "signatures"}, words[0]) {
		root = words[:2]
	}
	var help strings.Builder
	if code := cli.Run(t.Context(), cli.Builtin(), append(slices.Clone(root), "--help"), strings.NewReader(""), &help, &help); code != 0 || !strings.Contains(help.String(), "veilbench "+strings.Join(root, " ")) {
		return errors.New("no such command")
	}

	var args, written []string
	for i := len(root); i < len(words); i++ {
		name, flag := strings.CutPrefix(words[i], "--")
		if !flag {
			args = append(args, words[i])
			continue
		}
		line := regexp.MustCompile(`(?m)^ +--` + regexp.QuoteMeta(name) + ` (\w*)`).FindStringSubmatch(help.String())
		if line == nil {
			return fmt.Errorf("no flag --%s", name)
		}
		value := ""
		if line[1] != "" {
			if i++; i == len(words) {
				return fmt.Errorf("--%s: no value", name)
			}
			value = words[i]
		}
		if slices.Contains([]string{"out", "plot", "courses", "protocols", "lengths"}, name) {
			written = append(written, value)
		} else if err := checkValue(name, value, made); err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
	}

	// A run without a folder writes into one that another run may have taken.
	if (words[0] == "run" || slices.Equal(root, []string{"datasets", "generate"})) && len(written) == 0 {
		return errors.New("no --out")
	}
	for _, a := range args {
		if err := checkArgument(root, a, made); err != nil {
			return err
		}
	}
	for _, w := range written {
		made[w] = true
	}
	return nil
}

// checkArgument says what is wrong with what stands without a flag.
func checkArgument(root []string, a string, made map[string]bool) error {
	switch root[len(root)-1] {
	case "run":
		_, err := gridfile.Open(a)
		return err
	case "generate", "devices":
		return checkValue("dataset", a, made)
	case "list", "tables":
		return nil // the help of both says what there is, and so do their own tests
	case "learn", "show", "detect", "inspect", "report", "apply", "vpnlabel":
		return wasMade(a, made)
	}
	return fmt.Errorf("%s: what is that?", a)
}

// checkValue says what is wrong with the value of a flag.
func checkValue(flag, v string, made map[string]bool) (err error) {
	plugins := cli.Builtin()
	switch flag {
	case "defense":
		_, err = defenses.Parse(plugins.Defenses, v)
	case "attack":
		_, err = attacks.Parse(plugins.Attacks, v)
	case "split":
		_, err = datasets.ParseSplit(v)
	case "vantage":
		_, err = datasets.ParsePlaces(v)
	case "table":
		if !slices.ContainsFunc(tables.All(), func(k reports.TableKind) bool { return k.Name == v }) {
			err = fmt.Errorf("no table %q", v)
		}
	case "figure":
		if !slices.ContainsFunc(figures.All(), func(k reports.FigureKind) bool { return k.Name == v }) {
			err = fmt.Errorf("no figure %q", v)
		}
	case "dataset":
		name, path, _ := strings.Cut(v, "=")
		if id, generated := strings.CutPrefix(name, "home:"); generated {
			preset, _, _ := strings.Cut(id, ":")
			if !slices.ContainsFunc(home.Presets(), func(p home.Preset) bool { return p.Name == preset }) {
				err = fmt.Errorf("no data set %q", v)
			}
		} else if !slices.Contains(placeholders(), path) {
			err = fmt.Errorf("%q is not in a fresh clone", v)
		}
	case "labels", "iotevents":
		for _, f := range strings.Split(v, ",") {
			err = cmp.Or(err, wasMade(f, made))
		}
	}
	return err
}

// wasMade says that a file or folder is neither a placeholder nor in a folder that a
// command before has written.
func wasMade(name string, made map[string]bool) error {
	for dir := name; dir != "." && dir != "/"; dir = filepath.Dir(dir) {
		if made[dir] {
			return nil
		}
	}
	if slices.Contains(placeholders(), name) {
		return nil
	}
	return fmt.Errorf("%s: nothing before has made it", name)
}
