package runs

import (
	"fmt"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/budget"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/yamlfile"
	"veilbench/reports"
)

func gateCommand(a *command.App) *cobra.Command {
	var file, baseline string
	var allow bool
	cmd := &cobra.Command{
		Use:   "gate DIR",
		Short: "hold a run against a budget of leaks and costs; exit code 3 when it is missed",
		Long: `Gate judges the results below DIR and computes nothing anew. It prints one line for each limit of
the budget and ends with exit code 0 when all are kept and 3 when one is missed, for use in CI.

An advantage is held against the upper end of its interval; below 5 test groups there is none, and
the advantage itself counts. Cells that failed, figures that were not measured and a failed
self-check or probe miss the gate. So does a defense of which nothing is known: its line says
"no evidence" and why, and --allow-no-evidence lets it pass, marked as allowed. Costs are those of the headline table. Keys of a budget:
` + budget.Help(),
		Example: `  veilbench gate runs/acme --budget budget.yaml
  veilbench gate runs/today --budget budget.yaml --baseline runs/last-week`,
		Args: command.Args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return gate(a, args[0], file, baseline, allow) },
	}

	// That --budget is missing is for gate to say, with an example of what it holds.
	cmd.Flags().StringVar(&file, "budget", "", "YAML file with the limits")
	cmd.Flags().StringVar(&baseline, "baseline", "", "folder of an earlier run, for the limit on rise")
	cmd.Flags().BoolVar(&allow, "allow-no-evidence", false, "let pass what has no evidence: an attack blind behind the defense, or at its floor without it")
	return cmd
}

func gate(a *command.App, dir, file, baseline string, allow bool) error {
	if file == "" {
		return fmt.Errorf("--budget is missing: want a YAML file such as one with the line\n  advantage: {events: 0.20}")
	}
	text, err := yamlfile.ReadFile(file)
	if err != nil {
		return err
	}
	b, err := budget.Parse(file, text)
	if err != nil {
		return err
	}

	b.AllowNoEvidence = allow

	set, err := openSet(a, dir)
	if err != nil {
		return err
	}
	var before *reports.Set
	if baseline != "" {
		if before, err = openSet(a, baseline); err != nil {
			return err
		}
	}

	// What the budget names may be missing in the run, so its file is named.
	vs, err := set.Gate(b, before)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if missed := printVerdicts(a.Stdout, vs); missed > 0 {
		return command.Exit{Code: command.GateMissed, Err: fmt.Errorf("%d of %d limits missed", missed, len(vs))}
	}
	return nil
}
