package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"veilbench/bench/results"
	"veilbench/reports"
)

func (a *app) compareCmd() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "compare BEFORE AFTER",
		Short:   "what changed between two runs, and whether that is more than noise",
		Example: "  veilbench compare runs/last-week runs/today\n  veilbench compare runs/last-week runs/today --format markdown",
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			var sets [2]*reports.Set
			for i, dir := range args {
				rs, err := results.ReadResults(dir)
				if err != nil {
					return err
				}
				sets[i] = reports.NewSet(rs, a.reportOptions(dir))
			}
			t := reports.Compare(sets[0], sets[1])
			if len(t.Rows) == 0 {
				return fmt.Errorf("%s and %s share no data set, task, vantage, split and defense", args[0], args[1])
			}
			return reports.WriteTables(a.stdout, reports.Format(format), []reports.Table{t})
		},
	}
	cmd.Flags().StringVar(&format, "format", string(reports.Text), "text, markdown, latex or csv")
	return cmd
}
