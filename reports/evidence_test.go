package reports_test

import (
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// keepSubject keeps what was seen of a data set from one vantage point.
func keepSubject(rs []results.Result, dataset, vantage string) []results.Result {
	var out []results.Result
	for _, r := range rs {
		if r.Cell.Dataset == dataset && string(r.Cell.Vantage) == vantage {
			out = append(out, r)
		}
	}
	return out
}

// A report of one defense or knowledge has the evidence of all results.
func TestShownResultsKeepTheirEvidence(t *testing.T) {
	rs := reporttest.Unearned()
	s := reports.NewSet(rs, reports.Options{Show: func(r results.Result) bool { return r.Cell.Defense == "earned" && r.Cell.Dataset == "home:made_up" }})
	if len(s.Results) != 20 || len(s.Panels) != 1 {
		t.Fatalf("%d results of %d panels", len(s.Results), len(s.Panels))
	}
	if m := s.Summaries[reports.Subject{Panel: s.Panels[0], Defense: "earned"}]; m.NoEvidence != "" || m.Rest != 2 {
		t.Errorf("%+v", m)
	}
}

// Two runs are not compared where nothing is known of either.
func TestCompareAsksForEvidence(t *testing.T) {
	s := reports.NewSet(keepSubject(reporttest.Unearned(), "home:made_up", "wan"), reports.Options{})
	for _, row := range reports.Compare(s, s).Rows {
		name, verdict := row[2].Text, row[9].Text
		unearned := slices.Contains([]string{"blind", "plain", "empty", "mislabeled"}, name)
		if unearned && (verdict != reports.NoEvidence || row[3].OK || row[4].OK || row[5].OK) || !unearned && verdict != "same" {
			t.Errorf("%s: %v", name, row)
		}
	}
}

// Files hold scores and floors of all, advantages with evidence only, and canaries
// and devices apart.
func TestFilesOfEvidence(t *testing.T) {
	dir := t.TempDir()
	s := reports.NewSet(reporttest.Unearned(), reports.Options{})
	if _, _, err := reports.WriteAll(dir, s, reports.Contents{Plain: true, Page: func(io.Writer, *reports.Set) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	read := func(name string) (rows []map[string]string) {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines[1:] {
			row := map[string]string{}
			for i, head := range lines[0] {
				row[head] = l[i]
			}
			rows = append(rows, row)
		}
		return rows
	}

	states := map[string]bool{}
	for _, r := range read("results.csv") {
		states[r["evidence"]] = true
		if r["knowledge"] == string(results.Planted) || r["metric"] == results.AdvantageMetric && strings.HasPrefix(r["evidence"], reports.NoEvidence) {
			t.Errorf("results.csv: %v", r)
		}
	}
	for _, want := range []string{"evidence", "above the floor", "no evidence: broken", "no evidence: no canary", "no evidence: empty view", "no evidence: labels do not fit", "no evidence: at its floor undefended", "no evidence: not run undefended, broken"} {
		if !states[want] {
			t.Errorf("results.csv has no cell that is %q: %v", want, states)
		}
	}
	found := 0
	for _, r := range read("canaries.csv") {
		if r["metric"] == results.CanaryRecall && r["defense"] == "blind" && r["value"] == "0.075" {
			found++
		}
	}
	if devices := read("devices.csv"); found != 2 || len(devices) != len(s.Results) || devices[0]["device"] != "lamp" || devices[0]["floor"] != "0.1" {
		t.Errorf("%d canaries of blind at .075, %d devices for %d cells", found, len(devices), len(s.Results))
	}
}
