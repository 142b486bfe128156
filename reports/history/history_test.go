package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// run is a run of one attack on two defenses over five homes; on acme it reaches
// score, and acme adds bytes as a share. Its data have the digest given.
func run(score, bytes float64, data string) *reports.Set {
	var rs []results.Result
	for _, d := range []string{results.NoDefense, "acme:level=2"} {
		for g := range 5 {
			r := reporttest.Result(rand.New(rand.NewPCG(1, 2)), results.Cell{
				Dataset: "lab", Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: d, TrainDefense: d, Attack: "event-knn",
				Knowledge: results.Adaptive, Split: "leave-one-group-out", Fold: g, Seed: 1,
			}, 0, 1)
			v := 0.9
			r.Cost.OutBytes = r.Cost.InBytes
			if d != results.NoDefense {
				v = score
				n := r.Cost.InBytes[0] + r.Cost.InBytes[1]
				r.Cost.OutBytes = [2]int64{n + int64(bytes*float64(n)), 0}
			}
			r.Floor, r.Data, r.Cost.More = 0, data, nil
			r.Metrics = []results.Metric{{Name: r.Headline, Value: v}}
			r.Groups = []results.GroupScore{{Group: fmt.Sprint("home-", g), Value: v, N: 100}}
			rs = append(rs, r)
		}
	}
	return reports.NewSet(reporttest.WithCanaries(rs, 40), reports.Options{})
}

// of is the history of runs with these advantages of acme.
func of(scores ...float64) *History {
	h := &History{}
	for i, v := range scores {
		h.Add(fmt.Sprintf("runs/%02d", i+1), run(v, 0.5, "data"))
	}
	return h
}

func acme(h *History) Series {
	all := h.Series()
	i := slices.IndexFunc(all, func(x Series) bool { return x.Defense == "acme:level=2" && x.Figure == results.AdvantageMetric })
	return all[i]
}

// A change counts by the series' own spread: what is noise in one is an event in
// another. It stays (shift), or is back at the next run (outlier).
func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name   string
		scores []float64
		want   string
	}{
		{"the same", []float64{0.3, 0.3, 0.3, 0.3, 0.3, 0.3}, "steady"},
		{"any change of what never changed", []float64{0.3, 0.3, 0.3, 0.3, 0.31, 0.31, 0.31}, "shift at 05 (0.30 to 0.31)"},
		{"noise", []float64{0.30, 0.33, 0.29, 0.31, 0.28, 0.32, 0.30, 0.33}, "steady"},
		{"shift", []float64{0.30, 0.31, 0.30, 0.31, 0.60, 0.61, 0.60, 0.61}, "shift at 05 (0.31 to 0.60)"},
		{"outlier", []float64{0.30, 0.31, 0.30, 0.31, 0.60, 0.30, 0.31, 0.30}, "outlier at 05 (0.31 to 0.60)"},
		{"the last run", []float64{0.30, 0.31, 0.30, 0.31, 0.30, 0.31, 0.60}, "shift or outlier at 07 (0.31 to 0.60)"},
		{"rise", []float64{0.30, 0.31, 0.33, 0.34, 0.36, 0.37, 0.39, 0.40}, "rises"},
		{"fall", []float64{0.40, 0.39, 0.37, 0.36, 0.34, 0.33, 0.31, 0.30}, "falls"},
		{"few", []float64{0.3, 0.6, 0.3}, "too few runs"},
	} {
		h := of(c.scores...)
		if got := acme(h).verdict(h.short); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A run of other data, or without a figure, says so and breaks nothing; a cost that
// moved has a row, others have none.
func TestTable(t *testing.T) {
	h := of(0.3, 0.31, 0.3, 0.31, 0.3)
	h.Add("runs/06", run(0.6, 0.5, "other"))
	h.Add("runs/07", reports.NewSet(reporttest.Small(), reports.Options{})) // has no acme
	h.Add("runs/08", run(0.61, 0.9, "other"))
	tab := h.Table()
	find := func(figure string) []table.Value {
		i := slices.IndexFunc(tab.Rows, func(r []table.Value) bool { return r[0].Text == "lab" && r[2].Text == "acme" && r[3].Text == figure })
		if i < 0 {
			t.Fatalf("no row of %s: %v", figure, tab.Rows)
		}
		return tab.Rows[i]
	}
	row := find(results.AdvantageMetric)
	if row[4].Num != 7 || row[5].Num != 0.3 || row[6].Num != 0.61 || row[11].Text != "shift, other data, at 06 (0.30 to 0.60)" {
		t.Errorf("%v", row)
	}
	if row := find("bytes added"); row[11].Text != "shift or outlier at 08 (+50 % to +90 %)" {
		t.Errorf("%v", row)
	}
	if slices.ContainsFunc(tab.Rows, func(r []table.Value) bool { return r[3].Text == "delay p95" && r[0].Text == "lab" }) {
		t.Error("a cost that never moved has a row")
	}
	for _, r := range tab.Rows {
		if len(r) != len(tab.Columns) {
			t.Errorf("%d cells in %d columns", len(r), len(tab.Columns))
		}
	}
}

// The JSON has every point of every series, and no trend that was not looked for.
func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	h := of(0.3, 0.4, 0.3)
	if err := h.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Format string
		Runs   []string
		Series []struct {
			Defense, Figure, Verdict string
			P                        *float64
			Points                   []Point
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Format != jsonFormat || len(got.Runs) != 3 || len(got.Series) != 4 {
		t.Fatalf("%+v", got)
	}
	for _, x := range got.Series {
		if x.P != nil || len(x.Points) != 3 || x.Points[2].Run != "runs/03" {
			t.Errorf("%+v", x)
		}
	}
	if strings.Contains(b.String(), `"events": null`) {
		t.Error("no events are null instead of none")
	}
}

// Nothing known of a defense is no figure, and no advantage of 0.
func TestNoEvidence(t *testing.T) {
	h := &History{}
	for i := range 2 {
		h.Add(fmt.Sprint(i), reports.NewSet(reporttest.Unearned(), reports.Options{}))
	}
	for _, x := range h.Series() {
		if x.Defense == "blind" && x.Figure == results.AdvantageMetric && x.Vantage == datasets.WAN {
			if len(x.known()) != 0 || x.verdict(h.short) != reports.NoEvidence {
				t.Errorf("%+v: %s", x, x.verdict(h.short))
			}
			return
		}
	}
	t.Fatal("no series of blind")
}
