package tables

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/figures"
	"veilbench/reports/reporttest"
)

func TestSharesOfTheWindow(t *testing.T) {
	ts := Shares.Tables(reports.NewSet(reporttest.Shares(), reports.Options{}))
	if len(ts) != 1 {
		t.Fatalf("%d tables, want 1", len(ts))
	}
	var got []string
	for _, row := range ts[0].Rows {
		for _, v := range row {
			got = append(got, v.Text)
		}
	}
	want := []string{"3", "0.90", "0.10", "10", "0.92", "0.50", "30", "0.95", "n/a", "100", "0.99", "0.97"}
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	if !slices.ContainsFunc(ts[0].Notes, func(n string) bool { return strings.Contains(n, "Windows are of 100 packets whatever") }) {
		t.Errorf("notes %q do not say what a window is", ts[0].Notes)
	}
	if more := Shares.Tables(reports.NewSet(reporttest.Study(5), reports.Options{})); len(more) != 0 {
		t.Errorf("%d tables of shares for a task of events", len(more))
	}
}

// Each device's recall stands in the ranges that it had packets in; a device's
// name may hold a colon.
func TestSharesOfEachDevice(t *testing.T) {
	rs := reporttest.Shares()
	add := func(r *results.Result, name string, v float64) {
		r.Metrics = append(r.Metrics, results.Metric{Name: name, Value: v})
	}
	add(&rs[0], "recall_share_00_03_pct:plug", 0.8)
	add(&rs[0], "recall_share_30_100_pct:cam:1", 0.99)
	add(&rs[1], "recall_share_03_10_pct:plug", 0.5)
	ts := Shares.Tables(reports.NewSet(rs, reports.Options{}))
	if len(ts) != 2 {
		t.Fatalf("%d tables, want 2", len(ts))
	}
	var got []string
	for _, row := range ts[1].Rows {
		for _, v := range row {
			got = append(got, v.Text)
		}
	}
	want := []string{
		"none", "cam:1", "n/a", "n/a", "n/a", "0.99",
		"none", "plug", "0.80", "n/a", "n/a", "n/a",
		"vpn", "plug", "n/a", "0.50", "n/a", "n/a",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
}

func TestStudyFollowsItsParameter(t *testing.T) {
	s := reports.NewSet(reporttest.Study(5), reports.Options{})
	ts := Study.Tables(s)
	if len(ts) != 1 {
		t.Fatalf("%d tables, want the one of k", len(ts))
	}
	tb := ts[0]
	if tb.Columns[0].Head != "k" || len(tb.Rows) != 5 || len(tb.Columns) != 3 {
		t.Fatalf("columns %+v, %d rows; want k, none and pad, 5 rows", tb.Columns, len(tb.Rows))
	}
	for i, k := range []float64{1, 3, 5, 9, 15} { // by number, not as written
		row := tb.Rows[i]
		if row[0].Num != k {
			t.Errorf("row %d: k %v, want %v", i, row[0].Num, k)
		}
		for d := range 2 {
			// The mean of g/100 over five groups is 0.02.
			want := (0.9 - k/20 + 0.02) / float64(1+d)
			v := row[1+d]
			if math.Abs(v.Num-want) > 1e-12 || !v.HasInterval || v.Lo >= want || v.Hi <= want {
				t.Errorf("k=%v column %d: %+v, want %v inside an interval", k, d, v, want)
			}
		}
	}
	if !slices.ContainsFunc(tb.Notes, func(n string) bool { return strings.Contains(n, "gap_s=0") }) ||
		!slices.ContainsFunc(tb.Notes, func(n string) bool { return strings.Contains(n, "Generated data") }) {
		t.Errorf("notes %q: want the other parameters and where the data are from", tb.Notes)
	}
	for _, row := range Study.Tables(reports.NewSet(reporttest.Study(4), reports.Options{}))[0].Rows {
		if row[1].HasInterval {
			t.Error("an interval over 4 groups")
		}
	}
}

// TestStudyKeepsChoicesApart: where 0 stands for a choice made in training it is
// no value of the line, has no share in whether there are enough of them, and the
// table has it last, in brackets.
func TestStudyKeepsChoicesApart(t *testing.T) {
	s := reporttest.Chosen()
	if st := s.Studies()[0]; !slices.Equal(st.Values, []float64{1, 3, 5, 9, 15}) {
		t.Errorf("values %v, want no 0", st.Values)
	}
	tb := Study.Tables(s)[0]
	last := tb.Rows[len(tb.Rows)-1]
	if len(tb.Rows) != 6 || last[0].Text != "(0)" || last[0].OK || last[1].Num != 0.95 || last[2].Num != 0.475 {
		t.Errorf("%d rows, the last %+v; want (0), 0.95 and 0.475", len(tb.Rows), last)
	}
	if !slices.Contains(tb.Notes, "K of 0: chosen inside training.") {
		t.Errorf("notes %q do not say what 0 is", tb.Notes)
	}

	// Three values of which one is a choice are two.
	var few []results.Result
	for _, r := range s.Results {
		if id := r.Cell.Attack; strings.Contains(id, "k=0,") || strings.Contains(id, "k=1,") || strings.Contains(id, "k=3,") {
			few = append(few, r)
		}
	}
	if n := len(reports.NewSet(few, s.Options).Studies()); n > 0 {
		t.Errorf("%d studies of two values", n)
	}
	if n := len(reports.NewSet(few, reports.Options{}).Studies()); n != 1 {
		t.Errorf("%d studies of three numbers, want one", n)
	}
}

func TestStudyShowsWhatFailed(t *testing.T) {
	rs := reporttest.Study(5)
	rs[0] = results.Result{Cell: rs[0].Cell, Err: "out of memory"} // k=15 on none
	s := reports.NewSet(rs, reports.Options{})
	if v := Study.Tables(s)[0].Rows[4][1]; v.Text != "failed 1/5" {
		t.Errorf("%q, want failed 1/5", v.Text)
	}
	var b bytes.Buffer
	if err := figures.Study.Draw(s)[0].Write(&b, figure.SVG, 0); err != nil {
		t.Error(err)
	}
}

func TestTolerance(t *testing.T) {
	tb := Tolerance.Tables(reports.NewSet(reporttest.Study(5), reports.Options{}))[0]
	// The best attack has k=1: 0.85 + 0.02 within 5 s, half of it within 1 s;
	// within 15 s the groups have 0.95 to 0.99.
	for i, want := range []float64{0.435, 0.87, 0.97} {
		if v := tb.Rows[i][1]; math.Abs(v.Num-want) > 1e-12 || !v.HasInterval {
			t.Errorf("row %d: %+v, want %v with an interval", i, v, want)
		}
	}
	if !slices.ContainsFunc(tb.Notes, func(n string) bool { return n == "The attack is event-knn k=1." }) {
		t.Errorf("notes %q do not name the attack", tb.Notes)
	}
}

// TestStudyFollowsItsData: three data sets that differ in a number make a study
// of the best attack, also where the number is left at its default (16
// devices); a data set that differs in something else is no part of it.
func TestStudyFollowsItsData(t *testing.T) {
	var rs []results.Result
	for data, score := range map[string]float64{
		"home:gateway": 0.6, "home:gateway:devices=4": 0.8, "home:gateway:devices=32": 0.5, "home:gateway:devices=8,hours=1": 0.1,
	} {
		for _, r := range reporttest.Study(5)[:10] { // undefended, k = 15 and 1
			r.Cell.Dataset, r.Cell.Task, r.Headline = data, datasets.TaskCommand, "exact_recovery"
			v := score
			if strings.Contains(r.Cell.Attack, "k=15") {
				v /= 2
			}
			r.Groups = []results.GroupScore{{Group: r.Groups[0].Group, Value: v, N: 4}}
			r.Metrics = []results.Metric{{Name: "exact_recovery", Value: v}, {Name: "in_candidates", Value: 1}, {Name: "in_candidates_bounded", Value: 1}}
			rs = append(rs, r)
		}
	}
	m := &results.Manifest{}
	for name, set := range map[string][2]string{
		"home:gateway":                   {"16", "3"},
		"home:gateway:devices=4":         {"4", "3"},
		"home:gateway:devices=32":        {"32", "3"},
		"home:gateway:devices=8,hours=1": {"8", "1"},
	} {
		m.Data = append(m.Data, results.DataEntry{
			Name: name, Preset: "home:gateway",
			Settings: []datasets.Setting{{Key: "devices", Value: set[0]}, {Key: "hours", Value: set[1]}},
		})
	}
	ts := Study.Tables(reports.NewSet(rs, reports.Options{Manifest: m}))
	if len(ts) != 3 {
		t.Fatalf("%d tables, want one for each of three metrics", len(ts))
	}
	tb := ts[0]
	if tb.Columns[0].Head != "devices" || len(tb.Rows) != 3 {
		t.Fatalf("columns %+v, %d rows; want devices and 3 rows", tb.Columns, len(tb.Rows))
	}
	for i, want := range [][2]float64{{4, 0.8}, {16, 0.6}, {32, 0.5}} {
		if row := tb.Rows[i]; row[0].Num != want[0] || math.Abs(row[1].Num-want[1]) > 1e-12 {
			t.Errorf("row %d: %v devices, %v; want %v", i, row[0].Num, row[1].Num, want)
		}
	}
	if !strings.HasPrefix(tb.Title, "Exact recovery of the best attack against devices: home:gateway, commands") {
		t.Errorf("title %q", tb.Title)
	}
}

// TestPrecisionAgainstK: a study of events draws precision beside its headline, as
// figure 5 of IoTEvent does against the number of neighbors.
func TestPrecisionAgainstK(t *testing.T) {
	rs := reporttest.Study(5)
	for i := range rs {
		rs[i].Metrics = append(rs[i].Metrics, results.Metric{Name: results.Precision, Value: 0.25})
	}
	set := reports.NewSet(rs, reports.Options{})
	ts := Study.Tables(set)
	if len(ts) != 2 || !strings.HasPrefix(ts[1].Title, "Precision of event-knn") || !strings.Contains(ts[1].Title, "against k") {
		t.Fatalf("%d tables: %+v", len(ts), ts)
	}
	for _, row := range ts[1].Rows {
		if row[1].Num != 0.25 {
			t.Errorf("precision %v, want 0.25", row[1].Num)
		}
	}
	if fs := figures.Study.Draw(set); len(fs) != 2 {
		t.Errorf("%d figures, want F1 and precision", len(fs))
	}
}
