package runs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/imports"
	"veilbench/bench/cli/kernel"
	"veilbench/bench/cli/progress"
	"veilbench/bench/cli/source"
	"veilbench/bench/forecast"
	"veilbench/bench/memory"
	"veilbench/bench/results"
	"veilbench/bench/shards"
	"veilbench/reports"
)

// runFlags are the flags of "veilbench run".
type runFlags struct {
	gridfile.Words
	out, shard string
	plan       string
	kernel     string
	jobs       int
	retry      bool
	despite    bool
	force      bool
	dry, plain bool
	limits     command.Limits
	probe      []string
	source     source.Options
	show       command.Show
}

func runCommand(a *command.App) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [PRESET|FILE.yaml|FOLDER]",
		Short: "put recordings through defenses and attacks and write tables and pictures",
		Long: `Run puts every recording through every defense, runs every attack on what is left, and writes
tables, pictures and a page into the --out folder. It stops and goes on at will: results that are
there are not computed again, and they are the same bytes for any number of workers. Defenses,
attacks and whatever else may be added to a run in its folder, as long as data, seed and split
stay; a folder with another experiment or with other files is refused without --force.

An ID is NAME or NAME:key=value,key=value; stages of a chain of defenses are joined by "+".
"veilbench list defenses|attacks|datasets|presets" shows what there is.

FILE.yaml holds an experiment under these keys; all but datasets, defenses and attacks may be left
out, and a list of one needs no brackets:
` + gridfile.Help(),
		Example: `  veilbench run                                    # the preset "quick" on built-in data
  veilbench run paper.yaml --out runs/camera-ready
  veilbench run --dataset home:event_signatures --defense none --defense pad-random:max_bytes=128+vpn:kind=wireguard --attack event-knn:k=1
  veilbench run --dataset iotevents=data/iotevents --split leave-one-out --defense all --attack event-knn:k=3 --out runs/iotevents
  veilbench run --dataset capture=plug.pcap --labels events.csv --defense none --attack all
  veilbench run lab --out runs/lab                 # a folder of recordings: every defense and attack that is not named`,
		Args: command.Args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.kernel != "" {
				if err := kernel.Use(f.kernel); err != nil {
					return err
				}
			}
			if f.dry {
				return run(cmd.Context(), a, f, args) // looks for no results in a store
			}
			return atHome(cmd.Context(), a, f.out, func(dir string) error {
				f.out = dir
				return run(cmd.Context(), a, f, args)
			})
		},
	}

	// Those of how to compute; addFlags has those of what.
	f.addFlags(cmd.Flags())
	fl := cmd.Flags()
	fl.StringVar(&f.shard, "shard", "", "i/n: do only the i-th of n shares of the work (counted from 0), the longest dealt first; see veilbench plan, status and merge")
	fl.StringVar(&f.plan, "plan", "", "with --shard: file of veilbench plan --save, by whose deal the shares go")
	fl.StringArrayVar(&f.probe, "probe", nil, "look for what a score should not rest on: label-shift (the best attack's score against moved labels), leak (what gives a class or a split away without traffic) or none; repeatable (default: both on recorded data, with an attack that is quick to train)")
	fl.BoolVar(&f.dry, "dry-run", false, "read the data, say which cells and folds there are and about what time, memory and disk they take, and stop")
	fl.BoolVar(&f.force, "force", false, "go on in an --out folder that holds another experiment or files of no run")
	addPlain(fl, &f.plain)
	f.show.AddShow(fl)
	fl.BoolVar(&f.retry, "retry", false, "compute cells again that failed before")
	return cmd
}

// addFlags adds the flags of an experiment, which say what is computed and where.
// IDs hold commas, as in k=1,gap_s=2: a list is a flag that is repeated.
func (f *runFlags) addFlags(fl *pflag.FlagSet) {
	// What a shell completes for a flag goes by its name (package names).
	fl.StringVar(&f.out, "out", "out", "folder for results, tables and pictures, or s3://bucket/prefix in an object store")
	command.AddJobs(fl, &f.jobs, defaultJobs())
	fl.StringVar(&f.Seed, "seed", "", "seed of every random draw (default 1)")
	fl.StringArrayVar(&f.Datasets, "dataset", nil, "data set, NAME[=PATH], or a folder of recordings; repeatable")
	fl.StringVar(&f.Test, "test", "", "data set to test on, as in --dataset; those named there train (default: each is split into training and test)")
	// Who names a program by a flag wants it started; a file may be a stranger's.
	fl.StringArrayVar(&f.Defenses, "defense", nil, "defense ID, exec:COMMAND, or all; repeatable")
	fl.StringArrayVar(&f.Attacks, "attack", nil, "attack ID, exec:COMMAND, or all; repeatable")
	command.AddAllowExec(fl, &f.AllowExec, "FILE.yaml")
	f.limits.AddFlags(fl)

	// What was before a device is the data set, what was after it a defense.
	fl.StringVar(&f.Before, "before", "", "data set captured before a real device, in place of --dataset")
	fl.StringArrayVar(&f.After, "after", nil, "NAME=DATASET: what was captured after a device, which becomes a defense of that name; repeatable")
	fl.StringVar(&f.Pairing, "pairing", "", "how --after goes with --before: paired (the same traffic on both sides), sessions (other times) or auto (default: paired where names and times fit)")
	fl.BoolVar(&f.OneClock, "one-clock", false, "before and after were captured on one machine (default: the clocks' offset and drift are found from the traffic)")
	fl.StringArrayVar(&f.Knowledge, "knowledge", nil, "unaware, adaptive or transfer; repeatable (default unaware and adaptive)")
	fl.StringArrayVar(&f.Tasks, "task", nil, "event, device, command, clip or routine; repeatable (default: all that the data can serve)")
	fl.StringArrayVar(&f.Vantages, "vantage", nil, "lan, wifi, wan or zigbee, or two of them as wifi+wan, for attacks that see both; repeatable (default wan, or that of a recording without a home border)")
	fl.StringVar(&f.Split, "split", "", "split ID, such as group-kfold:k=5 (default: the data set's own)")
	fl.StringVar(&f.Canaries, "canaries", "", "on or off: artificial signals behind each defense, which an attack must find before its low score is evidence; off marks every table (default on)")
	fl.BoolVar(&f.despite, "despite-doubts", false, "go on where a doubt about the data spoils what is to be computed; tables and manifest say so")
	fl.StringVar(&f.kernel, "kernel", "", "avx512, avx2 or plain: class of machine code that networks are computed with, so that machines of several kinds give the same bytes (default the fastest here)")
	f.source.AddFlags(fl)
}

// defaultJobs is the number of CPUs given to this process.
func defaultJobs() int {
	if n, err := strconv.Atoi(os.Getenv("SLURM_CPUS_PER_TASK")); err == nil && n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

func run(ctx context.Context, a *command.App, f runFlags, args []string) error {
	c, err := configOf(f, args)
	if err != nil {
		return err
	}
	opt, err := f.options()
	if err != nil {
		return err
	}
	shard, n, err := parseShard(f.shard)
	if err != nil {
		return err
	}
	if f.plan != "" && f.shard == "" {
		return errors.New("--plan: want --shard i/n, the share of it to compute")
	}
	if err := f.limits.Hold(a.Plugins); err != nil {
		return err
	}
	quoted, err := c.Published(a.Plugins)
	if err != nil {
		return err
	}

	if err := ownPlace(f.out, f.force); err != nil {
		return err
	}

	// All that can be wrong in words was found by now: from here on it takes time.
	start := time.Now()
	g, m, err := read(ctx, a, f, c)
	if err != nil {
		return err
	}
	opt.Plan = &m
	if err := ownExperiment(a, f.out, m, f.force); err != nil {
		return err
	}

	plan, err := f.deal(ctx, g, m, shard, n)
	if err != nil {
		return err
	}
	if f.dry {
		return dryRun(ctx, a, g, m, f, plan)
	}
	if n > 1 {
		opt.Units = plan.Mine
	}

	// The manifest comes before the cells: a run that is stopped says what it was.
	if opt.Store, err = results.OpenStore(f.out); err != nil {
		return err
	}
	if err := m.Write(f.out); err != nil {
		return err
	}
	if err := plan.Write(f.out); err != nil {
		return err
	}
	if err := results.WritePublished(f.out, quoted); err != nil {
		return err
	}
	verdicts, err := checkPlugins(ctx, a, f.limits.Timeout, g, f.out)
	if err != nil {
		return err
	}

	p := progress.New(command.Raw(a.Stderr), "computing cells")
	defer p.Stop()
	p.Start(plan.size(), plan.expected(f.jobs))
	skipped := 0
	opt.Progress = func(done, total int, stored bool) {
		// Cells that were stored take no time, and would make the rest look fast.
		if stored {
			skipped++
		}
		p.Step(done, total, skipped)
	}
	ctx = attacks.WithCheckpoints(attacks.WithProgress(ctx, training(a, p)), filepath.Join(f.out, checkpoints))
	rs, err := bench.Run(ctx, g, opt)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "%d cells in %s, %d workers\n", len(rs), time.Since(start).Round(100*time.Millisecond), f.jobs)

	if err := errors.Join(checkPrograms(a, g, verdicts, f.out), writeOrder(f.out, g)); err != nil {
		return err
	}
	if err := probe(ctx, a, g, rs, f); err != nil {
		return err
	}
	folder, err := results.ReadRunOf(f.out, rs)
	sayNotes(a, folder)
	if err != nil {
		return err
	}
	return writeReports(a, f, rs, reportOptions(a, f.out, folder))
}

// read reads or makes the data of an experiment, says what they are, and refuses
// those that would spoil its results.
func read(ctx context.Context, a *command.App, f runFlags, c gridfile.Config) (bench.Grid, results.Manifest, error) {
	reading := progress.New(a.Stderr, "reading captures")
	f.source.Progress = func(done, total int) {
		// Each folder, and all captures together, count from 1.
		if done == 1 {
			reading = progress.New(a.Stderr, "reading captures")
		}
		reading.Step(done, total, 0)
	}
	g, asked, err := c.Grid(ctx, a.Plugins, f.source)
	if err != nil {
		return g, results.Manifest{}, err
	}
	if gridfile.AddUndefended(&g, a.Plugins) {
		fmt.Fprintln(a.Stderr, "note: none is added to the defenses: a low score is evidence only where the attack works on undefended traffic (--canaries=off leaves both out)")
	}
	for _, x := range g.Captured {
		fmt.Fprintf(a.Stderr, "note: %s is taken as %s\n", x.Name, pairingText(x.Pairing))
	}

	// Predictions about an earlier form of the experiment may not fit this one, which is
	// no reason not to run it.
	if err := imports.Attach(&g, f.out); err != nil {
		fmt.Fprintf(a.Stderr, "note: predictions that were imported are left out: %v\n", err)
	}
	both, one, err := g.AtTwoPlaces()
	if err != nil {
		return g, results.Manifest{}, err
	}
	if len(one) > 0 {
		fmt.Fprintf(a.Stderr, "note: at two places at once only %s is run; these see one: %s\n", reports.List(both), reports.List(one))
	}

	m := bench.ManifestOf(g, command.Version(), asked)
	m.Doubts, m.DespiteDoubts = bench.Doubts(g), f.despite
	printData(a, g, m.Doubts)
	return g, m, Refuse(m.Doubts, f.despite)
}

// pairingText says how captures after a device are taken, and how to say otherwise.
func pairingText(pairing string) string {
	if pairing == "paired" {
		return "the same traffic before and after, packet by packet (--pairing sessions if it is not)"
	}
	return "sessions of other times than those before (--pairing paired if it is the same traffic on both sides)"
}

// deal plans g for the run of a shard, by the file of a plan where one is named.
func (f runFlags) deal(ctx context.Context, g bench.Grid, m results.Manifest, shard, n int) (planned, error) {
	dealt := n
	if f.dry {
		dealt = max(n, 2) // with what each defense makes of traffic
	}
	w, err := workOf(ctx, g, dealt, forecast.Rates{})
	if err != nil {
		return planned{}, err
	}
	plan := shards.New(m, w.cells, w.units, shard, n)
	if f.plan != "" {
		plan, err = plan.DealtAs(f.plan)
	}
	return planned{plan, w.units}, err
}

// options checks what the flags say of how to compute, which is no part of the
// experiment.
func (f runFlags) options() (opt bench.Options, err error) {
	opt.Workers, opt.Retry, opt.PluginTimeout = f.jobs, f.retry, f.limits.Timeout
	if f.jobs < 1 {
		return opt, fmt.Errorf("--jobs %d: want at least 1", f.jobs)
	}
	for _, name := range f.probe {
		if names := append(bench.ProbeNames(), noProbe); !slices.Contains(names, name) {
			return opt, command.UnknownName("probe", name, names)
		}
	}
	return opt, nil
}

// writeReports draws everything from results into the folder of the run, shows the headline and
// turns failed cells into an exit code.
func writeReports(a *command.App, f runFlags, rs []results.Result, o reports.Options) error {
	err := drawAll(a, f.out, reports.NewSet(rs, o), f.plain, f.show)

	// Drawing counts: of a small experiment it takes more than all cells.
	if err := errors.Join(err, (Memory{memory.Peak(), f.jobs}).keep(f.out)); err != nil {
		return err
	}

	// Three tell what is wrong, and each cell keeps its own error. A canary that
	// could not be planted costs evidence, which tables say; no score is missing.
	failed, measured := 0, results.Measured(rs)
	for _, r := range measured {
		if r.Err != "" {
			if failed++; failed <= 3 {
				fmt.Fprintf(a.Stderr, "failed: %s, %s, %s: %s\n", r.Cell.Dataset, r.Cell.Defense, r.Cell.Attack, r.Err)
			}
		}
	}
	if failed > 0 {
		return command.Exit{Code: command.FailedCells, Err: fmt.Errorf("%d of %d cells failed; --retry computes them again, the rest is kept in %s", failed, len(measured), filepath.Join(f.out, "cells"))}
	}
	return nil
}

// configOf reads the file or preset and lets flags replace its lists. Lists from
// flags alone need neither.
func configOf(f runFlags, args []string) (gridfile.Config, error) {
	var c gridfile.Config
	var err error
	switch {
	case len(args) == 1 && isFolder(args[0]):
		if len(f.Datasets) > 0 || f.Before != "" {
			return c, fmt.Errorf("%s and --dataset or --before: want one of them, for each names the data", args[0])
		}
		// A folder of recordings alone is a whole experiment: everything on it.
		err = c.Override(gridfile.Words{Datasets: args, Defenses: []string{allWord}, Attacks: []string{allWord}})
	case len(args) == 1:
		c, err = gridfile.Open(args[0])
	case f.Before != "" && len(f.Attacks) == 0:
		f.Attacks = []string{allWord} // what can anybody learn behind it?
	case len(f.Datasets)+len(f.Defenses)+len(f.Attacks)+len(f.After) == 0:
		c, err = gridfile.Open(gridfile.DefaultPreset)
	}
	if err != nil {
		return c, err
	}
	err = c.Override(f.Words)
	return c, err
}

// allWord stands for every plug-in of a list, as in --defense all.
const allWord = "all"

// isFolder says whether an argument names a folder and no preset.
func isFolder(arg string) bool {
	info, err := os.Stat(arg)
	preset := slices.ContainsFunc(gridfile.Presets(), func(p gridfile.Preset) bool { return p.Name == arg })
	return err == nil && info.IsDir() && !preset
}

func parseShard(s string) (i, n int, err error) {
	if s == "" {
		return 0, 1, nil
	}
	// Sscanf would take 0/2x for 0/2.
	a, b, _ := strings.Cut(s, "/")
	i, wrong := strconv.Atoi(a)
	n, bad := strconv.Atoi(b)
	if wrong != nil || bad != nil || i < 0 || i >= n {
		return 0, 0, fmt.Errorf("--shard %s: want i/n with 0 <= i < n, such as 0/4", s)
	}
	return i, n, nil
}
