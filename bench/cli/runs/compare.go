package runs

import (
	"fmt"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/reports"
	"veilbench/reports/table"
)

func compareCommand(a *command.App) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "compare BEFORE AFTER",
		Short:   "what changed between two runs, and whether that is more than noise",
		Example: "  veilbench compare runs/last-week runs/today\n  veilbench compare runs/last-week runs/today --format markdown",
		Args:    command.Args(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			var sets [2]*reports.Set
			for i, dir := range args {
				var err error
				// Before has its own order and manifest.
				if sets[i], err = openSet(a, dir); err != nil {
					return err
				}
			}
			t := reports.Compare(sets[0], sets[1])
			if len(t.Rows) == 0 {
				return fmt.Errorf("%s and %s share no data set, task, vantage, split and defense", args[0], args[1])
			}
			return table.Write(a.Stdout, table.Format(format), []table.Table{t})
		},
	}
	cmd.Flags().StringVar(&format, "format", string(table.Text), "text, markdown, latex or csv")
	return cmd
}
