// Package papers walks through every figure, table, number and claim of the five
// source papers: what was published, which command shows it here, what comes out on
// recordings and on generated homes, and where ours deviates. The rows are written
// by hand in rows/*.yaml, a file a paper; figures of ours are never: they are read
// from runs and kept in values.csv. Both together make reports/docs/papers.md.
//
// "make papers" runs the experiments and writes the figures and the page anew;
// "go test" holds the page to both, and every row to the project: the test that it
// names exists, and its command is one that the program knows.
package papers

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"veilbench/bench/pack"
	"veilbench/bench/results"
	"veilbench/reports"
)

// States of a row.
const (
	exact     = "exact"     // as the paper has it
	deviation = "deviation" // otherwise than the paper has it, and Deviation says how
	cannot    = "cannot"    // not to be had here, and Deviation says why
)

// paper is one of the rows files.
type paper struct {
	Title string
	About string
	Rows  []row
}

// row is one item of a paper.
type row struct {
	// ID is a letter of the paper and a number.
	ID string
	// Claim is what the paper says, in our words, with its place.
	Claim string
	State string
	// Deviation says how ours differs or why it cannot be had; with an exact row it
	// is empty.
	Deviation string
	// Command shows it, as typed after "veilbench", or as "make" and "go test" are
	// typed; "" if only Test does.
	Command string
	// Test is the package and the name of the test that holds it.
	Test string
	// Published is the paper's figure, "" if it has none or the text that is stored
	// lost it.
	Published string
	// Ours names figures of runs.
	Ours []figure
	// Held is a figure of ours that Test asserts and no run prints, on generated homes;
	// HeldRecorded is one on recordings.
	Held         string
	HeldRecorded string `yaml:"held_recorded"`
	// NoRecording and NoGenerated say why there is no figure of ours on recordings
	// and on generated homes, where there is none.
	NoRecording string `yaml:"no_recording"`
	NoGenerated string `yaml:"no_generated"`
}

// figure is a mean over the cells of a run that match.
type figure struct {
	// Run is the folder of the run below RUNS, and its preset where it has one.
	Run string
	// Kind is "recorded" or "generated".
	Kind string
	// What is said before the number, "" for the metric alone.
	What                                               string
	Dataset, Task, Vantage, Defense, Attack, Knowledge string
	// Metric is one of results.csv; with Class and As it is the share of the class that
	// was taken for another; with Class alone, "*" for all and "DEVICE/*" for all of
	// a device, it is the share of the class that was named right. A Dataset that ends in "/*" is all of its parts
	// together, of which only such shares make sense.
	Metric, Class, As string
}

func (f figure) key() string {
	class := f.Class
	if f.As != "" {
		class += " as " + f.As
	}
	return strings.Join([]string{f.Run, f.Dataset, f.Task, f.Vantage, f.Defense, f.Attack, f.Knowledge, f.Metric, class}, " | ")
}

// files are the papers in the order of the page.
func files() []string { return []string{"iotevent", "gateway", "homemole", "castle", "article"} }

func load(t *testing.T) []paper {
	t.Helper()
	var out []paper
	for _, name := range files() {
		b, err := os.ReadFile(filepath.Join("rows", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var p paper
		if err := yaml.UnmarshalWithOptions(b, &p, yaml.DisallowUnknownField()); err != nil {
			t.Fatalf("rows/%s.yaml: %v", name, err)
		}
		// In the order of their numbers, whatever that of the file is.
		slices.SortStableFunc(p.Rows, func(a, b row) int { return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID)) })
		out = append(out, p)
	}
	return out
}

const (
	page   = "../../../reports/docs/papers.md"
	stored = "values.csv"
)

// TestPapers holds the page to rows and figures. With RUNS, a folder of runs, the
// figures are held to those that lie there; with UPDATE_GOLDEN they are read anew
// from there, and both files are written.
func TestPapers(t *testing.T) {
	papers, values := load(t), readValues(t)
	update := os.Getenv("UPDATE_GOLDEN") != ""
	if dir := os.Getenv("RUNS"); dir != "" {
		measured := maps.Clone(values)
		gather(t, papers, measured, dir)
		if !update {
			holdTo(t, values, measured)
			measured = values
		}
		values = measured
	}
	want := render(t, papers, values)
	if update {
		writeValues(t, papers, values)
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what rows and figures make; write it with make papers", page)
	}
}

// holdTo says where runs have other figures than those stored. Networks round
// otherwise on another machine, and what they learn drifts apart by that.
func holdTo(t *testing.T, stored, measured map[string]string) {
	t.Helper()
	for key, now := range measured {
		x, err1 := strconv.ParseFloat(stored[key], 64)
		y, err2 := strconv.ParseFloat(now, 64)
		most := 1e-9
		if strings.Contains(key, "| window-lstm") || strings.Contains(key, "| window-blstm") {
			most = 0.05
		}
		if err1 != nil || err2 != nil || math.Abs(x-y) > most {
			t.Errorf("%s: %s is stored, a run says %s: write them with make papers", key, stored[key], now)
		}
	}
}

// readValues returns the stored figures, by their key.
func readValues(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(stored)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, l := range lines[1:] {
		out[l[0]] = l[1]
	}
	return out
}

// writeValues stores the figures that rows ask for, and forgets the others.
func writeValues(t *testing.T, papers []paper, values map[string]string) {
	t.Helper()
	asked := map[string]string{}
	each(papers, func(r row) {
		for _, f := range r.Ours {
			if v, ok := values[f.key()]; ok {
				asked[f.key()] = v
			}
		}
	})
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write([]string{"figure", "value"}) //nolint:errcheck // a strings.Builder takes everything
	for _, k := range slices.Sorted(maps.Keys(asked)) {
		w.Write([]string{k, asked[k]}) //nolint:errcheck // as above
	}
	w.Flush()
	if err := os.WriteFile(stored, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func each(papers []paper, do func(row)) {
	for _, p := range papers {
		for _, r := range p.Rows {
			do(r)
		}
	}
}

// gather reads the figures of the runs below dir.
func gather(t *testing.T, papers []paper, values map[string]string, dir string) {
	t.Helper()
	tables := map[string][]map[string]string{}
	rowsOf := func(run, file string) []map[string]string {
		name := filepath.Join(dir, run, file)
		if _, ok := tables[name]; !ok {
			tables[name] = readTable(t, name)
		}
		return tables[name]
	}
	each(papers, func(r row) {
		for _, f := range r.Ours {
			if found, _ := filepath.Glob(filepath.Join(dir, f.Run, "results.csv*")); found == nil {
				continue
			}
			v, err := f.mean(rowsOf)
			if f.As != "" {
				v, err = f.taken(filepath.Join(dir, f.Run))
			}
			if err != nil {
				t.Errorf("row %s: %v", r.ID, err)
				continue
			}
			values[f.key()] = v
		}
	})
}

func readTable(t *testing.T, name string) []map[string]string {
	t.Helper()
	// Runs write gzip files, unless they were asked for plain ones.
	b, err := pack.Unzip(name + ".gz")
	if os.IsNotExist(err) {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(b))
	head, err := r.Read()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out []map[string]string
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		line := map[string]string{}
		for i, h := range head {
			line[h] = cells[i]
		}
		out = append(out, line)
	}
}

// mean is the mean of what f names over its cells: folds and draws. Cells of more
// than one defense, attack, data set or vantage are a mistake of the row: their
// mean would be no figure of anything.
func (f figure) mean(rowsOf func(run, file string) []map[string]string) (string, error) {
	file := "results.csv"
	if f.Class != "" {
		file = "classes.csv"
	}
	var sum, n float64
	seen := map[string]bool{}
	for _, l := range rowsOf(f.Run, file) {
		if !f.matches(l) {
			continue
		}
		set := l["dataset"]
		if f.Class == "*" && f.Dataset != "" {
			set = f.Dataset
		}
		seen[strings.Join([]string{set, l["task"], l["vantage"], l["defense"], l["attack"], l["knowledge"]}, " | ")] = true
		if f.Class != "" {
			right, err1 := strconv.ParseFloat(l["right"], 64)
			of, err2 := strconv.ParseFloat(l["n"], 64)
			if err1 != nil || err2 != nil {
				return "", fmt.Errorf("%s: right %q of %q: want numbers", f.key(), l["right"], l["n"])
			}
			sum, n = sum+right, n+of
			continue
		}
		v, err := strconv.ParseFloat(l["value"], 64)
		if err != nil {
			return "", fmt.Errorf("%s: value %q: want a number", f.key(), l["value"])
		}
		sum, n = sum+v, n+1
	}
	switch {
	case len(seen) > 1:
		return "", fmt.Errorf("%s: several match: %s", f.key(), strings.Join(slices.Sorted(maps.Keys(seen)), "; "))
	case n == 0:
		return "", fmt.Errorf("%s: nothing matches", f.key())
	}
	return strconv.FormatFloat(sum/n, 'f', 4, 64), nil
}

// taken is what part of a class was taken for another in all cells that match.
func (f figure) taken(dir string) (string, error) {
	all, err := results.ReadResults(dir)
	if err != nil {
		return "", err
	}
	var rs []*results.Result
	for i := range all {
		c := all[i].Cell
		if f.matches(map[string]string{
			"dataset": c.Dataset, "task": string(c.Task), "vantage": string(c.Vantage), "knowledge": string(c.Knowledge),
			"defense": c.Defense, "attack": c.Attack, "class": f.Class,
		}) {
			rs = append(rs, &all[i])
		}
	}
	t := reports.Taken(rs, f.Class, f.As)
	if t.N == 0 {
		return "", fmt.Errorf("%s: nothing matches", f.key())
	}
	return strconv.FormatFloat(float64(t.Right)/float64(t.N), 'f', 4, 64), nil
}

func (f figure) matches(l map[string]string) bool {
	for _, c := range []struct{ want, got string }{
		{f.Task, l["task"]},
		{f.Vantage, l["vantage"]},
		{cmp.Or(f.Knowledge, "adaptive"), l["knowledge"]},
	} {
		if c.want != "" && c.want != c.got {
			return false
		}
	}
	if prefix, parts := strings.CutSuffix(f.Dataset, "*"); parts && !strings.HasPrefix(l["dataset"], prefix) || !parts && f.Dataset != "" && f.Dataset != l["dataset"] {
		return false
	}
	if f.Class != "" {
		if prefix, all := strings.CutSuffix(f.Class, "*"); !(all && strings.HasPrefix(l["class"], prefix)) && l["class"] != f.Class {
			return false
		}
	} else if l["metric"] != f.Metric || l["error"] != "" {
		return false
	}
	return sameID(f.Defense, l["defense"]) && sameID(f.Attack, l["attack"])
}

// sameID says whether the full ID got has the name of want and every parameter
// that want names; "" is any.
func sameID(want, got string) bool {
	if want == "" {
		return true
	}
	name, params, _ := strings.Cut(want, ":")
	gotName, gotParams, _ := strings.Cut(got, ":")
	if name != gotName {
		return false
	}
	has := strings.Split(gotParams, ",")
	for _, p := range strings.Split(params, ",") {
		if p != "" && !slices.Contains(has, p) {
			return false
		}
	}
	return true
}

// render writes the page.
func render(t *testing.T, papers []paper, values map[string]string) string {
	t.Helper()
	var b strings.Builder
	count := map[string]int{}
	each(papers, func(r row) { count[r.State]++ })
	fmt.Fprintf(&b, `# The five papers, claim by claim

<!-- written by make papers from bench/cli/papers; edit the rows there -->

%d items: %d as published, %d with a deviation that is stated, %d that cannot be had
here and why. Figures of ours are means over folds, read from runs of the presets
(generated homes) and of the published recordings, or bounds that the test of the row
asserts; none is typed in. Where a column has none, it says why. In brackets stands the
run that a figure was read from; how it is made, is said at the end. On generated homes
attack and data share one model: such a figure says that the attack is built as
published, not that it works on somebody's home.

A command stands after `+"`bin/veilbench`"+`, several with ";". In capitals is what a fresh
clone does not hold: DIR, a folder of recordings that `+"`veilbench datasets info`"+` names,
and FILE and LOG, files of your own. A test stands as package and name:
`+"`go test ./PACKAGE -run '^NAME$'`"+`; those of recordings are skipped without them.
`, count[exact]+count[deviation]+count[cannot], count[exact], count[deviation], count[cannot])
	for _, p := range papers {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", p.Title, strings.TrimSpace(p.About))
		b.WriteString("\n| | claim | state | published | on recordings | on generated homes | deviation | command | test |\n|---|---|---|---|---|---|---|---|---|\n")
		for _, r := range p.Rows {
			cells := []string{
				r.ID, r.Claim, r.State, r.Published,
				cmp.Or(ours(r, "recorded", values), "none: "+r.NoRecording), cmp.Or(ours(r, "generated", values), "none: "+r.NoGenerated),
				r.Deviation, code(r.Command), code(r.Test),
			}
			for i, c := range cells {
				cells[i] = strings.ReplaceAll(strings.Join(strings.Fields(c), " "), "|", `\|`)
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}

	made, used := readRuns(t), map[string]bool{}
	each(papers, func(r row) {
		for _, f := range r.Ours {
			used[f.Run] = true
		}
	})
	b.WriteString("\n## Runs\n\nWhat `make papers` runs; with FULL=1 those of full size too.\n\n| run | command |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(used)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, code(made[name]))
	}
	return b.String()
}

// readRuns returns the commands of the runs that "make papers" makes, by their names,
// as rows write commands.
func readRuns(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../../../.tools/papers.sh")
	if err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(string(b), "\\\n", " ")
	out := map[string]string{}
	add := func(name, arguments string) {
		out[name] = strings.Join(strings.Fields("run "+arguments+" --out out/"+name), " ")
	}
	for _, list := range regexp.MustCompile(`(?m)^for p in (.*); do$`).FindAllStringSubmatch(script, -1) {
		for _, name := range strings.Fields(list[1]) {
			add(name, name)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^\t?run ([\w-]+) (.*)$`).FindAllStringSubmatch(script, -1) {
		// Recordings are wherever the reader has them.
		add(line[1], regexp.MustCompile(`"?([\w-]+=)\$DATA/\w+"?`).ReplaceAllString(line[2], "${1}DIR"))
	}
	return out
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// ours joins the figures of one kind.
func ours(r row, kind string, values map[string]string) string {
	var out []string
	run := ""
	for _, f := range r.Ours {
		if f.Kind != kind {
			continue
		}
		// The run is said once, after the last of its figures.
		if run != "" && f.Run != run {
			out[len(out)-1] += " (" + run + ")"
		}
		run = f.Run
		v, ok := values[f.key()]
		if !ok {
			v = "not run"
		} else if x, err := strconv.ParseFloat(v, 64); err == nil {
			v = number(x)
		}
		out = append(out, strings.TrimSpace(f.What+" "+v))
	}
	if run != "" {
		out[len(out)-1] += " (" + run + ")"
	}
	if held := map[string]string{"generated": r.Held, "recorded": r.HeldRecorded}[kind]; held != "" {
		out = append(out, held)
	}
	return strings.Join(out, "; ")
}

// number writes a share with three digits, and a count as one.
func number(x float64) string {
	if x < 100 {
		return strconv.FormatFloat(x, 'f', 3, 64)
	}
	s := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
