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

	"gonum.org/v1/gonum/stat/distuv"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/privacy"
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
	if _, _, err := reports.WriteAll(dir, s, reports.Contents{Plain: true, Page: func(io.Writer, *reports.Set) error { return nil }}); err != nil {
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

// reached is what every attacker that is no control gains in each group, and
// the one of the largest mean. Each group of the fixture is tested once by each
// attacker.
func reached(groups []row) (all map[string]map[string]float64, best string) {
	all = map[string]map[string]float64{}
	for _, r := range groups {
		if strings.HasPrefix(r["attack"], "guess-") {
			continue
		}
		a := r.attacker()
		if all[a] == nil {
			all[a] = map[string]float64{}
		}
		all[a][r["group"]] = (r.num("value") - r.num("floor")) / (1 - r.num("floor"))
	}
	for _, a := range slices.Sorted(maps.Keys(all)) {
		if best == "" || mean(sorted(all[a])) > mean(sorted(all[best])) {
			best = a
		}
	}
	return all, best
}

// ends are the lower and the upper end of one attacker over five groups of 40
// items with a floor of .1, each erring in tail.
func ends(gains []float64, tail float64) (lo, hi float64) {
	t4 := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: 4}.Quantile(1 - tail)
	z := distuv.UnitNormal.Quantile(1 - tail)
	m, square := mean(gains), 0.0
	for _, x := range gains {
		square += (x - m) * (x - m)
	}
	half := t4 * math.Sqrt(square/4/5)
	score := 0.1 + 0.9*m
	groups := 0.9 * 0.9 * square / 4 / 5 / (score * (1 - score) / 200) * t4 * t4 / z / z
	assumed := 1 + 39./21
	effect := max(1, groups, 1+(assumed-1)*4*assumed/(4*assumed+200*min(score, 1-score)))
	n := 200 / effect
	down := distuv.Beta{Alpha: score * n, Beta: n - score*n + 1}.Quantile(tail)
	up := distuv.Beta{Alpha: score*n + 1, Beta: n - score*n}.Quantile(1 - tail)
	return min(m-half, m-(score-down)/0.9), max(m+half, m+(up-score)/0.9)
}

// sorted are the values by group.
func sorted(by map[string]float64) []float64 {
	var out []float64
	for _, g := range slices.Sorted(maps.Keys(by)) {
		out = append(out, by[g])
	}
	return out
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
			all, best := reached(groups[reports.Subject{Panel: p, Defense: d}])
			want(t, what, v, min(max(mean(sorted(all[best])), 0), 1))
			several := slices.ContainsFunc(slices.Collect(maps.Values(all)), func(by map[string]float64) bool { return len(by) == 5 })
			if v.HasInterval != several {
				t.Errorf("%s: %q over %d groups", what, v.Text, len(all[best]))
			}
			if !v.HasInterval {
				continue
			}

			// The lower end shares .025 among the attackers tried everywhere. One with
			// a cell that failed may be good there, so the upper end is 1.
			whole := 0.0
			for _, by := range all {
				if len(by) == 5 {
					whole++
				}
			}
			lo, hi := math.Inf(-1), math.Inf(-1)
			for _, by := range all {
				if len(by) < 5 {
					hi = 1
					continue
				}
				_, b := ends(sorted(by), 0.025)
				a, _ := ends(sorted(by), 0.025/whole)
				lo, hi = max(lo, a), max(hi, b)
			}
			if math.Abs(v.Lo-max(lo, 0)) > 1e-7 || math.Abs(v.Hi-min(hi, 1)) > 1e-7 {
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
	people := map[string]table.Table{}
	for _, tb := range People.Tables(s) {
		_, about, _ := strings.Cut(tb.Title, ": ")
		people[about] = tb
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
					want(t, s.About(p)+", "+d+", "+of, got, mean(v))
				} else if got.OK || !got.Bad {
					t.Errorf("%s, %s, %s: %q of %d cells that did not fail", s.About(p), d, of, got.Text, len(v))
				}
				scores = scores[1:] // in the same order
				checked++
			}

			for _, r := range recalls[s.About(p)].Rows {
				var right, n float64
				for _, c := range classes[at] {
					if c.attacker() == best && c["class"] == r[0].Text {
						right, n = right+c.num("right"), n+c.num("n")
					}
				}
				want(t, s.About(p)+", "+d+", "+r[0].Text, r[3+i], right/n)
				checked++
			}
			for _, r := range people[s.About(p)].Rows {
				var right, n float64
				for _, c := range classes[at] {
					if c.attacker() == best && slices.Contains(privacy.OfClass(c["class"]).Tells, r[0].Text) {
						right, n = right+c.num("right"), n+c.num("n")
					}
				}
				want(t, s.About(p)+", "+d+", "+r[0].Text, r[3+i], right/n)
				checked++
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d numbers were compared", checked)
	}
}

// Tests: the difference of the best means, and p by definition. For each
// attacker of one side, how many of all choices of signs put the best of the
// other side as far ahead of it as it is, those that are worse taken to be as
// good; the largest share, of the better of both directions, twice.
func TestTestsFollowFromFiles(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	groups := read(t, written(t, s), "groups.csv")
	p := s.Panels[0]
	for _, c := range s.Comparisons(p) {
		x, bestX := reached(groups[reports.Subject{Panel: p, Defense: c.Defense}])
		y, bestY := reached(groups[reports.Subject{Panel: p, Defense: c.Against}])
		var shared []string
		for _, g := range slices.Sorted(maps.Keys(x[bestX])) {
			if _, ok := y[bestY][g]; ok {
				shared = append(shared, g)
			}
		}
		on := func(all map[string]map[string]float64) (rows [][]float64, top []float64) {
			for _, a := range slices.Sorted(maps.Keys(all)) {
				var row []float64
				for _, g := range shared {
					if v, ok := all[a][g]; ok {
						row = append(row, v)
					}
				}
				if len(row) < len(shared) { // cells failed
					continue
				}
				rows = append(rows, row)
				if top == nil || mean(row) > mean(top) {
					top = row
				}
			}
			return rows, top
		}
		xs, topX := on(x)
		ys, topY := on(y)
		var diff []float64
		for g := range shared {
			diff = append(diff, topX[g]-topY[g])
		}
		if v := c.Difference(mean(diff)); !slices.EqualFunc(diff, c.Diff, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) || printed(v.Text, mean(diff)) != nil {
			t.Errorf("%s, %s: differences %v, the files give %v", c.Defense, c.Against, c.Diff, diff)
		}
		if want := min(1, 2*min(ahead(xs, ys), ahead(ys, xs))); math.Abs(want-c.P) > 1e-9 {
			t.Errorf("%s, %s: p %v, the files give %v", c.Defense, c.Against, c.P, want)
		}
	}
}

func ahead(xs, ys [][]float64) float64 {
	worst := 0.0
	for _, y := range ys {
		real, far := math.Inf(-1), 0
		for _, x := range xs {
			real = max(real, mean(x)-mean(y))
		}
		for signs := range 1 << len(y) {
			best := math.Inf(-1)
			for _, x := range xs {
				total, less := 0.0, min(0, mean(x)-mean(y))
				for g := range y {
					total += (x[g] - y[g] - less) * float64(1-2*(signs>>g&1))
				}
				best = max(best, total/float64(len(y)))
			}
			if best >= real-1e-9 {
				far++
			}
		}
		worst = max(worst, float64(far)/float64(int(1)<<len(y)))
	}
	return worst
}

// Diaries: what is said of presence and sleep rests on figures of groups, which are
// in groups.csv with those of the clock.
func TestDiariesAreInFiles(t *testing.T) {
	for _, fx := range reporttest.Fixtures() {
		if fx.Name != "routine" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(written(t, fx.Set), "groups.csv"))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), ",home-5,"+results.PresenceRight+",0.95,0.6,,,"); n != 1 {
			t.Errorf("the presence of one home read by one attack stands there %d times", n)
		}
	}
}

// Lengths: no two columns have one head, whatever attackers know, and none is of
// figures that do not exist.
func TestLengthsNameTheirColumns(t *testing.T) {
	var rs []results.Result
	for _, r := range reporttest.Devices().Results {
		rs = append(rs, r)
		r.Cell.Knowledge, r.Cell.TrainDefense = results.Unaware, results.NoDefense
		rs = append(rs, r)
	}
	s := reports.NewSet(rs, reports.Options{})
	for _, tb := range Lengths.Tables(s) {
		heads := map[string]bool{}
		for _, c := range tb.Columns {
			if heads[c.Head] {
				t.Errorf("%s: two columns %q", tb.Title, c.Head)
			}
			heads[c.Head] = true
		}
		if undefended := strings.Contains(tb.Title, "share, none"); undefended == heads["window-forest (unaware)"] {
			t.Errorf("%s: columns %v", tb.Title, tb.Columns)
		}
	}
}
