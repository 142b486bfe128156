package tables

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// sided are results of one attack on two defenses, one fold for each group.
func sided(n int, a, b []float64) []results.Result {
	var out []results.Result
	for i, d := range []string{results.NoDefense, "pad-random"} {
		for g, v := range [][]float64{a, b}[i] {
			out = append(out, results.Result{
				Cell:     results.Cell{Dataset: "d", Task: "command", Vantage: "wan", Defense: d, Attack: "decompose", Knowledge: results.Adaptive, TrainDefense: d, Split: "leave-one-group-out", Fold: g},
				Headline: "exact_recovery", Metrics: []results.Metric{{Name: "exact_recovery", Value: v}},
				Groups: []results.GroupScore{{Group: fmt.Sprintf("g%02d", g), Value: v, N: n}},
			})
		}
	}
	return reporttest.WithCanaries(out, 40)
}

func rowOf(t *testing.T, rs []results.Result) map[string]table.Value {
	t.Helper()
	ts := Tests.Tables(reports.NewSet(rs, reports.Options{}))
	if len(ts) != 1 || len(ts[0].Rows) != 1 {
		t.Fatalf("%d tables", len(ts))
	}
	out := map[string]table.Value{}
	for i, c := range ts[0].Columns {
		out[c.Head] = ts[0].Rows[0][i]
	}
	return out
}

func wantNum(t *testing.T, row map[string]table.Value, head string, want float64) {
	t.Helper()
	if v := row[head]; !v.OK || math.Abs(v.Num-want) > 1e-9 {
		t.Errorf("%s is %v (%q), want %v", head, v.Num, v.Text, want)
	}
}

// Twelve groups of one item: ten named right without the defense only, two
// with it only. SciPy: binomtest(2, 12).pvalue. Cliff's delta by hand: of 144
// pairs 2 x 2 are above and 10 x 10 below.
func TestMcNemarWhereGroupsAreItems(t *testing.T) {
	var a, b []float64
	for i := range 12 {
		right := i < 10
		v := 0.0
		if right {
			v = 1
		}
		a, b = append(a, v), append(b, 1-v)
	}
	row := rowOf(t, sided(1, a, b))
	wantNum(t, row, "p", 0.03857421875)
	wantNum(t, row, "difference", -8./12)
	wantNum(t, row, "Cliff's delta", -96./144)
	if row["verdict"].Text != "leaks less" {
		t.Errorf("verdict %q", row["verdict"].Text)
	}
	// With every difference 1 or -1 both tests have one p: 158 of the 4096 signs
	// are as extreme. Which one it is, is said below the table.
	for items, name := range map[int]string{1: "exact McNemar test", 40: "sign-flip test"} {
		ts := Tests.Tables(reports.NewSet(sided(items, a, b), reports.Options{}))
		wantNum(t, rowOf(t, sided(items, a, b)), "p", 158./4096)
		if !strings.Contains(ts[0].Notes[0], name) {
			t.Errorf("%d items a group: %q", items, ts[0].Notes[0])
		}
	}
}

// Six differences one way: 2 of 64 signs are as extreme, and Wilcoxon's exact
// p is the same. Five are too few for ranks.
func TestRanksBesideSignFlips(t *testing.T) {
	a := []float64{.9, .8, .85, .95, .7, .75}
	b := []float64{.5, .45, .3, .35, .25, .15}
	row := rowOf(t, sided(40, a, b))
	wantNum(t, row, "p", 2./64)
	wantNum(t, row, "p (ranks)", 2./64)
	wantNum(t, row, "Cliff's delta", -1)
	if row = rowOf(t, sided(40, a[:5], b[:5])); row["p (ranks)"].OK {
		t.Error("ranks of five groups")
	}
}

// No false alarm in half a day and 10,000 packets: at most 2.9957 (SciPy:
// chi2.ppf(0.95, 2) / 2) of each exposure. Eight of ten alerts right: SciPy,
// binomtest(8, 10).proportion_ci(method="exact").
func TestFalseAlarmsHaveLimits(t *testing.T) {
	r := results.Result{
		Cell:     results.Cell{Dataset: "d", Task: "event", Vantage: "wan", Defense: results.NoDefense, Attack: "event-knn", Knowledge: results.Adaptive, TrainDefense: results.NoDefense, Split: "leave-one-group-out"},
		Headline: "f1", Metrics: []results.Metric{
			{Name: "false_alarms"}, {Name: "observed_days", Value: 0.5}, {Name: "observed_packets", Value: 1e4}, {Name: "alerts", Value: 10}, {Name: "alerts_right", Value: 8},
		},
	}
	again := r // another draw of the same half day
	again.Cell.Draw = 1
	ts := FalseAlarms.Tables(reports.NewSet([]results.Result{r, again}, reports.Options{}))
	if len(ts) != 1 || len(ts[0].Rows) != 1 {
		t.Fatalf("%d tables", len(ts))
	}
	for i, want := range map[int]float64{2: 0, 3: 0, 4: 2.9957322735539895 / 0.5, 5: 0, 6: 299.57322735539895, 8: 10, 9: 0.8, 10: 0.4439045376923585, 11: 0.9747892736731665} {
		if v := ts[0].Rows[0][i]; !v.OK || math.Abs(v.Num-want) > 1e-6*(1+want) {
			t.Errorf("%s is %v, want %v", ts[0].Columns[i].Head, v.Num, want)
		}
	}
}

// The rows of a table decide with the groups whether any p below .05 is
// possible after Holm: five groups never, in a table of three rows seven, of ten
// rows nine.
func TestTooFewGroupsInsteadOfP(t *testing.T) {
	for _, c := range []struct {
		defenses, groups int
		few              bool
	}{{2, 5, true}, {2, 6, false}, {3, 6, true}, {3, 7, false}, {5, 8, true}, {5, 9, false}} {
		var rs []results.Result
		for d := range c.defenses {
			a := make([]float64, c.groups)
			for g := range a {
				a[g] = 0.9 - 0.15*float64(d) + 0.01*float64(g)
			}
			side := sided(40, a, nil)
			for i := range side {
				side[i].Cell.Defense = fmt.Sprintf("d%d", d)
				side[i].Cell.TrainDefense = side[i].Cell.Defense
			}
			rs = append(rs, side...)
		}
		ts := Tests.Tables(reports.NewSet(rs, reports.Options{}))
		for _, row := range ts[0].Rows {
			for _, k := range []int{6, 7} {
				if v := row[k]; v.OK == c.few || c.few != (v.Text == "too few groups") {
					t.Errorf("%d defenses, %d groups: %s is %q", c.defenses, c.groups, ts[0].Columns[k].Head, v.Text)
				}
			}
			if told := row[8].Text == "leaks less"; told == c.few {
				t.Errorf("%d defenses, %d groups: verdict %q", c.defenses, c.groups, row[8].Text)
			}
		}
	}
}

// W7: two defenses that do the same against ten attackers each, which the best
// on the other groups told apart in 15 to 34 % of tables.
func TestEqualDefensesAreNotToldApart(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 10))
	const repeats, groups, attackers, items = 100, 10, 10, 20
	told := 0
	for range repeats {
		var rs []results.Result
		for k := range attackers {
			a, b := make([]float64, groups), make([]float64, groups)
			for g := range groups {
				p := min(max(.4+.1*r.NormFloat64(), 0), 1)
				for range items {
					if r.Float64() < p {
						a[g] += 1. / items
					}
					if r.Float64() < p {
						b[g] += 1. / items
					}
				}
			}
			side := sided(items, a, b)
			for i := range side {
				side[i].Cell.Attack = fmt.Sprintf("attack-%02d", k)
			}
			rs = append(rs, side...)
		}
		if rowOf(t, rs)["p"].Num <= 0.05 {
			told++
		}
	}
	if told > 10 {
		t.Errorf("two equal defenses are told apart in %d of %d", told, repeats)
	}
}
