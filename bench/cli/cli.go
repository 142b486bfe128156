// Package cli is the veilbench program: commands, flags, messages and exit
// codes. Each command is a file; what a command does lives in the packages to
// the left.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	allattacks "veilbench/attacks/builtin"
	"veilbench/defenses"
	alldefenses "veilbench/defenses/builtin"
)

// Exit codes of the program.
const (
	ExitOK          = 0   // all well
	ExitFailedCells = 1   // some cells failed
	ExitUsage       = 2   // wrong use or input
	ExitGate        = 3   // a gate was missed
	ExitInterrupted = 130 // stopped by a signal
)

// Plugins are the defenses and attacks that can be named on the command line.
type Plugins struct {
	Defenses []defenses.Defense
	Attacks  []attacks.Attack
}

// Builtin returns the project's own plug-ins. Append to its lists to add some.
func Builtin() Plugins {
	return Plugins{Defenses: alldefenses.All(), Attacks: allattacks.All()}
}

// patience is how long the work may take to end after a signal.
const patience = 10 * time.Second

// Main runs the program on the process's arguments and streams and returns the
// exit code. INT and TERM end the work cleanly, or within patience even while a
// plug-in hangs; a second one kills.
func Main(p Plugins) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		stop() // the next signal kills

		// What is stored is whole at any time, so nothing is lost by not waiting.
		time.Sleep(patience)
		fmt.Fprintln(os.Stderr, "veilbench: interrupted while something did not return; run the same command again to go on")
		os.Exit(ExitInterrupted)
	})
	return Run(ctx, p, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// app is what the commands share.
type app struct {
	Plugins
	stdin          io.Reader
	stdout, stderr io.Writer
}

// Run is the program. Results go to stdout, everything else to stderr.
func Run(ctx context.Context, p Plugins, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{p, stdin, stdout, stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	var e exitError
	if errors.As(err, &e) {
		if e.err != nil {
			fmt.Fprintln(stderr, "veilbench:", e.err)
		}
		return e.code
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "veilbench: interrupted; run the same command again to go on")
		return ExitInterrupted
	}
	// Everything else is wrong use or wrong input.
	fmt.Fprintln(stderr, "veilbench:", err)
	return ExitUsage
}

// exitError ends the program with a code of its own. A nil err prints nothing.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "veilbench",
		Short:         "what an observer of encrypted smart-home traffic still learns behind a defense, and what the defense costs",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("veilbench {{.Version}}\n")
	root.AddCommand(
		a.listCmd(),
		a.runCmd(),
		a.applyCmd(),
		a.inspectCmd(),
		a.datasetsCmd(),
		a.selfcheckCmd(),
		a.verifyCmd(),
		a.reportCmd(),
		a.compareCmd(),
		a.gateCmd(),
		a.citeCmd(),
		a.ratesCmd(),
		a.vpnlabelCmd(),
	)
	return root
}
