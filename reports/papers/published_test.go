package papers

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

func TestPublishedBesideOurs(t *testing.T) {
	const k1 = "event-knn:gap_s=0,k=1,private="
	s := reports.NewSet(reporttest.Study(5), reports.Options{Published: []results.Published{
		{Task: datasets.TaskEvent, Defense: "none", Attack: k1, Metric: "recall", Value: 0.9, Source: "A, table 1"},
		{Task: datasets.TaskEvent, Defense: "none", Attack: k1, Metric: "recall", Class: "lamp", Value: 0.25, Source: "A, table 2"},
		{Task: datasets.TaskEvent, Defense: "none", Attack: k1, Metric: "recall", Class: "fan", Value: 0.5, Source: "A, table 2"},
		{Task: datasets.TaskEvent, Defense: "none", Attack: k1, Metric: "accuracy", Value: 0.99, Source: "A, table 1"},
		{Task: datasets.TaskDevice, Defense: "none", Attack: "window-forest", Metric: "accuracy", Value: 0.845, Source: "B"},
	}})
	ts := Published.Tables(s)
	if len(ts) != 1 {
		t.Fatalf("%d tables, want one", len(ts))
	}
	// Published, calibrated or not, ours, floor, difference and source of each row.
	want := [][]string{
		{"0.900", "no", "0.870 [.63 .98]", "–", "-0.030", "(1)"},
		{"0.250", "no", "0.500 [.26 .74]", "–", "+0.250", "(2)"}, // of lamp/on and lamp/off one each was right; lamp2 is another device
		{"0.500", "no", "n/a", "–", "–", "(2)"},
		{"0.990", "no", "n/a", "–", "–", "(1)"},
		{"0.845", "no", "–", "–", "–", "(3)"},
	}
	for i, row := range ts[0].Rows {
		var got []string
		for _, v := range row[6:] {
			got = append(got, v.Text)
		}
		if !slices.Equal(got, want[i]) {
			t.Errorf("row %d: %q, want %q", i, got, want[i])
		}
	}
	notes := strings.Join(ts[0].Notes, "\n")
	for _, n := range []string{"(1) A, table 1.", "(2) A, table 2.", "(3) B.", "Generated data (home:made_up)"} {
		if !strings.Contains(notes, n) {
			t.Errorf("notes lack %q:\n%s", n, notes)
		}
	}
	for _, f := range []table.Format{table.Text, table.Markdown, table.LaTeX, table.CSV} {
		var b bytes.Buffer
		if err := table.Write(&b, f, ts); err != nil || !strings.Contains(b.String(), "published") {
			t.Errorf("%s: %v\n%s", f, err, b.String())
		}
	}
	if Published.Tables(reports.NewSet(reporttest.Study(5), reports.Options{})) != nil {
		t.Error("a table of published figures without any")
	}
}

// TestPublishedSaysWhatItIs: beside ours stand the kind of data, whether they
// were calibrated to the figure and how, and the floor of the very quantity: that
// of the score, the best of the blind controls (guess-exact is none), always other
// for an accuracy over bursts, and none of a cost.
func TestPublishedSaysWhatItIs(t *testing.T) {
	const k1 = "event-knn:gap_s=0,k=1,private="
	of := func(metric, class, calibrated string) results.Published {
		return results.Published{Task: datasets.TaskEvent, Defense: "none", Attack: k1, Metric: metric, Class: class, Value: 0.5, Source: "A", Calibrated: calibrated}
	}
	s := reports.NewSet(reporttest.Controlled(), reports.Options{Published: []results.Published{
		of(results.F1, "", ""),
		of(results.Precision, "lamp", "lengths of packets"),
		of(results.Recall, "", results.Yes),
		of(results.BurstAccuracy, "", ""),
		of(results.GBPerMonth, "", ""),
	}})
	tb := Published.Tables(s)[0]

	// Kind, figure, calibrated, ours and floor.
	want := [][]string{
		{"generated", "F1", "no", "0.870 [.63 .98]", "0.100"},
		{"generated", "precision of lamp", "yes", "0.333 [.13 .59]", "0.200"}, // one of three answers lamp was right
		{"generated", "recall", "yes", "0.870 [.63 .98]", "0.250"},
		{"generated", "burst accuracy", "no", "0.960 [.74 1]", "0.950"},
		{"generated", "GB a month", "no", "n/a", "n/a"},
	}
	for i, row := range tb.Rows {
		var got []string
		for _, c := range []int{1, 5, 7, 8, 9} {
			got = append(got, row[c].Text)
		}
		if !slices.Equal(got, want[i]) {
			t.Errorf("row %d: %q, want %q", i, got, want[i])
		}
	}
	notes := strings.Join(tb.Notes, "\n")
	for _, n := range []string{
		"(2) A. Calibrated to it: lengths of packets.", "(3) A. Ours is calibrated to it.", "(1) A.\n",
		"event-knn, home:made_up, wan: 500 bursts, 25 of them at events; 5 events without a burst; left out 10 bursts, and 5 events that have no others.",
	} {
		if !strings.Contains(notes, n) {
			t.Errorf("notes lack %q:\n%s", n, notes)
		}
	}
}

// TestPublishedKindOfData: recorded data are said to be, and are calibrated to
// nothing, whatever the generator is.
func TestPublishedKindOfData(t *testing.T) {
	rs := reporttest.Study(5)
	for i := range rs {
		rs[i].Generated = false
	}
	q := results.Published{Task: datasets.TaskEvent, Defense: "none", Attack: rs[5].Cell.Attack, Metric: results.F1, Value: 0.5, Source: "A", Calibrated: results.Yes}
	row := Published.Tables(reports.NewSet(rs, reports.Options{Published: []results.Published{q}}))[0].Rows[0]
	if row[1].Text != "recorded" || row[7].Text != "no" {
		t.Errorf("kind %q, calibrated %q: want recorded data, which nothing was calibrated of", row[1].Text, row[7].Text)
	}
}

// TestPublishedListsHaveLengths: beside a share of lists with the right command in
// them stands how long the lists are before and after bounding, those of the
// controls too.
func TestPublishedListsHaveLengths(t *testing.T) {
	rs := reporttest.Controlled()
	for i := range rs {
		r := &rs[i]
		r.Cell.Task, r.Headline = datasets.TaskCommand, results.ExactRecovery
		r.Metrics = []results.Metric{
			{Name: results.ExactRecovery, Value: 0.5},
			{Name: results.InCandidates, Value: 0.9},
			{Name: results.InCandidatesBounded, Value: 0.8},
			{Name: results.CandidatesMean, Value: 4.5},
			{Name: results.CandidatesBounded, Value: 1.25},
		}
		if r.Cell.Attack == "guess-majority" {
			r.Metrics = []results.Metric{
				{Name: results.ExactRecovery, Value: 0.1},
				{Name: results.InCandidates, Value: 0.1},
				{Name: results.InCandidatesBounded, Value: 0.1},
				{Name: results.CandidatesMean, Value: 1},
				{Name: results.CandidatesBounded, Value: 1},
			}
		}
	}
	q := results.Published{Task: datasets.TaskCommand, Defense: "none", Attack: rs[0].Cell.Attack, Metric: results.InCandidates, Value: 0.98, Source: "A"}
	tb := Published.Tables(reports.NewSet(rs, reports.Options{Published: []results.Published{q}}))[0]
	want := "event-knn, home:made_up, wan: mean candidates of a message: event-knn 4.50, 1.25 after bounding; guess-majority 1, 1 after bounding; guess-clock 4.50, 1.25 after bounding."
	if !slices.Contains(tb.Notes, want) {
		t.Errorf("notes %q lack %q", tb.Notes, want)
	}
}
