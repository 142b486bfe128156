package tables

import (
	"bytes"
	"encoding/csv"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// The tests of this file work out what stands in tables a second time, plainly
// and from the text of results.csv, groups.csv and classes.csv alone, as a
// reader of a paper would.

// row is one of a CSV file, by name of the column.
type row map[string]string

func (r row) num(column string) float64 {
	v, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		panic(err)
	}
	return v
}

// attacker tells the columns of one attacker from others.
func (r row) attacker() string { return r["attack"] + " " + r["knowledge"] }

// subjects are the rows of a file by defense of a panel.
type subjects map[reports.Subject][]row

// written is the folder of a report on s.
func written(t *testing.T, s *reports.Set) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := reports.WriteAll(dir, s, reports.Contents{Page: func(io.Writer, *reports.Set) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// read gives the rows of a file of that folder.
func read(t *testing.T, dir, name string) subjects {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := subjects{}
	for _, line := range lines[1:] {
		r := row{}
		for i, name := range lines[0] {
			r[name] = line[i]
		}
		at := reports.Subject{Panel: reports.Panel{
			Dataset: r["dataset"], Task: datasets.Task(r["task"]), Vantage: datasets.Vantage(r["vantage"]), Split: datasets.Split(r["split"]),
		}, Defense: r["defense"]}
		out[at] = append(out[at], r)
	}
	return out
}

// metrics are the values of a metric by attacker.
func metrics(rows []row, metric string) map[string][]float64 {
	out := map[string][]float64{}
	for _, r := range rows {
		if r["metric"] == metric {
			out[r.attacker()] = append(out[r.attacker()], r.num("value"))
		}
	}
	return out
}

func sum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}

func mean(v []float64) float64 { return sum(v) / float64(len(v)) }

// chosen is, for each group, what the attacker gains there that is best on all
// other groups; controls are never chosen. Each group of the fixture is tested
// once by each attacker.
func chosen(groups []row) map[string]float64 {
	score, gain := map[string]map[string]float64{}, map[string]map[string]float64{}
	all := map[string]bool{}
	for _, r := range groups {
		if strings.HasPrefix(r["attack"], "guess-") {
			continue
		}
		a, g := r.attacker(), r["group"]
		if score[a] == nil {
			score[a], gain[a] = map[string]float64{}, map[string]float64{}
		}
		score[a][g] = r.num("value")
		gain[a][g] = (r.num("value") - r.num("floor")) / (1 - r.num("floor"))
		all[g] = true
	}
	out := map[string]float64{}
	for g := range all {
		best, top := "", math.Inf(-1)
		for _, a := range slices.Sorted(maps.Keys(score)) {
			others := sum(slices.Collect(maps.Values(score[a]))) - score[a][g]
			if others > top+1e-12 {
				best, top = a, others
			}
		}
		if v, ok := gain[best][g]; ok {
			out[g] = v
		}
	}
	return out
}

// sorted are the values by group.
func sorted(by map[string]float64) []float64 {
	var out []float64
	for _, g := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[g])
	}
	return out
}

// t95 is the 95 % interval of the mean of five values: by a table, the
// quantile 0.975 of Student's t with 4 degrees of freedom is 2.77645.
func t95(v []float64) (lo, hi float64) {
	m, square := mean(v), 0.0
	for _, x := range v {
		square += (x - m) * (x - m)
	}
	half := 2.7764451051977987 * math.Sqrt(square/4/5)
	return m - half, m + half
}

// want holds a cell against a number: to full precision and to the digits that
// are printed.
func want(t *testing.T, what string, v table.Value, num float64) {
	t.Helper()
	if !v.OK || math.Abs(v.Num-num) > 1e-9*max(1, math.Abs(num)) {
		t.Errorf("%s: %q is %v, the files give %v", what, v.Text, v.Num, num)
	}
	if err := printed(v.Text, num); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// Headline: advantages with intervals of every task, and the cost of the first.
func TestHeadlineFollowsFromFiles(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	dir := written(t, s)
	results, groups := read(t, dir, "results.csv"), read(t, dir, "groups.csv")
	wan := slices.DeleteFunc(slices.Clone(s.Panels), func(p reports.Panel) bool { return p.Vantage != datasets.WAN })
	tb := Headline.Tables(s)[0]
	for i, d := range s.Defenses[wan[0]] {
		for k, p := range wan {
			v := tb.Rows[i][1+k]
			what := d + ", " + tb.Columns[1+k].Head
			gains := sorted(chosen(groups[reports.Subject{Panel: p, Defense: d}]))
			want(t, what, v, min(max(mean(gains), 0), 1))
			if v.HasInterval != (len(gains) == 5) {
				t.Errorf("%s: %q over %d groups", what, v.Text, len(gains))
			}
			if lo, hi := t95(gains); v.HasInterval && (math.Abs(v.Lo-max(lo, 0)) > 1e-9 || math.Abs(v.Hi-min(hi, 1)) > 1e-9) {
				t.Errorf("%s: %q is in [%v %v], the files give [%v %v]", what, v.Text, v.Lo, v.Hi, lo, hi)
			}
		}
		// Any attacker that did not fail has the cost: all share the traces.
		of := func(metric string) []float64 {
			return metrics(results[reports.Subject{Panel: wan[0], Defense: d}], metric)["guess-majority adaptive"]
		}
		n := len(tb.Rows[i])
		want(t, d+", bytes", tb.Rows[i][n-3], sum(of("out_bytes"))/sum(of("in_bytes"))-1)
		want(t, d+", delay", tb.Rows[i][n-2], slices.Max(of("delay_p95_s")))
		want(t, d+", month", tb.Rows[i][n-1], mean(of("gb_per_month")))
	}
}

// Scores: the mean of every attacker; and the recall of every class under the
// attack that is best on the whole.
func TestScoresFollowFromFiles(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	dir := written(t, s)
	results, classes := read(t, dir, "results.csv"), read(t, dir, "classes.csv")
	scores, recalls := Pairs.Tables(s)[0].Rows, map[string]table.Table{}
	for _, tb := range reports.TablesOf(s, []reports.TableKind{PerDevice, PerActivity}) {
		_, about, _ := strings.Cut(tb.Title, ": ")
		recalls[about] = tb
	}
	checked := 0
	for _, p := range s.Panels {
		metric, _ := s.Headline(p)
		for i, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			best, top := "", 0.0
			for _, a := range s.Attackers[p] {
				of := row{"attack": a.Attack, "knowledge": string(a.Knowledge)}.attacker()
				v := metrics(results[at], metric)[of]
				if mean(v) > top && !s.Control[a.Attack] {
					best, top = of, mean(v)
				}
				if got := scores[0][7]; len(v) == 5 {
					want(t, p.About()+", "+d+", "+of, got, mean(v))
				} else if got.OK || !got.Bad {
					t.Errorf("%s, %s, %s: %q of %d cells that did not fail", p.About(), d, of, got.Text, len(v))
				}
				scores = scores[1:] // in the same order
				checked++
			}

			for _, r := range recalls[p.About()].Rows {
				var right, n float64
				for _, c := range classes[at] {
					if c.attacker() == best && c["class"] == r[0].Text {
						right, n = right+c.num("right"), n+c.num("n")
					}
				}
				want(t, p.About()+", "+d+", "+r[0].Text, r[2+i], right/n)
				checked++
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d numbers were compared", checked)
	}
}

// Tests: the mean difference, and the share of all choices of signs whose sum is
// as far from 0.
func TestTestsFollowFromFiles(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	groups := read(t, written(t, s), "groups.csv")
	p := s.Panels[0]
	for _, c := range s.Comparisons(p) {
		x, y := chosen(groups[reports.Subject{Panel: p, Defense: c.Defense}]), chosen(groups[reports.Subject{Panel: p, Defense: c.Against}])
		var diff []float64
		for _, g := range slices.Sorted(maps.Keys(x)) {
			if v, ok := y[g]; ok {
				diff = append(diff, x[g]-v)
			}
		}
		far := 0
		for signs := range 1 << len(diff) {
			total := 0.0
			for i, d := range diff {
				total += d * float64(1-2*(signs>>i&1))
			}
			if math.Abs(total) >= math.Abs(sum(diff))-1e-12 {
				far++
			}
		}
		if v := c.Difference(mean(diff)); !slices.EqualFunc(diff, c.Diff, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) || printed(v.Text, mean(diff)) != nil {
			t.Errorf("%s, %s: differences %v, the files give %v", c.Defense, c.Against, c.Diff, diff)
		}
		if p := float64(far) / float64(int(1)<<len(diff)); math.Abs(p-c.P) > 1e-9 {
			t.Errorf("%s, %s: p %v, the files give %v", c.Defense, c.Against, c.P, p)
		}
	}
}
