package runs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/outside"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck"
	"veilbench/datasets"
	"veilbench/datasets/atomicfile"
	"veilbench/defenses"
	"veilbench/defenses/builtin"
	"veilbench/defenses/captured"
)

func selfcheckCommand(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:   "selfcheck",
		Short: "run the harness and its plug-ins on data whose right answers are known",
		Long: `Selfcheck runs every defense and attack on planted data: what costs nothing, what must be found,
what must not be found, and what may not change a result. Every run does the same at its start.`,
		Example: "  veilbench selfcheck",
		Args:    command.Args(command.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			vs, err := selfcheck.Run(cmd.Context(), command.PluginTimeout, a.Defenses, a.Attacks)
			if err != nil {
				return err
			}
			var text strings.Builder
			failed := printVerdicts(&text, vs)
			fmt.Fprintf(&text, "%d of %d passed\n", len(vs)-failed, len(vs))
			if err := show.Print(a, vs, text.String()); err != nil {
				return err
			}

			// The verdicts say what failed; an error would only say it again.
			if failed > 0 {
				return command.Exit{Code: command.GateMissed}
			}
			return nil
		},
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

// checkPlugins runs the self-check of a grid's plug-ins before the grid and
// keeps the verdicts in dir.
func checkPlugins(ctx context.Context, a *command.App, limit time.Duration, g bench.Grid, dir string) ([]results.Verdict, error) {
	vs, err := selfcheck.Run(ctx, limit, append(builtin.All(), computed(g.Defenses)...), slices.DeleteFunc(slices.Clone(g.Attacks), elsewhere))
	if err != nil {
		return nil, err
	}
	warn(a.Stderr, "SELF-CHECK", "self-check", vs)
	return vs, writeVerdicts(dir, vs)
}

// checkPrograms adds to the verdicts vs of a run's folder whether each program of the
// grid gave the same answers whenever it was asked again: that is known in the end.
func checkPrograms(a *command.App, g bench.Grid, vs []results.Verdict, dir string) error {
	found := bench.ProgramVerdicts(g)
	if len(found) == 0 {
		return nil
	}
	warn(a.Stderr, "SELF-CHECK", "programs asked again", found)
	return writeVerdicts(dir, append(vs, found...))
}

func writeVerdicts(dir string, vs []results.Verdict) error {
	b, err := json.MarshalIndent(vs, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, selfcheckFile), append(b, '\n'))
}

// computed are those of list that compute something: of captures there is nothing to
// check but what they are.
func computed(list []defenses.Defense) []defenses.Defense {
	return slices.DeleteFunc(slices.Clone(list), func(d defenses.Defense) bool {
		_, ok := d.(captured.Defense)
		return ok
	})
}

// elsewhere says of an attack that its answers were given elsewhere: it can be asked
// about nothing else.
func elsewhere(at attacks.Attack) bool {
	_, is := at.(outside.Attack)
	return is
}

// noProbe is what is said for no probe at all.
const noProbe = "none"

// quickS is how long an attack may take to train and answer, in seconds, to be
// asked again by a probe that nobody asked for.
const quickS = 30

// probe makes the probes asked for and keeps what they found in the run's
// folder; without any, what an earlier run found there goes. If nothing is said,
// all are made on recorded data, whose clocks and names nobody made up.
func probe(ctx context.Context, a *command.App, g bench.Grid, rs []results.Result, f runFlags) error {
	names := f.probe
	if len(names) == 0 && f.shard == "" { // a share of the work has no best attack
		names = bench.ProbeNames()
		timings, err := results.ReadTimings(f.out)
		if err != nil {
			return err
		}
		recorded := func(name string) bool {
			return slices.ContainsFunc(g.Datasets, func(ds datasets.Dataset) bool { return ds.Name == name && !ds.Generated })
		}
		rs = slices.DeleteFunc(slices.Clone(rs), func(r results.Result) bool {
			t, ok := timings.Of(r)
			return !recorded(r.Cell.Dataset) || ok && t.TrainSeconds+t.GuessSeconds > quickS
		})
		g.Datasets = slices.DeleteFunc(slices.Clone(g.Datasets), func(ds datasets.Dataset) bool { return ds.Generated })
	}
	if len(names) == 0 || len(g.Datasets) == 0 || slices.Contains(names, noProbe) {
		return results.WriteProbes(f.out, nil)
	}

	// A probe trains the best attack anew, which is not to be had of one made elsewhere.
	rs = slices.DeleteFunc(slices.Clone(rs), func(r results.Result) bool { return strings.HasPrefix(r.Cell.Attack, outside.Prefix) })
	found, err := bench.RunProbes(ctx, g, rs, names)
	if err != nil {
		return err
	}
	warn(a.Stderr, "PROBE", "probes", found.Verdicts)
	return results.WriteProbes(f.out, &found)
}

// printVerdicts writes one line for each and returns how many failed.
func printVerdicts(w io.Writer, vs []results.Verdict) (failed int) {
	for _, v := range vs {
		mark := "pass"
		if !v.OK {
			mark = "FAIL"
			failed++
		}
		fmt.Fprintf(w, "%s  %s: %s\n", mark, v.Name, v.Detail)
	}
	return failed
}

// warn writes the failed of a run's verdicts and how many passed. That is loud
// but stops nothing: failures are printed on every report.
func warn(w io.Writer, loud, quiet string, vs []results.Verdict) {
	passed := 0
	for _, v := range vs {
		if v.OK {
			passed++
		} else {
			fmt.Fprintf(w, "%s FAILED: %s: %s\n", loud, v.Name, v.Detail)
		}
	}
	fmt.Fprintf(w, "%s: %d of %d passed\n", quiet, passed, len(vs))
}
