package tables

import (
	"slices"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// TestNamesBesidePublished: of a paper's three names one is talked to, one only
// asked for and one not seen here; a fourth is ours alone.
func TestNamesBesidePublished(t *testing.T) {
	rs := reporttest.Study(5)
	c := rs[0].Cell
	sample := func(defense string, n results.DeviceNames) results.Sample {
		return results.Sample{SampleKey: results.SampleKey{Dataset: c.Dataset, Task: c.Task, Vantage: c.Vantage, Split: c.Split, Defense: defense, Seed: c.Seed}, Names: []results.DeviceNames{n}}
	}
	q := results.Published{
		Task: c.Task, Defense: c.Defense, Attack: c.Attack, Metric: results.NamesSeen, Class: "cam",
		Names: []string{"a.example", "b.example", "c.example"}, Value: 3, Source: "A, figure 1",
	}
	s := reports.NewSet(rs, reports.Options{
		Published: []results.Published{q},
		Samples: []results.Sample{
			sample(c.Defense, results.DeviceNames{Device: "cam", Recording: "r", Hosts: []string{"a.example", "d.example"}, Asked: []string{"a.example", "b.example"}}),
		},
	})

	ts := Names.Tables(s)
	if len(ts) != 1 {
		t.Fatalf("%d tables, want one", len(ts))
	}
	var got [][]string
	for _, r := range ts[0].Rows {
		var row []string
		for _, v := range r[1:] {
			row = append(row, v.Text)
		}
		got = append(got, row)
	}
	want := [][]string{
		{"a.example", "yes", "seen, asked for"}, {"b.example", "yes", "asked for"}, {"c.example", "yes", "–"}, {"d.example", "–", "seen"},
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("rows %q, want %q", got, want)
	}
	if c.Task != datasets.TaskEvent {
		t.Fatalf("task %s", c.Task)
	}
}
