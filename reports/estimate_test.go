package reports_test

import (
	"math"
	"slices"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/tables"
)

// TestMeanIsOverWhatWasScored: a fold with nothing to find has no score, and the
// mean is that of the others.
func TestMeanIsOverWhatWasScored(t *testing.T) {
	rs := reporttest.Study(5)
	c := rs[0].Cell
	want := 0.0
	for i := range 5 { // the folds of one attacker
		v, _ := rs[i].Metric(results.F1)
		if i > 0 {
			want += v / 4
		}
	}
	rs[0].Metrics, rs[0].Groups = []results.Metric{{Name: results.Tested}}, nil
	k := reports.Pair{
		Panel:   reports.Panel{Dataset: c.Dataset, Task: datasets.TaskEvent, Vantage: c.Vantage, Split: c.Split},
		Defense: c.Defense, Attacker: reports.Attacker{Attack: c.Attack, Knowledge: c.Knowledge},
	}
	if e := reports.NewSet(rs, reports.Options{}).Mean(k, results.F1); !e.OK || math.Abs(e.Num-want) > 1e-12 {
		t.Errorf("%+v, want %v", e, want)
	}
}

// Observers with two places have tables of their own, after those with one.
func TestTwoPlacesHavePanelsOfTheirOwn(t *testing.T) {
	rs := reporttest.Study(5)
	n := len(rs)
	for _, v := range []datasets.Vantage{"lan+wan", datasets.LAN, "wifi+wan"} {
		for _, r := range rs[:n] {
			r.Cell.Vantage = v
			rs = append(rs, r)
		}
	}
	s := reports.NewSet(rs, reports.Options{})
	if got := s.Vantages(); !slices.Equal(got, []datasets.Vantage{datasets.WAN, datasets.LAN, "wifi+wan", "lan+wan"}) {
		t.Errorf("vantages %q", got)
	}
	if got := reports.WhereName("wifi+wan"); got != "at the radio of the home and outside the home" {
		t.Errorf("where: %q", got)
	}
	if tables := tables.Headline.Tables(s); len(tables) != 4 {
		t.Errorf("%d tables of the headline, want 4", len(tables))
	}
}
