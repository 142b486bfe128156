package runs

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"veilbench/attacks"
	allattacks "veilbench/attacks/builtin"
	"veilbench/bench/cli/command"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/defenses"
	alldefenses "veilbench/defenses/builtin"
)

// citedDefenses are those of the golden bibliography. It is a list of its own, so
// that a new defense needs no edit here.
const citedDefenses = `none pad-random pad-level fragment jitter morph uniform-burst constant-rate regulator
	adaptive-padding front hide-names vpn cover-stp cover-decoy cover-noise dp-shape
	pad-random+buflo+vpn:kind=esp-gcm`

// The bibliography of a run with every built-in attack, these defenses, and
// generated, published and own data is the golden file (UPDATE_GOLDEN=1 writes it
// anew), and BibTeX takes it without a warning. Every plug-in that names a
// publication names a work, too.
func TestGoldenCite(t *testing.T) {
	p := command.Plugins{Defenses: alldefenses.All(), Attacks: allattacks.All()}
	dir := t.TempDir()
	st, err := results.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	digest := strings.Repeat("0123456789abcdef", 4)
	m := results.Manifest{Method: 1, Draws: 1}
	put := func(data, defense, attack string) {
		t.Helper()
		if m.DataDigest(data) == "" {
			m.Data = append(m.Data, results.DataEntry{Name: data, Source: "made for a test", Digest: digest, Tasks: []datasets.Task{datasets.TaskEvent}})
		}
		m.Defenses, m.Attacks = append(m.Defenses, defense), append(m.Attacks, attack)
		c := results.Cell{Dataset: data, Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: defense, Attack: attack, Knowledge: results.Adaptive, TrainDefense: defense}
		u, err := st.Unit(data, defense)
		if err != nil {
			t.Fatal(err)
		}
		if err := u.Put(results.Result{Cell: c, Data: digest, Method: 1}, results.Timing{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range p.Defenses {
		if i := d.Info(); i.Cite != "" && len(i.Works) == 0 {
			t.Errorf("defense %s names %q but no work", i.Name, i.Cite)
		}
	}
	for id := range strings.FieldsSeq(citedDefenses) {
		d, err := defenses.Parse(p.Defenses, id)
		if err != nil {
			t.Fatal(err)
		}
		put("home:gateway", defenses.ID(d), attacks.ID(p.Attacks[0]))
	}
	for _, a := range p.Attacks {
		if i := a.Info(); i.Cite != "" && len(i.Works) == 0 {
			t.Errorf("attack %s names %q but no work", i.Name, i.Cite)
		}
		put("iotevents/12_27jdgn_cz", "none", attacks.ID(a))
	}
	for _, data := range []string{"echo-voice", "ikea-gateway", "lock-camera-week", "smart-plug-day-named", "whole-home-devices", "50%_{of\\my#home"} {
		put(data, "a-vendor's:own=1", "guess-exact")
	}
	if err := m.Write(dir); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	a := &command.App{Plugins: p, Stdout: &b, Stderr: io.Discard}
	if err := writeBibliography(a, dir, command.Show{}); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(b.String(), command.Version(), "VERSION")
	golden := filepath.Join("testdata", "cite.bib")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from\n%s", golden, got)
	}
	bibtexReads(t, got)
}

// The program is cited in full; its address is known once its module has a host.
func TestCiteProgram(t *testing.T) {
	for module, url := range map[string]string{"veilbench": "", "example.org/lab/veilbench": "https://example.org/lab/veilbench"} {
		w := program("v1.2.3", module)
		if w.URL != url || len(w.Authors) == 0 || w.Year == 0 || w.Venue == "" || w.Missing != "" || !strings.HasPrefix(w.Note, "Version v1.2.3.") {
			t.Errorf("%s: %+v", module, w)
		}
	}
}

// bibtexReads fails if BibTeX or pdflatex complain of a bibliography.
func bibtexReads(t *testing.T, bib string) {
	t.Helper()
	latex, bibtex := datatest.Tool(t, "pdflatex"), datatest.Tool(t, "bibtex")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"refs.bib":  bib,
		"paper.tex": `\documentclass{article}\begin{document}\nocite{*}\raggedright\bibliographystyle{plain}\bibliography{refs}\end{document}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, call := range [][]string{{latex, "-interaction=nonstopmode", "-halt-on-error", "paper"}, {bibtex, "paper"}, {latex, "-interaction=nonstopmode", "-halt-on-error", "paper"}} {
		cmd := exec.CommandContext(t.Context(), call[0], call[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || bytes.Contains(out, []byte("Warning--")) {
			t.Fatalf("%s: %v\n%s", filepath.Base(call[0]), err, out)
		}
	}
}
