// Package runs holds the commands that run experiments and those that read what
// a run left in its folder: run, plan, status, merge, verify, report, compare,
// cite and selfcheck.
package runs

import (
	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
)

// Commands are those of this package.
func Commands(a *command.App) []*cobra.Command {
	return []*cobra.Command{
		runCommand(a), planCommand(a), statusCommand(a), mergeCommand(a), verifyCommand(a), selfcheckCommand(a),
		reportCommand(a), compareCommand(a), citeCommand(a),
	}
}
