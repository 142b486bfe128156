// Command seconds says what the cells of a run took, by data set and attack, and
// apart from them what canaries added: "seconds RUN DIR" writes DIR/speed.md from the
// times that the run in the folder RUN stored.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets/atomicfile"
	"veilbench/reports/table"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: seconds RUN DIR")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "seconds:", err)
		os.Exit(1)
	}
}

// row is what the cells of one data set and attack took.
type row struct {
	dataset, attack string
	planted         bool
}

// sum is of cells; cells without a time are not in it.
type sum struct {
	cells        float64
	train, guess float64 // seconds
}

// write sums up the run in the folder run and writes dir/speed.md.
func write(run, dir string) error {
	rs, err := results.ReadResults(run)
	if err != nil {
		return err
	}
	timings, err := results.ReadTimings(run)
	if err != nil {
		return err
	}

	sums := map[row]sum{}
	add := func(k row, t results.Timing) {
		s := sums[k]
		sums[k] = sum{s.cells + 1, s.train + t.TrainSeconds, s.guess + t.GuessSeconds}
	}
	var order []row
	for _, r := range rs {
		t, ok := timings.Of(r)
		if !ok {
			continue
		}
		planted := r.Cell.Knowledge == results.Planted
		k := row{r.Cell.Dataset, name(r.Cell.Attack), planted}
		if _, seen := sums[k]; !seen {
			order = append(order, k)
		}
		add(k, t)
		add(row{planted: planted}, t) // of all
	}
	slices.SortStableFunc(order, func(a, b row) int {
		return strings.Compare(a.dataset+"\x00"+a.attack, b.dataset+"\x00"+b.attack)
	})

	// One row for each data set and attack: the cells of the grid beside their canaries.
	t := table.Table{Title: "What the cells of a run take", Columns: table.Columns(
		"data set", "attack", "#cells", "#training, s", "#guessing, s", "#canaries", "#training, s", "#guessing, s")}
	line := func(dataset, attack string, grid, canaries sum) {
		t.Rows = append(t.Rows, []table.Value{
			table.Word(dataset), table.Word(attack),
			table.Number(grid.cells, table.Amount), table.Number(grid.train, table.Ratio), table.Number(grid.guess, table.Ratio),
			table.Number(canaries.cells, table.Amount), table.Number(canaries.train, table.Ratio), table.Number(canaries.guess, table.Ratio),
		})
	}
	seen := map[row]bool{}
	for _, k := range order {
		k.planted = false
		if seen[k] {
			continue
		}
		seen[k] = true
		line(k.dataset, k.attack, sums[k], sums[row{k.dataset, k.attack, true}])
	}
	line("all", "all", sums[row{}], sums[row{planted: true}])
	t.Notes = []string{"Seconds that passed in training and guessing, summed over cells; several cells are at work at once, and models that cells share count where they were trained. Making, defending and scoring traffic is not in it. Written by make speed-doc; times of other machines are others."}

	return atomicfile.WriteTo(filepath.Join(dir, "speed.md"), func(w io.Writer) error {
		if _, err := fmt.Fprint(w, "# What later issues added to quick\n\n", about); err != nil {
			return err
		}
		return table.Write(w, table.Markdown, []table.Table{t})
	})
}

const about = "`veilbench run speed` has the cells that `quick` had at commit d7f2a86, and none besides.\n" +
	"What was added to `quick` since are canaries: artificial signals behind each defense,\n" +
	"which an attack must find before its low score is evidence. They stand on the right.\n\n"

// name is an attack without its parameters.
func name(id string) string {
	n, _, _ := strings.Cut(id, ":")
	return n
}
