// Package exchange holds the commands that hand defended traffic to other people's
// tools and take their answers back: export and import.
package exchange

import (
	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
)

// Commands are those of this package.
func Commands(a *command.App) []*cobra.Command {
	return []*cobra.Command{exportCommand(a), importCommand(a)}
}
