package reporttest

import (
	"fmt"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// Hours are those of a detect task of six homes: cover that is seen in .8 and taken
// for another defense in two of three hours, a tunnel that always shows, and padding
// that failed.
func Hours() []results.Result {
	var out []results.Result
	for g := range 6 {
		for _, c := range []struct {
			defense, against, named string
			visible                 bool
			score                   float64
		}{{"cover+vpn", "vpn", "pad", true, 0.8}, {"vpn", "none", "vpn", true, 1}, {"pad", "none", "pad", false, 0}} {
			r := results.Result{
				Cell: results.Cell{
					Dataset: "homes", Task: datasets.TaskDetect, Vantage: datasets.WAN, Defense: c.defense, Attack: "detect-forest:trees=200",
					Knowledge: results.Adaptive, TrainDefense: c.defense, Split: "group-kfold:k=6", Fold: g, TrainDraws: 1, Seed: 1,
				},
				Headline: results.Detected, Floor: 0.5, Against: c.against, Visible: c.visible,
				Metrics: []results.Metric{{Name: results.DefenseNamed, Value: 0.5}, {Name: results.Detected, Value: c.score}, {Name: results.Tested, Value: 40}},
				Groups:  []results.GroupScore{{Group: fmt.Sprint("home", g), Value: c.score, Floor: 0.5, N: 40}},
			}
			for i, named := range []string{c.named, c.named, c.defense} {
				r.Items = append(r.Items, results.Item{Recording: fmt.Sprint(i), Group: r.Groups[0].Group, Truth: "on", Answer: "on", Named: named})
			}

			// A failed cell says nothing but why.
			if c.defense == "pad" {
				r = results.Result{Cell: r.Cell, Err: "saturated", Headline: results.Detected}
			}
			out = append(out, r)
		}
	}
	return out
}
