// Package cli is the veilbench program. Main and Run take the plug-ins that can
// be named, so a program with a defense or an attack of its own is a main of
// three lines:
//
//	p := cli.Builtin()
//	p.Defenses = append(p.Defenses, mine{})
//	os.Exit(cli.Main(p))
//
// The commands live in the packages below, by what they are about: captures
// (one capture in, something about it out), data (data sets), runs (experiments
// and what is made of their results), gate (a run held against limits), history
// (many runs in a row), machines (those of Maybenot as text), exchange (out to other
// tools and back), tune (the cheapest setting of a defense). What a command computes
// lives in the packages to the left.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	allattacks "veilbench/attacks/builtin"
	"veilbench/bench/cli/artifact"
	"veilbench/bench/cli/captures"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/data"
	"veilbench/bench/cli/exchange"
	"veilbench/bench/cli/gate"
	"veilbench/bench/cli/history"
	"veilbench/bench/cli/machine"
	"veilbench/bench/cli/machines"
	"veilbench/bench/cli/manual"
	"veilbench/bench/cli/names"
	"veilbench/bench/cli/plugin"
	"veilbench/bench/cli/runs"
	"veilbench/bench/cli/signatures"
	"veilbench/bench/cli/tune"
	"veilbench/datasets/process"
	alldefenses "veilbench/defenses/builtin"
)

// Exit codes of the program.
const (
	ExitOK          = 0                     // all well
	ExitFailedCells = command.FailedCells   // some cells failed
	ExitUsage       = 2                     // wrong use or input
	ExitGate        = command.GateMissed    // a gate was missed
	ExitUndecided   = command.GateUndecided // a strict gate cannot tell
	ExitInterrupted = 130                   // stopped by a signal
)

// Plugins are what can be named on the command line: fields Defenses and Attacks, in
// the order of lists and reports, and Datasets and Tasks, which are a program's own.
type Plugins = command.Plugins

// Builtin returns the project's own plug-ins. Append to its lists to add some.
func Builtin() Plugins {
	return Plugins{Defenses: alldefenses.All(), Attacks: allattacks.All()}
}

// patience is how long the work may take to end after a signal: who pressed
// Ctrl-C waits for two seconds, not for more.
const patience = 1500 * time.Millisecond

// ballastBytes lets garbage lie until there is about that much of it. The collector
// runs when the heap has doubled, and a run has little that stays and makes
// gigabytes that do not: 1 CPU second in 7 went into collecting. Nothing is ever
// written there, so it takes no memory itself. With more of it "run speed" would peak
// above 1 GiB. A limit with the collector off (debug.SetMemoryLimit) would collect
// without end once more than it is in use, and a higher percentage would multiply
// the gigabytes of a large run: this adds the same to each.
const ballastBytes = 192 << 20

// Main runs the program on the process's arguments and streams and returns the
// exit code. INT and TERM end the work cleanly, or within patience even while a
// plug-in hangs; a second one kills.
func Main(p Plugins) int {
	var ballast []byte
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" { // else its user knows better
		ballast = make([]byte, ballastBytes)
	}
	defer runtime.KeepAlive(ballast)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		stop() // the next signal kills

		// What is stored is whole at any time, so nothing is lost by not waiting.
		time.Sleep(patience)
		fmt.Fprintln(os.Stderr, "veilbench: interrupted; run the same command again to go on (something did not end by itself)")
		os.Exit(ExitInterrupted)
	})
	return Run(ctx, p, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// Run is the program without a process: args are those behind its name. Results
// go to stdout, everything else to stderr. It returns one of the exit codes.
func Run(ctx context.Context, p Plugins, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out, log := command.NewOutput(stdout), command.Folded(command.NewOutput(stderr))
	p.Programs = process.NewSet(ctx, log)
	defer p.Programs.Close()
	root := rootCommand(&command.App{Plugins: p, Stdin: stdin, Stdout: out, Stderr: log})
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(log)
	unknown := command.StrictHelp(root)

	// Results that reached nobody are no success, whatever they were. That no one
	// reads the log is no fault.
	err := cmp.Or(root.ExecuteContext(ctx), unknown())
	if lost := out.Err(); lost != nil {
		fmt.Fprintln(log, "veilbench: output could not be written:", lost)
		return ExitUsage
	}
	if err == nil {
		return ExitOK
	}

	// A code that a command asked for comes before the signal: what was found by
	// then stays true.
	var e command.Exit
	if errors.As(err, &e) {
		if e.Err != nil {
			fmt.Fprintln(log, "veilbench:", e.Err)
		}
		return e.Code
	}
	if ctx.Err() != nil {
		fmt.Fprintln(log, "veilbench: interrupted; run the same command again to go on")
		return ExitInterrupted
	}
	fmt.Fprintln(log, "veilbench:", err)
	return ExitUsage
}

func rootCommand(a *command.App) *cobra.Command {
	root := command.Group(&cobra.Command{
		Use:           "veilbench",
		Short:         "what an observer of encrypted smart-home traffic still learns behind a defense, and what the defense costs",
		SilenceUsage:  true, // Run prints errors, and no page of help with them
		SilenceErrors: true,
		Version:       command.Version(),
	})
	root.SetVersionTemplate("veilbench {{.Version}}\n")
	root.AddCommand(names.List(a), data.Command(a), signatures.Command(a), gate.Command(a), history.Command(a), machines.Command(a), plugin.Command(a), tune.Command(a))
	root.AddCommand(captures.Commands(a)...)
	root.AddCommand(runs.Commands(a)...)
	root.AddCommand(artifact.Commands(a)...)
	root.AddCommand(exchange.Commands(a)...)
	root.AddCommand(machine.Commands(a)...)
	root.AddCommand(manual.Command(a))
	if err := names.Complete(root, a.Plugins); err != nil {
		panic(err) // a flag that is completed twice, of which a test would tell
	}
	return root
}
