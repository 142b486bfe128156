package runs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/forecast"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/reports"
	"veilbench/reports/table"
)

// dryRun says what a run would compute and what that takes, of all shards what a plan
// says. It leaves nothing in
// the run's folder.
func dryRun(ctx context.Context, a *command.App, g bench.Grid, m results.Manifest, f runFlags, p planned) error {
	cells, err := g.Plan()
	if err != nil {
		return err
	}
	if p.Shards > 1 {
		cells = slices.DeleteFunc(cells, func(c bench.Planned) bool { return !p.Mine(c.Cell.Dataset, c.Cell.Defense) })
	}
	w := command.Folded(a.Stdout)
	if f.show.JSON {
		w = a.Stderr // JSON stands alone
	}
	printFolds(w, cells)
	shapes, err := shapesOf(ctx, g)
	if err != nil {
		return err
	}

	// What is there and would be read is neither computed nor an error: the run says
	// what is wrong with it.
	have := map[string]bool{}
	if notes, err := results.Cells(f.out).List(); err == nil {
		for _, n := range notes {
			have[n.Name] = !n.Failed || !f.retry
		}
	}
	stored := func(c results.Cell) bool { return have[m.Name(c)] }
	fc := forecast.Of(cells, shapes, forecast.RatesOf(earlierRuns(f.out)), stored, len(g.Defenses)+len(g.Attacks))
	printForecast(w, m, cells, fc, f.jobs)
	return a.Tables(table.Text, f.show, planTable(g, p, f.jobs))
}

// shapesOf are the shapes of all defenses of g on all its data sets.
func shapesOf(ctx context.Context, g bench.Grid) (map[forecast.ShapeKey]forecast.Shape, error) {
	shapes := map[forecast.ShapeKey]forecast.Shape{}
	for _, ds := range g.Datasets {
		// Unaware attackers learn from undefended traffic, whether or not it is a row.
		for _, d := range append(slices.Clone(g.Defenses), defenses.None{}) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			k := forecast.ShapeKey{Dataset: ds.Name, Defense: defenses.ID(d)}
			if _, ok := shapes[k]; !ok {
				shapes[k] = forecast.ShapeOf(ctx, d, ds.Recordings)
			}
		}
	}
	return shapes, nil
}

// earlierRuns are the folders whose timings tell about this machine: that of the
// run, and other runs beside it, as far as there are any.
func earlierRuns(out string) []string {
	const most = 20
	if _, err := results.ReadManifest(out); err == nil {
		return []string{out}
	}
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(out)), "*"))
	if err != nil {
		return nil // a name that is a pattern
	}
	var dirs []string
	for _, dir := range beside {
		if _, err := results.ReadManifest(dir); !errors.Is(err, fs.ErrNotExist) && err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs[:min(most, len(dirs))]
}

// printFolds writes for each data set and task how its recordings are divided, the
// groups that each fold is tested on.
func printFolds(w io.Writer, plan []bench.Planned) {
	type at struct {
		dataset string
		task    datasets.Task
	}
	said := map[at]map[int]bool{}
	for _, p := range plan {
		c := p.Cell
		k := at{c.Dataset, c.Task}
		if said[k] == nil {
			said[k] = map[int]bool{}
			fmt.Fprintf(w, "%s, %s, split %s\n", c.Dataset, c.Task, c.Split)
		}
		if said[k][c.Fold] {
			continue
		}
		said[k][c.Fold] = true

		// Of leave-one-out a fold has one part for each recording: the first few say
		// what it is.
		const shown = 4
		var tests []string
		for _, part := range p.Fold[:min(shown, len(p.Fold))] {
			tests = append(tests, groupsOf(p.Data, part.Test))
		}
		text := strings.Join(tests, " | ")
		if n := len(p.Fold) - shown; n > 0 {
			text += fmt.Sprintf(" | and %d parts more", n)
		}
		fmt.Fprintf(w, "  fold %d is tested on %s\n", c.Fold, text)
	}
}

// groupsOf names the groups of recordings, the first few where there are many.
func groupsOf(ds *datasets.Dataset, recordings []int) string {
	const shown = 6
	var names []string
	for _, i := range recordings {
		if g := ds.Recordings[i].Group; !slices.Contains(names, g) {
			names = append(names, g)
		}
	}
	text := strings.Join(names[:min(shown, len(names))], ", ")
	if n := len(names) - shown; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// printForecast writes what a run takes in one line, and what that rests on in
// another.
func printForecast(w io.Writer, m results.Manifest, plan []bench.Planned, f forecast.Forecast, jobs int) {
	// Groups of two data sets may have the same name and are two.
	groups := map[string]bool{}
	for _, p := range plan {
		for _, part := range p.Fold {
			for _, i := range part.Test {
				groups[p.Cell.Dataset+"\x00"+p.Data.Recordings[i].Group] = true
			}
		}
	}
	cells := fmt.Sprintf("%d cells", f.Cells)
	if f.Stored > 0 {
		cells += fmt.Sprintf(", %d of them stored", f.Stored)
	}
	took := time.Duration((f.Seconds/float64(jobs) + f.Fixed) * float64(time.Second))
	fmt.Fprintf(w, "%s x %s x %s of knowledge, %s: %s, about %s on %s, %.1f GiB, %d MB of results\n",
		reports.Plural(len(m.Defenses), "defense"), reports.Plural(len(m.Attacks), "attack"), reports.Plural(len(m.Knowledge), "kind"), reports.Plural(len(groups), "group"),
		cells, rough(took), reports.Plural(jobs, "core"), float64(f.MemoryBytes)/(1<<30), max(1, f.DiskBytes>>20))

	if f.Canary > 0 {
		fmt.Fprintf(w, "%d of the cells look for canaries, a check of the attacks themselves\n", f.Canary)
	}
	fmt.Fprintf(w, "times of %d of %d attacks are from runs in this place, the others from tables; half or twice is likely\n", f.Own, f.All)
}

// rough is a duration in the unit that says enough.
func rough(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}
