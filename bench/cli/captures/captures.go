// Package captures holds the commands that take captures and say or make
// something of them: apply, commands, inspect, rates and vpnlabel.
package captures

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/bench/cost"
	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/params"
)

// Commands are those of this package.
func Commands(a *command.App) []*cobra.Command {
	return []*cobra.Command{applyCommand(a), inspectCommand(a), ratesCommand(a), commandsCommand(a), vpnlabelCommand(a)}
}

// open reads a capture by its path; "-" is standard input.
func open(ctx context.Context, a *command.App, path string, o capture.Options) (datasets.Trace, *capture.Report, error) {
	if path == "-" {
		return capture.Read(ctx, a.Stdin, "standard input", o)
	}
	return capture.Open(ctx, path, o)
}

// parseLink reads --link; "" is the default link.
func parseLink(s string) (cost.Link, error) {
	l := cost.DefaultLink()
	if s == "" {
		return l, nil
	}
	_, set, err := params.Split("link:" + s)
	if err == nil {
		l, err = params.With(l, set)
	}
	if err == nil && l.ClosedLoop {
		err = errors.New("closed_loop is for run: apply writes what enters the line at the recorded times")
	}
	if err != nil {
		return l, fmt.Errorf("--link: %w", err)
	}
	return l, nil
}

// drawsOf is the generator of a plug-in, made from the seed and its ID: another
// defense draws other numbers from the same seed.
func drawsOf(seed uint64, id string) *rand.Rand {
	h := fnv.New64a()
	io.WriteString(h, id)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}
