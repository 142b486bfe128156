package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"veilbench/bench"
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
			vs, err := bench.SelfCheck(cmd.Context(), a.Defenses, a.Attacks)
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
