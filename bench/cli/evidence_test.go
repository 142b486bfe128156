package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without canaries nothing that is low is evidence: every table says so, the gate
// is missed unless that is allowed, and the run can still be verified. A folder
// that holds canaries of an older run does not count them.
func TestCanariesOff(t *testing.T) {
	dir := t.TempDir()
	out, budget := filepath.Join(dir, "out"), filepath.Join(dir, "budget.yaml")
	if err := os.WriteFile(budget, []byte("advantage: {events: 0.9}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := tinyRun(out, "--defense", "constant-rate:interval_s=1")
	must(t, args...)
	if s := file(t, out, "canaries.csv"); !strings.Contains(s, ",planted,") || strings.Contains(file(t, out, "results.csv"), ",planted,") {
		t.Errorf("canaries.csv without planted cells, or results.csv with them:\n%.500s", s)
	}

	must(t, append(args, "--canaries", "off")...)
	for _, name := range []string{"table.txt", "report.md", "table.tex", "report.html"} {
		if !strings.Contains(file(t, out, name), "CANARIES OFF") {
			t.Errorf("%s does not say that canaries are off", name)
		}
	}
	if s := file(t, out, "manifest.json"); !strings.Contains(s, `"canaries": false`) {
		t.Error("the manifest does not say that canaries are off")
	}
	if s := file(t, out, "canaries.csv"); strings.Count(s, "\n") != 1 {
		t.Errorf("canaries of an older run count:\n%s", s)
	}
	if s, _ := must(t, "verify", out, "--sample", "3"); !strings.Contains(s, ", 0 differ") {
		t.Errorf("verify: %s", s)
	}

	code, s, _ := program("gate", out, "--budget", budget)
	if code != 3 || !strings.Contains(s, "no evidence  events, constant-rate") {
		t.Errorf("gate: exit code %d\n%s", code, s)
	}
	if s, _ := must(t, "gate", out, "--budget", budget, "--allow-no-evidence"); !strings.Contains(s, "no evidence (allowed)  events, constant-rate") {
		t.Errorf("gate --allow-no-evidence:\n%s", s)
	}
	if code, _, s := program(append(args, "--canaries", "maybe")...); code != 2 || !strings.Contains(s, `"maybe" (has on, off)`) {
		t.Errorf("--canaries maybe: exit code %d, %s", code, s)
	}
}

// A grid without undefended traffic gets it, said aloud, but not one without
// canaries; a report of one defense has the evidence of all.
func TestUndefendedTrafficIsAdded(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "grid.yaml")
	text := "datasets: ['home:event_signatures:homes=5,hours=0.3']\ntasks: [event]\ndefenses: ['pad-random']\nattacks: ['event-knn:k=1,gap_s=1']\nknowledge: [unaware]\n"
	if err := os.WriteFile(config, []byte(text+"canaries: off\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	off := filepath.Join(dir, "off")
	if _, said := must(t, "run", config, "--out", off); strings.Contains(said, "none is added") || strings.Contains(file(t, off, "results.csv"), ",none,event-knn") {
		t.Errorf("none is added where canaries are off: %s", said)
	}

	on := filepath.Join(dir, "on")
	if _, said := must(t, "run", config, "--canaries", "on", "--out", on); !strings.Contains(said, "note: none is added to the defenses") {
		t.Errorf("no note: %s", said)
	}
	if !strings.Contains(file(t, on, "table.txt"), "\nnone ") {
		t.Errorf("no row of undefended traffic:\n%s", file(t, on, "table.txt"))
	}
	all, _ := must(t, "report", on, "--table", "evidence", "--format", "csv")
	one, _ := must(t, "report", on, "--table", "evidence", "--format", "csv", "--defense", "pad-random", "--knowledge", "unaware")
	row := one[strings.Index(one, "\npad-random")+1:] // behind the stamp and the head
	if !strings.HasPrefix(row, "pad-random") || !strings.Contains(all, row) {
		t.Errorf("evidence of one defense alone:\n%s\nof all:\n%s", one, all)
	}
}
