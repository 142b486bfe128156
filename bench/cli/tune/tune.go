// Package tune holds the command that looks for the cheapest setting of a defense that
// keeps limits: it sweeps parameters on some groups of the data, chooses there, and
// looks once whether the choice holds on groups that nothing was chosen by.
package tune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"veilbench/bench"
	"veilbench/bench/cli/budget"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/progress"
	"veilbench/bench/cli/runs"
	"veilbench/bench/cli/source"
	"veilbench/bench/results"
	"veilbench/defenses"
	"veilbench/reports"
	"veilbench/reports/gate"
	"veilbench/reports/table"
)

// flags are those of "veilbench tune".
type flags struct {
	gridfile.Words
	defense         string
	sweep           []string
	targets, budget []string
	share           float64
	out             string
	jobs            int
	despite, dry    bool
	plugins         command.Limits
	source          source.Options
	show            command.Show
}

// Command is "veilbench tune".
func Command(a *command.App) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "tune",
		Short: "find the cheapest setting of a defense that keeps limits, and confirm it on groups held back",
		Long: `Tune divides the groups of the data (homes, days, sessions): some are held back for the end, on the
others every setting of the defense is run, attacked and priced. It prints the front of privacy
against cost, with intervals over groups, and takes the cheapest setting that keeps every limit
there. Of many settings the best looks better than it is, so the choice is confirmed once: attackers
who learned on the groups of the sweep are asked about those held back. Exit code 3 where no setting
keeps the limits, or the choice does not on the groups held back.

An advantage keeps its limit when the upper end of its interval does, as for "veilbench gate"; below
5 groups there is no interval, and a mean below the limit leaves it undecided. A defense of which
nothing is known keeps none. Settings that keep the limits come before those that leave one open.

--sweep names a parameter with its values; of several every combination is run. In a chain the
parameter may need the stage in front (vpn.kind=...). Without --sweep each number is tried at a
quarter, half, twice and four times what it is, and each switch the other way, one at a time. A defense
that is a program (exec:) sets its own parameters and is not swept; attacks may be programs.

Limits are advantage<=0.2 (of every task) or advantage:event<=0.2, overhead<=50%, delay_p95<=50ms and
gb_per_month<=20; --target and --budget read alike. --out has a run each in sweep and confirm, which
report, gate and the like take. Groups held back that have confirmed one choice confirm no other
there: who looked twice would choose by them.`,
		Example: `  veilbench tune --dataset home:event_signatures --defense pad-random --sweep max_bytes=16,64,128,255 \
      --attack event-knn --attack event-forest --target 'advantage<=0.2' --budget 'overhead<=50%'`,
		Args: command.Args(command.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return tune(cmd.Context(), a, f) },
	}

	// Words for the data, and how they are read, are those of run.
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "tuned", "folder for results")
	fl.StringVar(&f.defense, "defense", "", "defense ID; what it sets and --sweep does not is fixed")
	fl.StringArrayVar(&f.sweep, "sweep", nil, "parameter and values, KEY=VALUE,VALUE; repeatable")
	fl.StringArrayVar(&f.targets, "target", nil, "limit on what attackers learn, such as advantage<=0.2; repeatable")
	fl.StringArrayVar(&f.budget, "budget", nil, "limit on what it costs, such as overhead<=50%; repeatable")
	fl.Float64Var(&f.share, "hold-back", 0.4, "share of the groups that are held back to confirm the choice")
	command.AddJobs(fl, &f.jobs, runtime.GOMAXPROCS(0))
	fl.StringVar(&f.Seed, "seed", "", "seed of every random draw, and of which groups are held back (default 1)")
	fl.StringArrayVar(&f.Datasets, "dataset", nil, "data set, as for run; repeatable")
	fl.StringArrayVar(&f.Attacks, "attack", nil, "attack ID, exec:COMMAND, or all; repeatable (default all)")
	fl.StringArrayVar(&f.Knowledge, "knowledge", nil, "unaware or adaptive; repeatable (default both)")
	fl.StringArrayVar(&f.Tasks, "task", nil, "task; repeatable (default all that the data can serve)")
	fl.StringArrayVar(&f.Vantages, "vantage", nil, "vantage point; repeatable (default wan, or that of a recording without a home border)")
	fl.StringVar(&f.Split, "split", "", "split of the groups of the sweep (default leave-one-group-out up to 10 groups, else group-kfold:k=5)")
	fl.BoolVar(&f.despite, "despite-doubts", false, "go on where a doubt about the data spoils what is to be computed")
	fl.BoolVar(&f.dry, "dry-run", false, "say which settings and groups there are, and stop")
	f.plugins.AddFlags(fl)
	f.show.AddShow(fl)
	f.source.AddFlags(fl)
	return cmd
}

// tune runs the sweep, prints its front, and confirms the choice.
func tune(ctx context.Context, a *command.App, f flags) error {
	limits, err := f.limits()
	if err != nil {
		return err
	}
	if err := f.plugins.Hold(a.Plugins); err != nil {
		return err
	}
	settings, err := settingsOf(a.Defenses, f.defense, f.sweep)
	if err != nil {
		return err
	}
	g, asked, err := f.grid(ctx, a, settings)
	if err != nil {
		return err
	}
	sweep, confirm, err := divide(g, f.share, f.Split != "")
	if err != nil {
		return err
	}
	sayPlan(a, sweep, confirm, settings)
	if f.dry {
		return nil
	}

	// Nothing of the groups held back is looked at before a choice is made.
	at := filepath.Join(f.out, "sweep")
	set, err := f.compute(ctx, a, sweep, asked, at)
	if err != nil {
		return err
	}
	tried, err := judge(gate.Run{Dir: at, Set: set}, limits, settings)
	if err != nil {
		return err
	}
	choice := cheapest(tried)
	front := frontTable(set, tried, choice, limits)
	if !f.show.JSON {
		if err := a.Tables(table.Text, f.show, front); err != nil {
			return err
		}
	}
	if choice < 0 {
		if f.show.JSON {
			if err := a.Tables(table.Text, f.show, front); err != nil {
				return err
			}
		}
		return command.Exit{Code: command.GateMissed, Err: fmt.Errorf("none of %s keeps the limits on the groups of the sweep%s", reports.Plural(len(tried), "setting"), nearest(set, tried))}
	}
	return f.confirm(ctx, a, confirm, asked, tried[choice], limits, front)
}

// limits are those of both flags. Without one on what attackers learn the cheapest
// setting is the one that does nothing.
func (f flags) limits() (gate.Budget, error) {
	missing := errors.New("--target is missing: what may attackers learn at most, such as advantage<=0.2?")
	words := slices.Concat(f.targets, f.budget)
	if len(words) == 0 {
		return gate.Budget{}, missing
	}
	b, err := budget.Words(words)
	if err == nil && b.AllTasks == nil && len(b.Advantage) == 0 {
		err = missing
	}
	return b, err
}

// grid is the experiment of the sweep before its groups are divided: what is not said
// is as for run, with every attack.
func (f flags) grid(ctx context.Context, a *command.App, settings []setting) (bench.Grid, map[string]string, error) {
	w := f.Words
	w.Defenses = []string{results.NoDefense} // low figures are evidence only beside it
	for _, s := range settings {
		w.Defenses = append(w.Defenses, s.id)
	}
	if len(w.Attacks) == 0 {
		w.Attacks = []string{"all"}
	}
	var c gridfile.Config
	c.Override(w)
	return c.Grid(ctx, a.Plugins, f.source)
}

// compute runs g in the folder dir and returns what it left there.
func (f flags) compute(ctx context.Context, a *command.App, g bench.Grid, asked map[string]string, dir string) (*reports.Set, error) {
	of := map[string]string{}
	for _, ds := range g.Datasets {
		of[ds.Name] = asked[ds.Name]
	}
	m := bench.ManifestOf(g, command.Version(), of)
	m.Doubts, m.DespiteDoubts = bench.Doubts(g), f.despite
	if err := runs.Refuse(m.Doubts, f.despite); err != nil {
		return nil, err
	}
	store, err := results.OpenStore(dir)
	if err != nil {
		return nil, err
	}
	if err := m.Write(dir); err != nil {
		return nil, err
	}

	p := progress.New(command.Raw(a.Stderr), "computing cells of "+filepath.Base(dir))
	defer p.Stop()
	opt := bench.Options{Workers: f.jobs, PluginTimeout: f.plugins.Timeout, Store: store, Plan: &m}
	skipped := 0
	opt.Progress = func(done, total int, stored bool) {
		// Cells that were stored say nothing of the pace.
		if stored {
			skipped++
		}
		p.Step(done, total, skipped)
	}
	if _, err := bench.Run(ctx, g, opt); err != nil {
		return nil, err
	}
	return runs.OpenSet(a, dir)
}

// confirm looks once at the groups held back, and says whether the choice keeps the
// limits there.
func (f flags) confirm(ctx context.Context, a *command.App, g bench.Grid, asked map[string]string, t tried, limits gate.Budget, front table.Table) error {
	dir := filepath.Join(f.out, "confirm")
	was, err := results.ReadManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !slices.Contains(was.Defenses, t.id):
		return fmt.Errorf("the groups held back have confirmed another choice in %s (%s): to look again would be to choose by them; another --seed holds back others, in another --out", dir, reports.List(was.Defenses[1:]))
	}
	g.Defenses = slices.DeleteFunc(slices.Clone(g.Defenses), func(d defenses.Defense) bool { return defenses.ID(d) != t.id && defenses.ID(d) != results.NoDefense })
	set, err := f.compute(ctx, a, g, asked, dir)
	if err != nil {
		return err
	}
	lines, err := gate.Judge(gate.Run{Dir: dir, Set: set}, limits, gate.Run{})
	if err != nil {
		return err
	}

	// JSON is one document.
	o := gate.Outcome{Lines: lines}
	_, missed, open := o.Counts()
	if f.show.JSON {
		err = a.Tables(table.Text, f.show, front, linesTable(lines))
	} else {
		fmt.Fprintf(a.Stdout, "\n%s on the groups held back, attacked by who learned on those of the sweep:\n", t.label)
		err = o.Write(a.Stdout, gate.Text)
	}
	if err != nil {
		return err
	}
	said := a.Stdout
	if f.show.JSON {
		said = a.Stderr
	}
	switch {
	case missed > 0:
		return command.Exit{Code: command.GateMissed, Err: fmt.Errorf("NOT CONFIRMED: %s keeps the limits on the groups of the sweep and not on those held back: %s", t.label, o.Verdict())}
	case open > 0:
		fmt.Fprintf(said, "not refuted: %s; more groups would tell\n", o.Verdict())
	default:
		fmt.Fprintf(said, "confirmed: %s\n", o.Verdict())
	}
	fmt.Fprintf(said, "--defense %s\n", t.id)
	return nil
}
