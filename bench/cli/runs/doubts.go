package runs

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports/table"
)

// printData writes what each data set is, and what is doubtful or odd about it.
func printData(a *command.App, g bench.Grid, doubts []results.DataDoubts) {
	for _, ds := range g.Datasets {
		fmt.Fprintln(a.Stderr, source.Describe(&ds))

		// What is doubtful wherever one looks from is said once.
		var said []string
		for _, at := range doubts {
			if at.Dataset != ds.Name {
				continue
			}
			for _, d := range at.Doubts {
				if s := table.Plain(d.String()); !slices.Contains(said, s) {
					said = append(said, s)
					fmt.Fprintln(a.Stderr, "  doubt:", s)
				}
			}
		}
		for _, w := range ds.Warnings {
			fmt.Fprintln(a.Stderr, "  warning:", table.Plain(w))
		}
	}
}

// Refuse is an error where a doubt makes the results of a task worthless that is
// to be run: a score of nothing looks like a perfect defense.
func Refuse(doubts []results.DataDoubts, despite bool) error {
	if despite {
		return nil
	}

	// What spoils a data set from several places is one reason.
	var why []string
	tasks := map[datasets.Task]bool{}
	for _, at := range doubts {
		for _, d := range at.Doubts {
			if len(d.Spoils) == 0 {
				continue
			}
			for _, t := range d.Spoils {
				tasks[t] = true
			}
			if s := fmt.Sprintf("%s: %s", at.Dataset, table.Plain(d.String())); !slices.Contains(why, s) {
				why = append(why, s)
			}
		}
	}
	if len(why) == 0 {
		return nil
	}

	var spoiled []string
	for _, t := range datasets.Tasks() {
		if tasks[t] {
			spoiled = append(spoiled, string(t))
		}
	}
	return fmt.Errorf("refused, as results of the task %s would mean nothing (--despite-doubts goes on all the same):\n  %s", strings.Join(spoiled, " and "), strings.Join(why, "\n  "))
}
