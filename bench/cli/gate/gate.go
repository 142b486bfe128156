// Package gate holds the command that holds a run against a budget, for people and
// for pipelines. What is judged, and how it is written, is in reports/gate.
package gate

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/budget"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/runs"
	"veilbench/bench/cli/yamlfile"
	"veilbench/reports/gate"
)

// flags are those of "veilbench gate".
type flags struct {
	budget, baseline, format string
	allow, strict            bool
	show                     command.Show
}

// Command is "veilbench gate".
func Command(a *command.App) *cobra.Command {
	var f flags
	var formats []string
	for _, x := range gate.Formats() {
		formats = append(formats, string(x))
	}
	cmd := &cobra.Command{
		Use:   "gate DIR",
		Short: "hold a run against a budget of leaks and costs; exit code 3 when it is missed",
		Long: `Gate judges the results below DIR and computes nothing anew. It prints one line for each limit of
the budget and ends with exit code 0 when all are kept and 3 when one is missed, for use in CI.

An advantage is held against the upper end of its interval, and a line "evidence" says what a low one
rests on. Below 5 test groups there is no interval: an advantage above the limit misses it, one
below leaves it undecided, "too few groups". That is exit code 0, or 4 with --strict. A rise since
the baseline misses its limit where the test paired by group shows it, and is undecided where that
cannot tell it from noise. Cells that failed, figures that were not measured and a failed
self-check or probe miss the gate. So does a defense of which nothing is known: its line says
"no evidence" and why, and --allow-no-evidence lets it pass, marked as allowed. Costs are those of
the headline table. Every line of a limit that is not kept says what to try. Keys of a budget:
` + budget.Help(),
		Example: `  veilbench gate runs/acme --budget budget.yaml
  veilbench gate runs/today --budget budget.yaml --baseline runs/last-week --strict
  veilbench gate runs/today --budget budget.yaml --format sarif > gate.sarif`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.show.OneFormat(cmd.Flags()); err != nil {
				return err
			}
			return judge(a, args[0], f)
		},
	}

	// That --budget is missing is for gate to say, with an example of what it holds.
	fl := cmd.Flags()
	fl.StringVar(&f.budget, "budget", "", "YAML file with the limits")
	fl.StringVar(&f.baseline, "baseline", "", "folder of an earlier run, for the limit on rise")
	fl.StringVar(&f.format, "format", string(gate.Text), strings.Join(formats, ", "))
	f.show.AddJSON(fl)
	fl.BoolVar(&f.strict, "strict", false, "exit code 4 where a limit is undecided and none is missed")
	fl.BoolVar(&f.allow, "allow-no-evidence", false, "let pass what has no evidence: an attack blind behind the defense, or at its floor without it")
	return cmd
}

func judge(a *command.App, dir string, f flags) error {
	if f.show.JSON {
		f.format = string(gate.JSON)
	}
	if f.budget == "" {
		return fmt.Errorf("--budget is missing: want a YAML file such as one with the line\n  advantage: {events: 0.20}")
	}
	text, err := yamlfile.ReadFile(f.budget)
	if err != nil {
		return err
	}
	b, err := budget.Parse(f.budget, text)
	if err != nil {
		return err
	}
	b.AllowNoEvidence = f.allow
	if f.baseline != "" && b.Rise == nil {
		return fmt.Errorf("--baseline counts only with a limit on rise, and %s sets none: add a line such as\n  rise: 0.02", f.budget)
	}

	run, before := gate.Run{Dir: dir}, gate.Run{Dir: f.baseline}
	if run.Set, err = runs.OpenSet(a, dir); err != nil {
		return err
	}
	if f.baseline != "" {
		if before.Set, err = runs.OpenSet(a, f.baseline); err != nil {
			return err
		}
	}

	// What the budget names may be missing in the run, so its file is named.
	lines, err := gate.Judge(run, b, before)
	if err != nil {
		return fmt.Errorf("%s: %w", f.budget, err)
	}
	o := gate.Outcome{Program: "veilbench " + command.Version(), Run: dir, Baseline: f.baseline, Budget: f.budget, Strict: f.strict, Results: run.Set.Options.Fingerprint, Lines: lines}
	w := io.Writer(a.Stdout)
	if f.format == string(gate.Text) {
		w = command.Folded(w)
	}
	if err := o.Write(w, gate.Format(f.format)); err != nil {
		return err
	}

	// What is missed comes before what nobody can tell.
	_, missed, open := o.Counts()
	switch {
	case missed > 0:
		return command.Exit{Code: command.GateMissed, Err: fmt.Errorf("%s", o.Verdict())}
	case open > 0 && f.strict:
		return command.Exit{Code: command.GateUndecided, Err: fmt.Errorf("%s", o.Verdict())}
	}
	return nil
}
