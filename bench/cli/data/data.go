// Package data is "veilbench datasets": to make and describe data sets, to fetch public ones
// and to look for what spoils their splits.
package data

import (
	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
)

// Command is "veilbench datasets" with the commands below it.
func Command(a *command.App) *cobra.Command {
	cmd := command.Group(&cobra.Command{
		Use:   "datasets",
		Short: "make and manage data sets",
	})
	cmd.AddCommand(describeCmd(a), devicesCmd(a), generateCmd(a), leaksCmd(a))
	cmd.AddCommand(catalogCmds(a)...)
	return cmd
}
