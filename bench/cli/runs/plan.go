package runs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/imports"
	"veilbench/bench/forecast"
	"veilbench/bench/results"
	"veilbench/bench/shards"
	"veilbench/reports/table"
)

func planCommand(a *command.App) *cobra.Command {
	var f runFlags
	var e engines
	var n int
	cmd := &cobra.Command{
		Use:   "plan [PRESET|FILE.yaml|FOLDER]",
		Short: "how a run would be divided among machines, and what each share takes",
		Long: `Plan reads the data, divides the cells of a run into shards, each a set of defenses on data sets, and
prints what each shard is expected to take. Nothing is computed. The longest units are dealt first,
from constants alone, so that every machine deals alike: run the shards anywhere with
"veilbench run ... --shard i/n --out DIR-i", look at them with "veilbench status DIR-*" and join them
with "veilbench merge DIR-* --out DIR". With --timings the deal goes by what an earlier run took on a
machine of yours; --save keeps it in a file, which every shard is then given by --plan.

Job files of other programs: --slurm writes a script that submits an array of jobs and the merge behind
them, however they end (--submit runs it); --kubernetes writes an Indexed Job and one for the merge, for
pods with a volume (--claim) or an object store (--out s3://bucket/prefix); --parallel writes a line for
GNU parallel.`,
		Example: `  veilbench plan paper.yaml --shards 8
  veilbench plan paper.yaml --shards 8 --out runs/paper --slurm --submit --partition long --time-limit 8h
  veilbench plan paper.yaml --shards 8 --out s3://lab/paper --kubernetes --image veilbench:1 | kubectl apply -f -
  veilbench plan paper.yaml --shards 8 --out runs/paper --parallel | sh
  veilbench plan paper.yaml --shards 8 --timings out --save paper.plan.json`,
		Args: command.Args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := e.check(cmd.Flags(), n, f.jobs); err != nil {
				return err
			}
			p, g, err := planOf(cmd.Context(), a, f, n, e.timings, args)
			if err != nil {
				return err
			}
			if e.save != "" {
				if err := p.Save(e.save); err != nil {
					return err
				}
			}
			if e.slurm || e.kubernetes || e.parallel {
				// The job's commands repeat the words of this one, which say the experiment.
				return e.write(cmd.Context(), a, p.job(f, e.words(cmd, args)))
			}
			return a.Tables(table.Text, f.show, planTable(g, p, f.jobs))
		},
	}
	fl := cmd.Flags()
	f.addFlags(fl)
	fl.IntVar(&n, "shards", 1, "how many shares")
	f.show.AddJSON(fl)
	e.addFlags(fl)
	return cmd
}

// work is what a run would compute, in cells and in units with what they take.
type work struct {
	cells []bench.Planned
	units []forecast.Unit
}

// workOf plans g. Defenses are tried, for how much traffic they make, only where it
// is dealt to several shards.
func workOf(ctx context.Context, g bench.Grid, n int, r forecast.Rates) (work, error) {
	cells, err := g.Plan()
	if err != nil {
		return work{}, err
	}
	shapes := map[forecast.ShapeKey]forecast.Shape{}
	if n > 1 {
		if shapes, err = shapesOf(ctx, g); err != nil {
			return work{}, err
		}
	}
	for id, s := range shapes {
		shapes[id] = s.Constant(id.Defense)
	}
	return work{cells, forecast.Units(cells, shapes, r)}, nil
}

// planned is a plan and the units that it was made of.
type planned struct {
	shards.Plan
	units []forecast.Unit
}

// size counts the cells of this shard.
func (p planned) size() int {
	n := 0
	for _, u := range p.Units {
		if u.Shard == p.Shard {
			n += len(u.Cells)
		}
	}
	return n
}

// expected is about how long this shard takes with so many workers, from constants,
// until its own pace tells.
func (p planned) expected(jobs int) time.Duration {
	return time.Duration(shards.Load(p.units, p.dealt(), p.Shard) / float64(jobs) * float64(time.Second))
}

// dealt is the shard of each unit.
func (p planned) dealt() []int {
	out := make([]int, len(p.Units))
	for i, u := range p.Units {
		out[i] = u.Shard
	}
	return out
}

// planOf plans an experiment. timings is the folder of an earlier run that tells what
// attacks take, "" for constants, which are the same on every machine.
func planOf(ctx context.Context, a *command.App, f runFlags, n int, timings string, args []string) (planned, bench.Grid, error) {
	var rates forecast.Rates
	if timings != "" {
		if _, err := results.ReadManifest(timings); err != nil {
			return planned{}, bench.Grid{}, err
		}
		rates = forecast.RatesOf([]string{timings})
	}
	c, err := configOf(f, args)
	if err != nil {
		return planned{}, bench.Grid{}, err
	}
	g, asked, err := c.Grid(ctx, a.Plugins, f.source)
	if err != nil {
		return planned{}, g, err
	}
	gridfile.AddUndefended(&g, a.Plugins)
	w, err := workOf(ctx, g, max(n, 2), rates) // with what each defense makes of traffic
	if err != nil {
		return planned{}, g, err
	}
	m := bench.ManifestOf(g, command.Version(), asked)
	return planned{shards.New(m, w.cells, w.units, 0, n), w.units}, g, nil
}

// planTable has a row for each shard.
func planTable(g bench.Grid, p planned, jobs int) table.Table {
	t := table.Table{
		Title:   "Shards",
		Columns: table.Columns("shard", "#units", "#cells", "#CPU time", "#memory", "#disk", "longest unit"),
	}
	total, longest, most := 0.0, 0.0, 0.0
	for s := range p.Shards {
		units, cells, memory, disk := 0, 0, int64(0), int64(0)
		name, top := "", 0.0
		for i, u := range p.Units {
			if u.Shard != s {
				continue
			}
			units, cells = units+1, cells+len(u.Cells)
			memory, disk = max(memory, p.units[i].MemoryBytes), disk+p.units[i].DiskBytes
			if name == "" || u.Seconds > top {
				name, top = u.Defense+" on "+u.Dataset, u.Seconds
			}
		}
		load := shards.Load(p.units, p.dealt(), s)
		total, most, longest = total+load, max(most, load), max(longest, top)
		t.Rows = append(t.Rows, []table.Value{
			table.Word(fmt.Sprintf("%d/%d", s, p.Shards)), table.Word(fmt.Sprint(units)), table.Word(fmt.Sprint(cells)),
			table.Word(rough(time.Duration(load * float64(time.Second)))), table.Word(fmt.Sprintf("%.1f GiB", float64(memory)/(1<<30))),
			table.Word(fmt.Sprintf("%d MB", max(1, disk>>20))), table.Word(name),
		})
	}

	// No way of dealing is better than this: half of a unit is no unit.
	ideal := max(total/float64(p.Shards), longest)
	t.Notes = append(t.Notes,
		fmt.Sprintf("expected from constants, half or twice is likely; the longest shard takes %.2f times what is possible (the mean of all, or the longest unit), about %s with %d workers; what each process begins with (reading or making the data, %d self-checks) is not in it",
			most/max(ideal, 1e-9), rough(time.Duration(most/float64(jobs)*float64(time.Second))), jobs, len(g.Defenses)+len(g.Attacks)))
	return t
}

func statusCommand(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:     "status DIR|s3://BUCKET/PREFIX...",
		Short:   "how far runs are: cells done, failed and missing of each shard, and the time left",
		Long:    "Status looks at which results lie in the folders of a run or of its shards, which may be running, and reads none of them.",
		Example: "  veilbench status runs/paper-*",
		Args:    command.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := copies{}
			defer c.remove()
			st, err := c.status(cmd.Context(), args)
			if err != nil {
				return err
			}
			return a.Tables(table.Text, show, statusTable(st))
		},
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

func statusTable(st []shards.Status) table.Table {
	t := table.Table{Columns: table.Columns("shard", "#done", "#failed", "#missing", "#of", "#cells/h", "last cell", "time left", "folder")}
	for _, s := range st {
		// A shard without a folder is shown all the same: it may not have begun, or lie
		// on a machine that nobody can see from here.
		last, left, dirs, rate := "–", "–", "no folder", "–"
		if r, ok := s.Rate(); ok {
			rate = fmt.Sprintf("%.0f", r)
		}
		if !s.Last.IsZero() {
			last = s.Last.UTC().Format("2006-01-02 15:04:05")
		}
		switch d, ok := s.TimeLeft(); {
		case s.Missing() == 0:
			left = "none"
		case ok:
			left = "about " + rough(d)
		}
		if len(s.Dirs) > 0 {
			dirs = s.Dirs[0]
		}
		t.Rows = append(t.Rows, []table.Value{
			table.Word(fmt.Sprintf("%d/%d", s.Shard, s.Shards)), table.Word(fmt.Sprint(s.Done)), table.Word(fmt.Sprint(s.Failed)),
			table.Word(fmt.Sprint(s.Missing())), table.Word(fmt.Sprint(s.Cells)), table.Word(rate), table.Word(last), table.Word(left), table.Word(dirs),
		})
	}
	t.Notes = append(t.Notes, "times in UTC; time left at the pace since the first cell, without what a process begins with")
	return t
}

func mergeCommand(a *command.App) *cobra.Command {
	var out string
	var force bool
	var wait time.Duration
	var show command.Show
	cmd := &cobra.Command{
		Use:   "merge DIR|s3://BUCKET/PREFIX... --out DIR",
		Short: "put the results of shards together, and prove that they are all there and agree",
		Long: `Merge copies the results of shards into one folder. It holds them against the plan that each shard kept
beside its results, compares what two of them computed both, and names what is missing or failed: then the exit
code is 1, and what is there was merged all the same. Predictions that were imported into a shard come along;
of two different ones of one name neither does, and nothing is merged. "veilbench report DIR" draws it.`,
		Example: "  veilbench merge runs/paper-* --out runs/paper && veilbench report runs/paper",
		Args:    command.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, c := cmd.Context(), copies{}
			defer c.remove()
			if wait > 0 {
				var err error
				if args, err = c.patient(ctx, a, args, wait); err != nil {
					return err
				}
				if len(args) == 0 {
					return errors.New("no shard has begun: nothing to merge")
				}
			}
			dirs, err := c.nearby(ctx, args)
			if err != nil {
				return err
			}
			return atHome(ctx, a, out, func(dir string) error { return merge(ctx, a, dirs, dir, out, force, show) })
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for what was merged")
	cmd.Flags().BoolVar(&force, "force", false, "go on in an --out folder that holds another experiment or files of no run")
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait until no cell is missing, at most for so long after the last one came")
	show.AddJSON(cmd.Flags())
	cmd.MarkFlagRequired("out") //nolint:errcheck // the flag is there
	return cmd
}

// merge joins dirs in the folder to, which people know as out.
func merge(ctx context.Context, a *command.App, dirs []string, to, out string, force bool, show command.Show) error {
	if err := ownPlace(to, force); err != nil {
		return err
	}
	m, err := results.ReadManifest(dirs[0])
	if err != nil {
		return err
	}
	if err := ownExperiment(a, to, m, force); err != nil {
		return err
	}
	if err := imports.Collect(dirs, to); err != nil {
		return err
	}
	missing, err := shards.Merge(ctx, dirs, to, orderFile, selfcheckFile)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := MemoryOf(dir).keep(to); err != nil {
			return err
		}
	}

	// Of what lies there now: shards that agree give the line of one run that did all.
	var text strings.Builder
	wrong := sayMerged(&text, missing, out)
	print := ""
	if wrong == nil {
		run, err := openRun(a, to)
		if err != nil {
			return err
		}
		p, err := results.FingerprintOf(run.Results, run.Manifest)
		if err != nil {
			return err
		}
		print = p.Full()
		fmt.Fprintln(&text, print)
	}
	if missing == nil {
		missing = []shards.Missing{}
	}
	said := map[string]any{"folder": out, "complete": wrong == nil, "missing": missing, "fingerprint": print}
	return errors.Join(show.Print(a, said, text.String()), wrong)
}

// sayMerged names what is missing or failed, which is exit code 1, as of a run.
func sayMerged(w io.Writer, missing []shards.Missing, out string) error {
	gone, failed := 0, 0
	for _, u := range missing {
		gone, failed = gone+u.Missing, failed+u.Failed
		fmt.Fprintf(w, "shard %d: %s on %s: of %d cells %d missing, %d failed\n", u.Shard, u.Defense, u.Dataset, u.Cells, u.Missing, u.Failed)
	}
	if gone > 0 {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%d cells are missing; run their shards again and merge once more into %s", gone, out)}
	}
	if failed > 0 {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("no cell is missing, and %d failed; run their shards again with --retry and merge once more into %s", failed, out)}
	}
	fmt.Fprintf(w, "complete: veilbench report %s draws it\n", out)
	return nil
}
