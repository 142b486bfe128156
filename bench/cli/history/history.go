// Package history holds the command that follows figures over many runs. How they
// are judged is in reports/history.
package history

import (
	"fmt"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cli/runs"
	"veilbench/reports/history"
	"veilbench/reports/table"
)

// Command is "veilbench history".
func Command(a *command.App) *cobra.Command {
	var format string
	var s command.Show
	cmd := &cobra.Command{
		Use:   "history DIR...",
		Short: "how the figures of many runs change: trends, shifts and outliers",
		Long: `History reads runs of the same experiment in the order given, the oldest first, and computes
nothing anew. For every defense it says whether the advantage of the best attack and the costs
drift, and at which run one of them moved by more than the series' own spread: there for good
(shift) or for one run (outlier).`,
		Example: "  veilbench history runs/2026-*\n  veilbench history runs/* --json > history.json",
		Args:    command.Args(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.OneFormat(cmd.Flags()); err != nil {
				return err
			}
			return show(a, args, table.Format(format), s)
		},
	}

	// A format is refused by its name only once there are figures to write in it.
	cmd.Flags().StringVar(&format, "format", string(table.Text), "text, markdown, latex or csv")
	s.AddShow(cmd.Flags())
	return cmd
}

func show(a *command.App, dirs []string, format table.Format, o command.Show) error {
	var h history.History
	for _, dir := range dirs {
		s, err := runs.OpenSet(a, dir)
		if err != nil {
			return err
		}
		h.Add(dir, s)
	}
	if o.JSON {
		return h.WriteJSON(a.Stdout)
	}
	t := h.Table()
	if len(t.Rows) == 0 {
		return fmt.Errorf("the runs have no attack that is no control: there is nothing to follow")
	}
	return a.Tables(format, o, t)
}
