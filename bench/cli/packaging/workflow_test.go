// Package packaging holds what strangers get to its word: the workflow that a vendor
// copies, the container file, the list of what is in a binary, and the citation file.
// Each is run or checked as those would who get it.
package packaging

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/joshdk/go-junit"

	"veilbench/reports/schematest"
)

// top is the top of the repository as seen from this folder.
const top = "../../.."

// workflow is the part of a workflow of GitHub that runs on any machine.
type workflow struct {
	Env  map[string]string
	Jobs map[string]struct {
		Steps []step
	}
}

type step struct {
	Name, Uses, If, Run string
	With                map[string]any
}

// runner runs the steps of a workflow in a folder, as GitHub would.
type runner struct {
	dir  string
	env  map[string]string
	main bool // a push to the main branch, no pull request
}

// run runs the steps that are commands and returns the exit code of each by name. A
// step that fails leaves out those behind it, but for those that always run.
func (r *runner) run(t *testing.T, w workflow) map[string]int {
	t.Helper()
	codes := map[string]int{}
	failed := false
	os.Remove(r.env["GITHUB_PATH"]) // every job has its own
	for _, s := range w.Jobs["gate"].Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("step %s puts an expression into a command: what stands in it could be one", s.Name)
		}
		if s.Run == "" || failed && s.If != "always()" || s.If == "github.ref == 'refs/heads/main'" && !r.main {
			continue
		}

		// As GitHub calls it: any command that fails ends the step.
		cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", s.Run)
		cmd.Dir = r.dir
		cmd.Env = os.Environ()
		for k, v := range r.env {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		codes[s.Name] = cmd.ProcessState.ExitCode()
		failed = failed || err != nil
		t.Logf("step %s: exit code %d\n%s", s.Name, codes[s.Name], out)
		if b, err := os.ReadFile(r.env["GITHUB_PATH"]); err == nil {
			r.env["PATH"] = strings.TrimSpace(string(b)) + ":" + os.Getenv("PATH")
		}
	}
	return codes
}

// The steps of the workflow in reports/docs, run one by one in a vendor's repository:
// the first push sets the baseline, a pull request that keeps the budget passes, and
// one that does not ends with the gate's exit code and leaves findings that other
// tools read.
func TestWorkflow(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, "reports/docs/gate-workflow.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	root, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(dir, ".veilbench")); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	put(w.Env["GRID"], `datasets: [{home: {preset: event_signatures, homes: 2, hours: 1, tasks: [event]}}]
defenses: [none, vpn]
attacks: [event-knn: {k: 1, gap_s: 1}]
knowledge: [adaptive]
split: leave-one-group-out
`)
	put(w.Env["BUDGET"], "advantage: 1\noverhead: 1000 %\nrise: 0\n")
	r := &runner{dir: dir, env: maps.Clone(w.Env), main: true}
	r.env["GITHUB_PATH"] = filepath.Join(dir, "path")
	r.env["GITHUB_STEP_SUMMARY"] = filepath.Join(dir, "summary.md")

	want := map[string]int{"Build": 0, "Run": 0, "Gate": 0, "Compare": 0, "Keep": 0}
	if got := r.run(t, w); !maps.Equal(got, want) {
		t.Fatalf("the first push: exit codes %v, want %v", got, want)
	}
	delete(want, "Keep")
	r.main = false
	if got := r.run(t, w); !maps.Equal(got, want) {
		t.Errorf("a pull request that changes nothing: exit codes %v, want %v", got, want)
	}
	schematest.Validate(t, schematest.SARIF, read("gate.sarif"))

	// The tool of the charts reads a list.
	var figures []struct{ Name string }
	if err := json.Unmarshal(read("figures.json"), &figures); err != nil || len(figures) == 0 {
		t.Errorf("%d figures, %v", len(figures), err)
	}
	if s := string(read("summary.md")); !strings.Contains(s, "limits kept") || !strings.Contains(s, "What changed") {
		t.Errorf("the page of the run says\n%s", s)
	}

	put(w.Env["BUDGET"], "advantage: 1\noverhead: 1 %\nrise: 0\n")
	want["Gate"] = 3
	if got := r.run(t, w); !maps.Equal(got, want) {
		t.Errorf("a pull request that misses: exit codes %v, want %v", got, want)
	}
	schematest.Validate(t, schematest.SARIF, read("gate.sarif"))
	if s := read("gate.sarif"); !bytes.Contains(s, []byte(`"ruleId": "overhead"`)) || !bytes.Contains(s, []byte(`"uri": "veilbench/budget.yaml"`)) {
		t.Errorf("no finding at the budget in\n%s", s)
	}
	suites, err := junit.Ingest(read("gate.xml"))
	if err != nil || len(suites) != 1 || suites[0].Totals.Failed != 1 {
		t.Errorf("JUnit: %+v, %v", suites, err)
	}
}

// Every action is of a stated version, and what a step uploads a step before it made.
func TestWorkflowIsPinned(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, "reports/docs/gate-workflow.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	made := ""
	for _, s := range w.Jobs["gate"].Steps {
		if _, version, _ := strings.Cut(s.Uses, "@"); s.Uses != "" && (version == "" || slices.Contains([]string{"main", "master", "latest"}, version)) {
			t.Errorf("%s has no version", s.Uses)
		}
		made += s.Run
		paths, _ := s.With["path"].(string)
		for f := range strings.FieldsSeq(paths) {
			if strings.HasPrefix(s.Uses, "actions/upload") && !strings.Contains(made, f) && !strings.HasPrefix(f, "runs/today/") {
				t.Errorf("nothing makes %s", f)
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
