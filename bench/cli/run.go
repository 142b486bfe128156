package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/results"
	"veilbench/defenses"
	"veilbench/reports"
)

// runFlags are the flags of "veilbench run".
type runFlags struct {
	out, shard                          string
	jobs                                int
	retry                               bool
	timeout                             time.Duration
	seed, split                         string
	dataset, defense, attack, knowledge []string
	task, vantage, probe                []string
	source                              sourceOptions
}

func (a *app) runCmd() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [PRESET|FILE.yaml]",
		Short: "put recordings through defenses and attacks and write tables and pictures",
		Long: `Run puts every recording through every defense, runs every attack on what is left, and writes
tables, pictures and a page into the --out folder. It stops and goes on at will: results that are
there are not computed again, and they are the same bytes for any number of workers.

An ID is NAME or NAME:key=value,key=value; stages of a chain of defenses are joined by "+".
"veilbench list defenses|attacks|datasets|presets" shows what there is.

FILE.yaml holds an experiment under these keys; all but datasets, defenses and attacks may be left
out, and a list of one needs no brackets:
` + keyHelp(),
		Example: `  veilbench run                                    # the preset "quick" on built-in data
  veilbench run paper.yaml --out runs/camera-ready
  veilbench run --dataset home:event_signatures --defense none --defense pad-random:max_bytes=128+vpn:kind=wireguard --attack event-knn:k=1
  veilbench run --dataset iotevents=data/iotevents --split leave-one-out --defense all --attack event-knn:k=3 --out runs/iotevents
  veilbench run --dataset capture=plug.pcap --labels events.csv --defense none --attack all`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), f, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "out", "folder for results, tables and pictures")
	fl.IntVar(&f.jobs, "jobs", defaultJobs(), "how many things to do at once; has no influence on results")
	fl.StringVar(&f.seed, "seed", "", "seed of every random draw (default 1)")
	fl.StringArrayVar(&f.dataset, "dataset", nil, "data set, NAME[=PATH]; repeatable")
	fl.StringArrayVar(&f.defense, "defense", nil, "defense ID, or all; repeatable")
	fl.StringArrayVar(&f.attack, "attack", nil, "attack ID, or all; repeatable")
	fl.StringArrayVar(&f.knowledge, "knowledge", nil, "unaware, adaptive or transfer; repeatable (default unaware and adaptive)")
	fl.StringArrayVar(&f.task, "task", nil, "event, device, command or clip; repeatable (default: all that the data can serve)")
	fl.StringArrayVar(&f.vantage, "vantage", nil, "lan, wifi or wan; repeatable (default wan)")
	fl.StringVar(&f.split, "split", "", "split ID, such as group-kfold:k=5 (default: the data set's own)")
	fl.StringVar(&f.shard, "shard", "", "i/n: do only the i-th of n shares of the work (counted from 0); merge shards by copying their cells and samples folders together")
	fl.StringArrayVar(&f.probe, "probe", nil, "look for what a score should not rest on: label-shift (the best attack's score against moved labels) or leak (what gives a class or a split away without traffic); repeatable")
	fl.BoolVar(&f.retry, "retry", false, "compute cells again that failed before")
	fl.DurationVar(&f.timeout, "plugin-timeout", pluginTimeout, "how long one call of a defense or attack may take, or one training be silent, before its cells fail; 0 is no limit")
	f.source.flags(fl)
	return cmd
}

// pluginTimeout is long enough for any call that is not stuck.
const pluginTimeout = 30 * time.Minute

// defaultJobs is the number of CPUs given to this process.
func defaultJobs() int {
	if n, err := strconv.Atoi(os.Getenv("SLURM_CPUS_PER_TASK")); err == nil && n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

func (a *app) run(ctx context.Context, f runFlags, args []string) error {
	c, err := a.configOf(f, args)
	if err != nil {
		return err
	}
	opt := bench.Options{Workers: f.jobs, Retry: f.retry, PluginTimeout: f.timeout}
	if f.jobs < 1 {
		return fmt.Errorf("--jobs %d: want at least 1", f.jobs)
	}
	if opt.Shard, opt.Shards, err = parseShard(f.shard); err != nil {
		return err
	}
	for _, name := range f.probe {
		if !slices.Contains(bench.ProbeNames(), name) {
			return unknownName("probe", name, bench.ProbeNames())
		}
	}
	quoted, err := a.publishedOf(c)
	if err != nil {
		return err
	}
	start := time.Now()
	g, asked, err := a.grid(ctx, c, f.source)
	if err != nil {
		return err
	}
	for _, ds := range g.Datasets {
		fmt.Fprintln(a.stderr, describe(&ds))
		for _, w := range ds.Warnings {
			fmt.Fprintln(a.stderr, "  warning:", w)
		}
	}
	if opt.Store, err = results.OpenStore(f.out); err != nil {
		return err
	}
	if err := bench.ManifestOf(g, version(), asked).Write(f.out); err != nil {
		return err
	}
	if err := results.WritePublished(f.out, quoted); err != nil {
		return err
	}
	verdicts, err := a.selfcheck(ctx, f.timeout, g, f.out)
	if err != nil {
		return err
	}
	p := newProgress(a.stderr, "computing cells")
	skipped := 0
	opt.Progress = func(done, total int, stored bool) {
		if stored {
			skipped++
		}
		p.step(done, total, skipped)
	}
	ctx = attacks.WithCheckpoints(attacks.WithProgress(ctx, a.training(p)), filepath.Join(f.out, "checkpoints"))
	rs, err := bench.Run(ctx, g, opt)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%d cells in %s, %d workers\n", len(rs), time.Since(start).Round(100*time.Millisecond), f.jobs)
	var order []string
	for _, d := range g.Defenses {
		order = append(order, defenses.ID(d))
	}
	for _, at := range g.Attacks {
		order = append(order, attacks.ID(at))
	}
	if err := writeOrder(f.out, order); err != nil {
		return err
	}
	if err := a.probe(ctx, g, rs, f); err != nil {
		return err
	}
	o := a.reportOptions(f.out)
	o.SelfCheck = verdicts
	return a.writeReports(f.out, rs, o)
}

// probe makes the probes asked for and keeps what they found in the run's
// folder. A failed one is loud but stops nothing, like a failed self-check.
func (a *app) probe(ctx context.Context, g bench.Grid, rs []results.Result, f runFlags) error {
	if len(f.probe) == 0 {
		return results.WriteProbes(f.out, nil)
	}
	found, err := bench.RunProbes(ctx, g, rs, f.probe)
	if err != nil {
		return err
	}
	passed := 0
	for _, v := range found.Verdicts {
		if v.OK {
			passed++
		} else {
			fmt.Fprintf(a.stderr, "PROBE FAILED: %s: %s\n", v.Name, v.Detail)
		}
	}
	fmt.Fprintf(a.stderr, "probes: %d of %d passed\n", passed, len(found.Verdicts))
	return results.WriteProbes(f.out, &found)
}

// training logs how far long trainings are, those of one attack at most every
// few seconds, and every warning, above the line that p rewrites.
func (a *app) training(p *progress) func(attacks.Progress) {
	var mu sync.Mutex
	last := map[string]time.Time{}
	return func(t attacks.Progress) {
		mu.Lock()
		defer mu.Unlock()
		on := t.Defense
		if d, err := defenses.Parse(a.Defenses, on); err == nil {
			on = defenses.Label(a.Defenses, d)
		}
		if t.Warning != "" {
			p.print("warning: training %s on %s, fold %d: %s\n", t.Attack, on, t.Fold, t.Warning)
			return
		}
		if time.Since(last[t.Attack]) < logEvery {
			return
		}
		last[t.Attack] = time.Now()
		p.print("training %s on %s, fold %d: epoch %d of %d, loss %.3f, %s, about %s left\n",
			t.Attack, on, t.Fold, t.Epoch, t.Epochs, t.Loss, validationText(t.Score), t.Left.Round(time.Second))
	}
}

// validationText says the score on the validation part, or that there is none.
func validationText(score float64) string {
	if math.IsNaN(score) {
		return "no validation data"
	}
	return fmt.Sprintf("validation score %.3f", score)
}

// writeReports draws everything from results into dir, shows the headline and
// turns failed cells into an exit code.
func (a *app) writeReports(dir string, rs []results.Result, o reports.Options) error {
	text, err := reports.WriteAll(dir, reports.NewSet(rs, o), reportContents())
	if err != nil {
		return err
	}
	fmt.Fprint(a.stdout, text)
	failed := 0
	for _, r := range rs {
		if r.Err != "" {
			if failed++; failed <= 3 {
				fmt.Fprintf(a.stderr, "failed: %s, %s, %s: %s\n", r.Cell.Dataset, r.Cell.Defense, r.Cell.Attack, r.Err)
			}
		}
	}
	if failed > 0 {
		return exitError{ExitFailedCells, fmt.Errorf("%d of %d cells failed; --retry computes them again, the rest is kept in %s", failed, len(rs), filepath.Join(dir, "cells"))}
	}
	return nil
}

// configOf reads the file or preset and lets flags replace its lists.
func (a *app) configOf(f runFlags, args []string) (config, error) {
	var c config
	var err error
	switch {
	case len(args) == 1:
		c, err = openConfig(args[0])
	case len(f.dataset)+len(f.defense)+len(f.attack) == 0:
		c, err = openConfig(defaultPreset)
	}
	if err != nil {
		return c, err
	}
	replace := func(to *[]value, with []string) {
		if len(with) > 0 {
			*to = nil
		}
		for _, w := range with {
			*to = append(*to, value{text: w})
		}
	}
	replace(&c.datasets, f.dataset)
	replace(&c.defenses, f.defense)
	replace(&c.attacks, f.attack)
	replace(&c.knowledge, f.knowledge)
	replace(&c.tasks, f.task)
	replace(&c.vantages, f.vantage)
	if f.split != "" {
		c.split = value{text: f.split}
	}
	if f.seed != "" {
		c.seed = value{text: f.seed}
	}
	return c, nil
}

func parseShard(s string) (i, n int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	if _, err := fmt.Sscanf(s, "%d/%d", &i, &n); err != nil || i < 0 || n < 1 || i >= n {
		return 0, 0, fmt.Errorf("--shard %s: want i/n with 0 <= i < n, such as 0/4", s)
	}
	return i, n, nil
}

// usageArgs keeps cobra's check of the number of arguments.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return errors.Join(err, fmt.Errorf("see %q", cmd.CommandPath()+" --help"))
		}
		return nil
	}
}
