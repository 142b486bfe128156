// Package command holds what the commands of the program share: the plug-ins
// and streams that they work with, the errors that end it with an exit code,
// and messages that all word alike.
//
// A command is a function from an App to a *cobra.Command. It writes results to
// Stdout and everything else to Stderr, so that output can be piped on.
package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/defenses"
)

// Plugins are the defenses and attacks that can be named on the command line,
// in the order in which lists and reports show them. Datasets and Tasks are those of
// the program's own, beside the built-in ones.
type Plugins struct {
	Defenses []defenses.Defense
	Attacks  []attacks.Attack
	// Programs starts plug-ins that are programs of their own (exec:COMMAND). The
	// program sets it; nil: none is started.
	Programs *process.Set
	Datasets []datasets.Loader
	Tasks    []datasets.Question
}

// App is what a command has at hand. No command changes it.
type App struct {
	Plugins
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Exit codes that commands ask for with an Exit. Any other error is wrong use or
// wrong input.
const (
	FailedCells   = 1 // some cells failed
	Differs       = 1 // results are not those of a fingerprint
	GateMissed    = 3 // a gate, a self-check or a verification was missed
	GateUndecided = 4 // a strict gate cannot tell, for want of test groups
)

// Exit is an error that ends the program with a code of its own. A nil Err
// prints nothing: the command has said what is wrong in its results.
type Exit struct {
	Code int
	Err  error
}

// Error is the text of Err, or the code where there is none.
func (e Exit) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

// Args adds to cobra's check of the number of arguments where to read more.
func Args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return errors.Join(err, fmt.Errorf("see %q", cmd.CommandPath()+" --help"))
		}
		return nil
	}
}

// UnknownName is the error for a name that is none of names, with the nearest
// of them. what says what kind of name it is.
func UnknownName(what, name string, names []string) error {
	return fmt.Errorf("unknown %s %q%s (there are: %s)", what, name, params.DidYouMean(name, names), strings.Join(names, ", "))
}
