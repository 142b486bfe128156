package cli

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"veilbench/datasets/datatest"
)

// A tensor goes out, a forest of scikit-learn is trained on it fold by fold, and what it
// said is scored here with the very figure that the script prints: the mean over folds
// of the macro recall, behind each defense.
func TestScikitLearnScoresTheSame(t *testing.T) {
	python := datatest.PythonWith(t, "sklearn", "numpy")
	script, err := filepath.Abs("testdata/outside/forest.py")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(script)
	if page, pageErr := os.ReadFile("../../reports/docs/exchange.md"); err != nil || pageErr != nil || !strings.Contains(string(page), string(code)) {
		t.Errorf("the page has another script: %v, %v", err, pageErr)
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, err.(*exec.ExitError).Stderr)
		}
		return string(out)
	}
	run("veilbench", "run", "--dataset", "home:event_clips:homes=3,hours=1", "--split", "leave-one-group-out", "--task", "clip",
		"--defense", "none", "--defense", "pad-random", "--attack", "guess-exact", "--out", "r")
	run("veilbench", "export", "r", "--tensor", "size", "--out", "tensors")
	said := run(python, script, "tensors", "predictions.csv")
	run("veilbench", "import", "r", "predictions.csv", "--name", "forest")

	// Twelve digits are more than an order of adding can move.
	ours := meanRecall(t, filepath.Join(dir, "r", "results.csv.gz"), "imported:forest")
	lines := regexp.MustCompile(`(?m)^(\S+) macro recall ([0-9.]+)$`).FindAllStringSubmatch(said, -1)
	if len(lines) != 2 || len(ours) != 2 {
		t.Fatalf("the script says\n%s\nwe say %v", said, ours)
	}
	for _, l := range lines {
		if got := fmt.Sprintf("%.12f", ours[l[1]]); got != l[2] {
			t.Errorf("behind %s the script says %s, we say %s", l[1], l[2], got)
		}
		if v, _ := strconv.ParseFloat(l[2], 64); v < 0.2 {
			t.Errorf("behind %s the forest is right in %v: it learned nothing", l[1], v)
		}
	}
}

// meanRecall is the mean over folds of the macro recall of an attack by defense, read
// from the table of all cells.
func meanRecall(t *testing.T, path, attack string) map[string]float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	c := csv.NewReader(z)
	c.Comment = '#'
	rows, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, h := range rows[0] {
		at[h] = i
	}
	sum, n := map[string]float64{}, map[string]float64{}
	for _, r := range rows[1:] {
		if r[at["attack"]] == attack && r[at["metric"]] == "macro_recall" {
			v, err := strconv.ParseFloat(r[at["value"]], 64)
			if err != nil {
				t.Fatal(err)
			}
			sum[r[at["defense"]]] += v
			n[r[at["defense"]]]++
		}
	}
	for d := range sum {
		sum[d] /= n[d]
	}
	return sum
}
