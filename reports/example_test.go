package reports_test

import (
	"errors"
	"fmt"
	"os"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
	"veilbench/reports/tables"
)

// The folder of a run holds a file for each defense on a data set. A table of its
// cells is drawn without computing anything.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := store(dir); err != nil {
		fmt.Println(err)
		return
	}

	rs, err := results.ReadResults(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	set := reports.NewSet(rs, reports.Options{})
	if err := table.Write(os.Stdout, table.Text, tables.WorstAttack.Tables(set)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Best attack on each defense: lab, events, seen outside the home
	//
	// defense  best attack  knows       F1  floor  advantage  mean of groups  groups
	// none     event-knn    adaptive  0.91   0.10       0.90            0.91       1
	// pad      event-knn    adaptive  0.55   0.10       0.50            0.55       1
	// Split group-kfold:k=2, 1 fold, 1 test group, 1 defense draw, 1 seed, n = 40 events; floor without a look at the
	//   traffic 0.10.
	// Intervals are over test groups and about this training data, not about others like it.
	// CANARIES OFF: no low score is evidence for a defense.
}

// store writes two cells as a run does.
func store(dir string) error {
	st, err := results.OpenStore(dir)
	if err != nil {
		return err
	}
	for defense, f1 := range map[string]float64{"none": 0.91, "pad": 0.55} {
		r := results.Result{
			Cell: results.Cell{
				Dataset: "lab", Task: datasets.TaskEvent, Vantage: datasets.WAN, Split: "group-kfold:k=2", Seed: 1,
				Defense: defense, TrainDefense: defense, Attack: "event-knn", Knowledge: results.Adaptive,
			},
			Headline: "f1", Floor: 0.1,
			Metrics: []results.Metric{{Name: "f1", Value: f1}},
			Groups:  []results.GroupScore{{Group: "day-1", Value: f1, Floor: 0.1, N: 40}},
		}
		unit, err := st.Unit("lab", defense)
		if err != nil {
			return err
		}
		if err := errors.Join(unit.Put(r, results.Timing{}), unit.Close()); err != nil {
			return err
		}
	}
	return nil
}
