// Package reports turns stored results into what people read: tables for the
// terminal, Markdown, LaTeX and CSV, and figures. It sees results only, so
// every report can be drawn again without running anything.
package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"veilbench/bench"
	"veilbench/datasets"
)

// Options say what a report holds beside the results.
type Options struct {
	// Order lists IDs of defenses and attacks in the order of rows and
	// columns; IDs that are not in it come after, sorted.
	Order []string
	// SelfCheck is the verdict of the run's self-check, nil if none was made.
	SelfCheck []bench.Verdict
}

// rank orders IDs as the options say.
func (o Options) rank() func(a, b string) int {
	at := map[string]int{}
	for i, id := range o.Order {
		at[id] = i - len(o.Order)
	}
	return func(a, b string) int { return cmp.Or(cmp.Compare(at[a], at[b]), cmp.Compare(a, b)) }
}

// WriteAll writes every report into dir and returns the text for a terminal:
// report.md, table.tex, results.csv, and scores and tradeoff as .svg, .png and
// .pdf. Files are replaced whole.
func WriteAll(dir string, rs []bench.Result, o Options) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if len(rs) == 0 {
		return "", fmt.Errorf("no results to report")
	}
	var csv bytes.Buffer
	if err := WriteCSV(&csv, rs); err != nil {
		return "", err
	}
	head := HeadlineTable(rs, o)
	tables := append([]Table{head}, ScoreTables(rs, o)...)
	var md, text bytes.Buffer
	fmt.Fprintf(&md, "# veilbench report\n\n")
	for i, t := range tables {
		fmt.Fprintf(&md, "%s\n", t.Markdown())
		if i == 0 {
			text.WriteString(t.Text())
		}
	}
	files := []struct {
		name string
		data []byte
	}{{"results.csv", csv.Bytes()}, {"report.md", md.Bytes()}, {"table.tex", []byte(head.LaTeX())}}
	for _, f := range files {
		if err := bench.WriteAtomic(filepath.Join(dir, f.name), f.data); err != nil {
			return "", err
		}
	}
	pictures, err := writeFigures(dir, rs, o)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&text, "\ntables    %s  %s  %s\npictures  %s\n",
		filepath.Join(dir, "report.md"), filepath.Join(dir, "table.tex"), filepath.Join(dir, "results.csv"), pictures)
	return text.String(), nil
}

// label is the short name of a defense or attack.
func label(short, id string) string { return cmp.Or(short, id) }

// names collects the short names of r's IDs.
func names(rs []bench.Result) map[string]string {
	out := map[string]string{}
	for _, r := range rs {
		out[r.Cell.Defense] = label(r.DefenseLabel, r.Cell.Defense)
		out[r.Cell.Attack] = label(r.AttackLabel, r.Cell.Attack)
	}
	return out
}

// tasksOf lists the tasks of rs in report order.
func tasksOf(rs []bench.Result) []datasets.Task {
	var out []datasets.Task
	for _, t := range datasets.Tasks() {
		if slices.ContainsFunc(rs, func(r bench.Result) bool { return r.Cell.Task == t }) {
			out = append(out, t)
		}
	}
	return out
}

// unique lists the values of key over rs, ordered by cmp.
func unique[T comparable](rs []bench.Result, key func(bench.Result) T, order func(a, b T) int) []T {
	seen := map[T]bool{}
	var out []T
	for _, r := range rs {
		if k := key(r); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	slices.SortFunc(out, order)
	return out
}
