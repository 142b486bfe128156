package cli

import "github.com/spf13/cobra"

func (a *app) datasetsCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "datasets",
		Short: "make and manage data sets",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.generateCmd(),
		a.leaksCmd(),
	)
	cmd.AddCommand(a.catalogCmds()...)
	return cmd
}
