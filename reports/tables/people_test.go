package tables

import (
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
)

// TestPeopleTogether: locked and dark is away, as often as the part that is seen
// least; without a lock nothing tells it.
func TestPeopleTogether(t *testing.T) {
	item := func(class string, right, wrong int) (out []results.Item) {
		for range right {
			out = append(out, results.Item{Truth: class, Answer: class})
		}
		for range wrong {
			out = append(out, results.Item{Truth: class, Answer: datasets.Unknown})
		}
		return out
	}
	away := func(items ...[]results.Item) string {
		var all []results.Item
		for _, i := range items {
			all = append(all, i...)
		}
		r := results.Result{
			Cell: results.Cell{
				Dataset: "d", Task: datasets.TaskEvent, Vantage: datasets.WAN, Split: "group-kfold:k=2", Seed: 1,
				Defense: results.NoDefense, TrainDefense: results.NoDefense, Attack: "a", Knowledge: results.Adaptive,
			},
			Headline: results.F1DeviceMean, Items: all,
			Metrics: []results.Metric{{Name: results.F1DeviceMean, Value: 1}},
			Groups:  []results.GroupScore{{Group: "g", Value: 1, N: len(all)}},
		}
		for _, tb := range People.Tables(reports.NewSet([]results.Result{r}, reports.Options{})) {
			for _, row := range tb.Rows {
				if strings.HasPrefix(row[0].Text, "all have left: locked") {
					return row[3].Text
				}
			}
		}
		return ""
	}
	if got := away(item("door-lock/lock", 3, 1), item("lamp/off", 1, 1), item("lamp/on", 9, 0)); got != "0.50" {
		t.Errorf("locked and dark: %q, want 0.50", got)
	}
	if got := away(item("lamp/off", 1, 1)); got != "" {
		t.Errorf("without a lock: %q", got)
	}
}
