package benchfmt

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// leaks are results of one attack on a defense with awkward characters in its name,
// whose scores in eight homes are given, on data in a folder below dir; the floor is 0.
func leaks(dir string, scores ...float64) *reports.Set {
	var rs []results.Result
	for _, d := range []string{results.NoDefense, "acme/shaper:mode=two words"} {
		for i, v := range scores {
			c := results.Cell{Dataset: "folder=" + dir + "/lab", Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: d, TrainDefense: d, Attack: "knn", Knowledge: results.Adaptive, Split: "leave-one-group-out", Fold: i, Seed: 1}
			group := "home-" + strconv.Itoa(i)
			rs = append(rs, results.Result{
				Cell: c, Headline: results.F1, Metrics: []results.Metric{{Name: results.F1, Value: v}},
				Groups: []results.GroupScore{{Group: group, Value: v, N: 40}},
				Cost:   results.Cost{InBytes: [2]int64{100, 100}, OutBytes: [2]int64{150, 150}, DelayP95: 0.05},
			})
		}
	}
	return reports.NewSet(rs, reports.Options{})
}

// benchstat, which reads the format for its authors, knows data of another folder again, finds a sample for each home,
// their median, and the same verdict on a difference as on benchmarks; lines in which
// it finds a fault it would complain of.
func TestBenchstatReads(t *testing.T) {
	dir := t.TempDir()
	before := []float64{0.40, 0.42, 0.44, 0.46, 0.48, 0.50, 0.52, 0.54}
	after := make([]float64, len(before))
	for i, v := range before {
		after[i] = v / 2
	}
	for name, v := range map[string][]float64{"before": before, "after": after} {
		var b bytes.Buffer
		if err := Write(&b, leaks("/ci/"+name, v...)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := filepath.Abs("../../.tools/tools.mod")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+tools, "benchstat", "-format", "csv", filepath.Join(dir, "before"), filepath.Join(dir, "after"))
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("benchstat: %v\n%s", err, complaints.Bytes())
	}
	if s := complaints.String(); strings.Contains(s, "syntax") || strings.Contains(s, "parse") || strings.Contains(s, "vary") {
		t.Errorf("benchstat complains: %s", s)
	}

	r := csv.NewReader(&out)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found, unit := 0, ""
	for _, row := range rows {
		if len(row) > 1 && row[0] == "" && strings.HasSuffix(row[1], "-pct") {
			unit = row[1]
		}
		if len(row) < 7 || row[0] != "Leak/defense=acme_shaper:mode=two_words" || unit != advantagePct {
			continue
		}
		found++
		was, errA := strconv.ParseFloat(row[1], 64)
		is, errB := strconv.ParseFloat(row[3], 64)
		if errA != nil || errB != nil || math.Abs(was-47) > 1e-9 || math.Abs(is-23.5) > 1e-9 || row[5] != "-50.00%" || !strings.Contains(row[6], "n=8") || !strings.Contains(row[6], "p=0.000") {
			t.Errorf("benchstat says %q", row)
		}
	}
	if found != 1 {
		t.Errorf("%d rows of the defense's advantage in %q", found, rows)
	}
}

// There is a line for each test group of each defense of which something is known;
// what is not known is a comment.
func TestLinePerGroup(t *testing.T) {
	s := reports.NewSet(reporttest.Unearned(), reports.Options{})
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	lines, left := 0, 0
	for _, p := range s.Panels {
		for _, d := range s.Defenses[p] {
			n := len(s.GroupAdvantages(reports.Subject{Panel: p, Defense: d}))
			if lines += n; n == 0 {
				left++
			}
		}
	}
	if got := strings.Count(b.String(), "\nBenchmarkLeak/"); got != lines || lines == 0 {
		t.Errorf("%d lines, want %d", got, lines)
	}
	if got := strings.Count(b.String(), " left out: no evidence"); got != left || left == 0 {
		t.Errorf("%d defenses left out, want %d:\n%s", got, left, b.String())
	}
}

// The list for charts has the headline's figures, and none of what is not known.
func TestWriteAction(t *testing.T) {
	var b bytes.Buffer
	if err := WriteAction(&b, reports.NewSet(reporttest.Unearned(), reports.Options{})); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	var got []point
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	at := func(name string) int { return slices.IndexFunc(got, func(p point) bool { return p.Name == name }) }
	i := at("events, home:made_up at wan: earned, advantage")
	if i < 0 || got[i].Value != 0 || got[i].Range == "" || !strings.Contains(got[i].Extra, "over 5 test groups") {
		t.Errorf("no figure of earned, or another: %+v", got)
	}
	if at("events, home:made_up at wan: blind, advantage") >= 0 {
		t.Error("a defense of which nothing is known has a figure")
	}
	seen := map[string]bool{}
	for _, p := range got {
		if seen[p.Name] {
			t.Errorf("two figures of the name %q: a chart would mix them", p.Name)
		}
		seen[p.Name] = true
	}
}
