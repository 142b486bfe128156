package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/imports"
	"veilbench/bench/cli/progress"
	"veilbench/bench/cli/source"
	"veilbench/bench/results"
)

// verifyFlags are the flags of "veilbench verify".
type verifyFlags struct {
	sample, jobs int
	seed         uint64
	against      string
	compare      bool // asked for, also with a fingerprint that a script left empty
	allowExec    bool
	limits       command.Limits
	source       source.Options
	show         command.Show
}

func verifyCommand(a *command.App) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify DIR",
		Short: "compute random cells of a run again and compare them byte for byte",
		Long: `Verify reads the manifest of a run, makes or reads the same data, checks their digests, computes
cells drawn at random again and compares them with what is stored. Exit code 3 if any differs.

With --against it computes nothing: it compares the fingerprint of the stored results with that of
somebody else's, as it stands under every table. Exit code 1 if they differ.`,
		Example: `  veilbench verify out --sample 20
  veilbench verify out --against sha256:5f3c81a09be27d44`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.compare = cmd.Flags().Changed("against"); f.compare {
				// It computes nothing, and so nearly every flag says nothing.
				var idle []string
				cmd.Flags().Visit(func(fl *pflag.Flag) {
					if fl.Name != "against" && fl.Name != "json" {
						idle = append(idle, fl.Name)
					}
				})
				if err := command.Refuse(cmd.Flags(), command.Idle{Here: true, Unless: "without --against", Flags: idle}); err != nil {
					return err
				}
			}
			return verify(cmd.Context(), a, args[0], f)
		},
	}

	// This seed draws cells alone; that of the run is in its manifest.
	cmd.Flags().IntVar(&f.sample, "sample", 10, "how many cells to compute again")
	command.AddJobs(cmd.Flags(), &f.jobs, defaultJobs())
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the draw of cells")
	cmd.Flags().StringVar(&f.against, "against", "", "fingerprint to compare the stored results with")
	command.AddAllowExec(cmd.Flags(), &f.allowExec, "the manifest")
	f.limits.AddFlags(cmd.Flags())
	f.show.AddJSON(cmd.Flags())
	f.source.AddFlags(cmd.Flags())
	return cmd
}

func verify(ctx context.Context, a *command.App, dir string, f verifyFlags) error {
	if f.sample < 1 {
		return fmt.Errorf("--sample %d: want at least 1", f.sample)
	}
	run, err := openRun(a, dir)
	if err != nil {
		return err
	}
	print, err := results.FingerprintOf(run.Results, run.Manifest)
	if err != nil {
		return err
	}
	if f.compare {
		return against(a, print, f)
	}
	if run.Manifest == nil {
		return fmt.Errorf("%s has no manifest: what it was computed from is not known", dir)
	}
	m := *run.Manifest
	if err := f.limits.Hold(a.Plugins); err != nil {
		return err
	}
	stored := slices.DeleteFunc(run.Results, func(s results.Result) bool { return s.Err != "" })
	if !f.allowExec {
		if stored, err = withoutPrograms(a, stored); err != nil {
			return err
		}
	}
	if len(stored) == 0 {
		return errors.New("nothing to verify: every cell of the run failed")
	}

	c := gridfile.OfManifest(m)
	c.Override(gridfile.Words{AllowExec: f.allowExec})
	g, _, err := c.Grid(ctx, a.Plugins, f.source)
	if err != nil {
		return err
	}
	if err := imports.Attach(&g, dir); err != nil {
		return err
	}

	// Other data or other methods would differ in every cell: that is said once,
	// and nothing is computed.
	if err := SameData(m, bench.ManifestOf(g, command.Version(), nil), f.allowExec); err != nil {
		return command.Exit{Code: command.GateMissed, Err: err}
	}

	r := rand.New(rand.NewPCG(f.seed, f.seed))
	want := map[results.Cell]results.Result{}
	for _, i := range r.Perm(len(stored))[:min(f.sample, len(stored))] {
		want[stored[i].Cell] = stored[i]
	}
	p := progress.New(command.Raw(a.Stderr), "computing cells again")
	defer p.Stop()
	p.Start(len(want), 0)
	again, err := bench.Run(ctx, g, bench.Options{
		Workers: f.jobs, PluginTimeout: f.limits.Timeout, Only: func(c results.Cell) bool { _, ok := want[c]; return ok },
		Progress: func(done, total int, _ bool) { p.Step(done, total, 0) },
	})
	if err != nil {
		return err
	}
	var said strings.Builder
	differ, err := printDifferent(&said, want, again)
	if err != nil {
		return err
	}
	if err := f.show.Print(a, map[string]any{"fingerprint": print.Full(), "computed": len(want), "stored": len(stored), "differ": differ},
		fmt.Sprintf("%s%d of %d cells computed again, %d differ\n%s\n", said.String(), len(want), len(stored), differ, print.Full())); err != nil {
		return err
	}
	if differ > 0 {
		return command.Exit{Code: command.GateMissed}
	}
	return nil
}

// withoutPrograms leaves out the results that need a program of its own, which nobody
// allowed to start.
func withoutPrograms(a *command.App, stored []results.Result) ([]results.Result, error) {
	n := len(stored)
	stored = slices.DeleteFunc(stored, func(r results.Result) bool {
		c := r.Cell
		return slices.ContainsFunc([]string{c.Defense, c.TrainDefense, c.Attack}, command.IsProgram)
	})
	if n -= len(stored); n > 0 {
		fmt.Fprintf(a.Stderr, "note: %d cells need a program (exec:), which --allow-exec starts: they are not computed again\n", n)
	}
	if len(stored) == 0 && n > 0 {
		return nil, errors.New("nothing to verify but cells that need a program: --allow-exec starts it")
	}
	return stored, nil
}

// against compares the fingerprint of stored results with another.
func against(a *command.App, print results.Fingerprint, f verifyFlags) error {
	same, why, err := print.Against(f.against)
	if err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	if err := f.show.Print(a, map[string]any{"fingerprint": print.Full(), "same": same}, print.Full()+"\n"); err != nil {
		return err
	}
	if !same {
		return command.Exit{Code: command.Differs, Err: errors.New(why)}
	}
	return nil
}

// printDifferent writes the cells whose bytes are not what they were and counts
// them. What cannot be computed any more differs too.
func printDifferent(w io.Writer, want map[results.Cell]results.Result, again []results.Result) (int, error) {
	differ := len(want) - len(again)
	for _, res := range again {
		was, errA := json.Marshal(want[res.Cell])
		now, errB := json.Marshal(res)
		if err := errors.Join(errA, errB); err != nil {
			return 0, err
		}
		if string(was) != string(now) {
			differ++
			c := res.Cell
			fmt.Fprintf(w, "differs: %s, %s, %s, %s, %s, fold %d\n", c.Dataset, c.Task, c.Defense, c.Attack, c.Knowledge, c.Fold)
		}
	}
	return differ, nil
}

// SameData compares digests and what else must agree for equal bytes, of programs only
// where they are started. An error says what does not.
func SameData(was, now results.Manifest, programs bool) error {
	for _, w := range was.Data {
		i := slices.IndexFunc(now.Data, func(d results.DataEntry) bool { return d.Name == w.Name })
		if i < 0 || now.Data[i].Digest != w.Digest {
			return fmt.Errorf("data set %s is not what the run used: its digest differs", w.Name)
		}
	}
	if was.Method != now.Method {
		return fmt.Errorf("the run used methods version %d, this program has %d", was.Method, now.Method)
	}

	// Of a program that is not started nothing is known.
	known := func(m results.Manifest) map[string]string {
		out := maps.Clone(m.Builds)
		maps.DeleteFunc(out, func(id, _ string) bool { return !programs && command.IsProgram(id) })
		return out
	}
	if !maps.Equal(known(was), known(now)) {
		return errors.New("the run used another build of a plug-in that is not built in, or other predictions: its program or their file differs from this one")
	}
	return nil
}
