package exchange

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/imports"
	"veilbench/bench/cli/progress"
	"veilbench/bench/cli/runs"
	"veilbench/bench/cli/source"
	"veilbench/bench/outside"
	"veilbench/bench/results"
)

// importFlags are the flags of "veilbench import".
type importFlags struct {
	name, knowledge string
	replace         bool
	allowExec       bool
	jobs            int
	limits          command.Limits
	source          source.Options
	show            command.Show
}

func importCommand(a *command.App) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import DIR FILE.csv",
		Short: "score predictions that were made elsewhere as an attack of a run",
		Long: `Import reads what a classifier of yours said about exported items and scores it in the same tables,
with the same groups, intervals and floors, as the attack imported:NAME. DIR is the folder of a run, or
one that "veilbench export" wrote; its data are read again and must be the same.

FILE.csv has the columns item, class and score: one line for each item, or for each class of it with
probabilities or logits. A class is a name or its number in classes.csv, or "unknown". Every test item
behind a defense needs a line, or none of them. Of the task event each line is a detection, with the
columns time and, where it lasts, end, in seconds since the item's start; an item in which nothing was
found has one line of the class "other". Of the task device the column packet, counted from 0, says
whose class it is.

--knowledge says what it was trained on: adaptive on items behind the same defense, unaware on those
behind none; both may have one name. Other predictions of a name that is taken are refused without
--replace. Predictions stay in the folder, so that verify computes them again. Nobody planted a canary
for a classifier that is elsewhere: its low scores are no evidence for a defense, its high ones count.`,
		Example: `  veilbench import out predictions.csv --name resnet
  veilbench import out plain.csv --name resnet --knowledge unaware`,
		Args: command.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error { return take(cmd.Context(), a, args[0], args[1], f) },
	}

	// The flags of captures are those with which the data of the run were read.
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "", "what to call it")
	fl.StringVar(&f.knowledge, "knowledge", string(results.Adaptive), "adaptive or unaware")
	fl.BoolVar(&f.replace, "replace", false, "put the predictions in place of others that have the same name and knowledge")
	command.AddJobs(fl, &f.jobs, runtime.GOMAXPROCS(0))
	command.AddAllowExec(fl, &f.allowExec, "the manifest")
	f.limits.AddFlags(fl)
	f.show.AddShow(fl)
	f.source.AddFlags(fl)
	return cmd
}

// take scores the predictions of a file in the run of dir and draws its reports anew.
func take(ctx context.Context, a *command.App, dir, path string, f importFlags) error {
	file := imports.File{Name: f.name, Knowledge: results.Knowledge(f.knowledge), Path: path}
	if f.name == "" {
		return errors.New("--name is missing: what is the attack called, such as resnet?")
	}
	if err := file.Check(); err != nil {
		return err
	}
	var err error
	if file.Text, err = os.ReadFile(path); err != nil {
		return err
	}
	was, err := results.ReadManifest(dir)
	if err != nil {
		return err
	}
	if !f.replace {
		if err := file.Free(dir); err != nil {
			return err
		}
	}
	if err := f.limits.Hold(a.Plugins); err != nil {
		return err
	}
	c := gridfile.OfManifest(was)
	c.Override(gridfile.Words{AllowExec: f.allowExec})
	g, asked, err := c.Grid(ctx, a.Plugins, f.source)
	if err != nil {
		return err
	}

	// What a program was asked for is not known of one that is not started.
	for id, l := range was.Labels {
		if command.IsProgram(id) {
			g.Labels[id] = l
		}
	}

	// Predictions about other data would fit no item; that is said as what it is. What
	// was imported before is part of the run, and compared too.
	before := g
	before.Attacks = slices.Clone(g.Attacks)
	if err := imports.Attach(&before, dir); err != nil {
		return err
	}
	if err := runs.SameData(was, bench.ManifestOf(before, command.Version(), asked), f.allowExec); err != nil {
		return err
	}
	if err := imports.Attach(&g, dir, file); err != nil {
		return err
	}
	if !slices.Contains(g.Knowledge, file.Knowledge) {
		g.Knowledge = append(g.Knowledge, file.Knowledge)
	}

	m := bench.ManifestOf(g, command.Version(), asked)
	m.Doubts, m.DespiteDoubts = was.Doubts, was.DespiteDoubts
	if !f.allowExec {
		keepPrograms(&m, was)
	}
	store, err := results.OpenStore(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Keep(dir), m.Write(dir)); err != nil {
		return err
	}
	mine := outside.Prefix + f.name
	rs, err := score(ctx, a, g, mine, bench.Options{Workers: f.jobs, PluginTimeout: f.limits.Timeout, Retry: true, Store: store, Plan: &m, Only: func(c results.Cell) bool { return c.Attack == mine }})
	if err != nil {
		return err
	}
	if err := runs.Redraw(a, dir, f.show); err != nil {
		return err
	}
	if i := slices.IndexFunc(rs, func(r results.Result) bool { return r.Err != "" }); i >= 0 {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%s behind %s failed: %s", mine, rs[i].Cell.Defense, rs[i].Err)}
	}
	return nil
}

// keepPrograms leaves in m what was says of programs: nothing is known of one that was
// not started, and results behind it would be those of another build.
func keepPrograms(m *results.Manifest, was results.Manifest) {
	m.Programs = was.Programs
	for id, digest := range was.Builds {
		if command.IsProgram(id) {
			m.Builds[id] = digest
		}
	}
}

// score computes the cells of the imported attack and says how many there are.
func score(ctx context.Context, a *command.App, g bench.Grid, mine string, opt bench.Options) ([]results.Result, error) {
	p := progress.New(command.Raw(a.Stderr), "scoring predictions")
	defer p.Stop()
	opt.Progress = func(done, total int, _ bool) { p.Step(done, total, 0) }
	rs, err := bench.Run(ctx, g, opt)
	if err == nil {
		fmt.Fprintf(a.Stderr, "%d cells of %s\n", len(rs), mine)
	}
	return rs, err
}
