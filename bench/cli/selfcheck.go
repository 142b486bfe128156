package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"veilbench/bench"
	"veilbench/bench/results"
	"veilbench/bench/selfcheck"
	"veilbench/datasets/atomicfile"
	"veilbench/defenses/builtin"
)

func (a *app) selfcheckCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "selfcheck",
		Short: "run the harness and its plug-ins on data whose right answers are known",
		Long: `Selfcheck runs every defense and attack on planted data: what costs nothing, what must be found,
what must not be found, and what may not change a result. Every run does the same at its start.`,
		Example: "  veilbench selfcheck",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			vs, err := selfcheck.Run(cmd.Context(), pluginTimeout, a.Defenses, a.Attacks)
			if err != nil {
				return err
			}
			failed := 0
			for _, v := range vs {
				mark := "pass"
				if !v.OK {
					mark = "FAIL"
					failed++
				}
				fmt.Fprintf(a.stdout, "%s  %s: %s\n", mark, v.Name, v.Detail)
			}
			fmt.Fprintf(a.stdout, "%d of %d passed\n", len(vs)-failed, len(vs))
			if failed > 0 {
				return exitError{code: ExitGate}
			}
			return nil
		},
	}
}

// selfcheckFile holds the verdicts of a run beside its results.
const selfcheckFile = "selfcheck.json"

// selfcheck checks the plug-ins of a grid before it is run and keeps the
// verdicts in dir. A failed check is loud but stops nothing: it is printed on
// every report.
func (a *app) selfcheck(ctx context.Context, limit time.Duration, g bench.Grid, dir string) ([]results.Verdict, error) {
	vs, err := selfcheck.Run(ctx, limit, append(builtin.All(), g.Defenses...), g.Attacks)
	if err != nil {
		return nil, err
	}
	passed := 0
	for _, v := range vs {
		if v.OK {
			passed++
		} else {
			fmt.Fprintf(a.stderr, "SELF-CHECK FAILED: %s: %s\n", v.Name, v.Detail)
		}
	}
	fmt.Fprintf(a.stderr, "self-check: %d of %d passed\n", passed, len(vs))
	b, err := json.MarshalIndent(vs, "", "  ")
	if err != nil {
		return nil, err
	}
	return vs, atomicfile.Write(filepath.Join(dir, selfcheckFile), append(b, '\n'))
}
