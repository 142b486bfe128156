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
	var show command.Show
	cmd := &cobra.Command{
		Use:     "compare BEFORE AFTER",
		Short:   "what changed between two runs, and whether that is more than noise",
		Example: "  veilbench compare runs/last-week runs/today\n  veilbench compare runs/last-week runs/today --format markdown",
		Args:    command.Args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := show.OneFormat(cmd.Flags()); err != nil {
				return err
			}
			return compare(a, args[0], args[1], table.Format(format), show)
		},
	}
	cmd.Flags().StringVar(&format, "format", string(table.Text), "text, markdown, latex or csv")
	show.AddShow(cmd.Flags())
	return cmd
}

func compare(a *command.App, before, after string, format table.Format, show command.Show) error {
	was, err := OpenSet(a, before)
	if err != nil {
		return err
	}
	is, err := OpenSet(a, after)
	if err != nil {
		return err
	}
	t := reports.Compare(was, is)
	if len(t.Rows) == 0 {
		return fmt.Errorf("%s and %s share no data set, task, vantage, split and defense", before, after)
	}
	return a.Tables(format, show, t)
}
