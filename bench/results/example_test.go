package results_test

import (
	"fmt"
	"os"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// A run puts each cell of a defense on a data set into its unit of a store; whoever draws tables reads them all and sums
// up what the best attacker reached against each defense.
func Example() {
	dir, err := os.MkdirTemp("", "results")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := results.OpenStore(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	unit, err := store.Unit("homes", "pad-random")
	if err != nil {
		fmt.Println(err)
		return
	}
	for attack, f1 := range map[string]float64{"event-knn": 0.7, "event-forest": 0.8} {
		err := unit.Put(results.Result{
			Cell: results.Cell{
				Dataset: "homes", Task: datasets.TaskEvent, Vantage: datasets.WAN, Defense: "pad-random", Attack: attack,
				Knowledge: results.Adaptive, TrainDefense: "pad-random",
			},
			Headline: results.F1, Floor: 0.1,
			Metrics: []results.Metric{{Name: results.F1, Value: f1}},
			Groups:  []results.GroupScore{{Group: "home0", Value: f1, Floor: 0.1, N: 50}},
		}, results.Timing{})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := unit.Close(); err != nil {
		fmt.Println(err)
		return
	}

	rs, err := results.ReadResults(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range results.Summaries(rs) {
		fmt.Printf("%s: %s with F1 %.2f, advantage %.2f over guessing\n", s.Defense, s.Attack, s.Score, s.Advantage)
	}
	// Output:
	// pad-random: event-forest with F1 0.80, advantage 0.78 over guessing
}
