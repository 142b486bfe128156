// Package plugin is "veilbench plugin": what an author of a plug-in that is a program
// of its own needs: the protocol, programs to begin with, and the contract as a check
// that names the packet.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	attackcontract "veilbench/attacks/contract"
	attackprogram "veilbench/attacks/external"
	"veilbench/bench/cli/command"
	"veilbench/datasets/kit"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/defenses"
	defensecontract "veilbench/defenses/contract"
	defenseprogram "veilbench/defenses/external"
	"veilbench/reports/docs"
)

// Command is "veilbench plugin" with what stands below it.
func Command(a *command.App) *cobra.Command {
	cmd := command.Group(&cobra.Command{
		Use:   "plugin",
		Short: "defenses and attacks in any language: check one, print an example, the protocol",
	})
	cmd.AddCommand(checkCommand(a), exampleCommand(a))
	for _, p := range []struct{ name, short, text string }{
		{"protocol", "print the protocol that such programs speak", docs.Protocol},
		{"schema", "print the JSON schema of its lines", docs.ProtocolSchema},
	} {
		cmd.AddCommand(&cobra.Command{Use: p.name, Short: p.short, Args: command.Args(command.NoArgs), RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(a.Stdout, p.text)
			return err
		}})
	}
	return cmd
}

// exampleCommand is "veilbench plugin example".
func exampleCommand(a *command.App) *cobra.Command {
	all := map[string]string{process.RoleDefense: defenseprogram.Mirror, process.RoleAttack: attackprogram.Mirror}
	return &cobra.Command{
		Use:     "example defense|attack",
		Short:   "print a program in plain Python: a defense that does what pad-level does, an attack that answers what guess-exact answers",
		Example: "  veilbench plugin example defense > d.py",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			text, ok := all[args[0]]
			if !ok {
				return command.UnknownName("example", args[0], []string{process.RoleDefense, process.RoleAttack})
			}
			_, err := io.WriteString(a.Stdout, text)
			return err
		},
	}
}

// checkFlags are the flags of "veilbench plugin check".
type checkFlags struct {
	role   string
	limits command.Limits
	show   command.Show
}

// checked is what --json says of one part of the contract.
type checked struct {
	Name   string   `json:"name"`
	OK     bool     `json:"ok"`
	Failed []string `json:"failed,omitempty"`
}

func checkCommand(a *command.App) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check COMMAND [ARGUMENT...]",
		Short: "hold a program to the contract of a defense or an attack",
		Long: `Check starts the program and runs the tests of the contract that the defenses and attacks of this
program pass: special and random traces, twice with the same draws, in several orders and from
several processes at once, prefixes of traces for what looks ahead; of an attack data whose right
answers are known, and shuffled labels. It names the trace and the packet at fault. Exit code 3 if
anything fails.`,
		Example: `  veilbench plugin example defense > d.py && veilbench plugin check python3 d.py
  veilbench plugin check "python3 d.py,to=linear"
  veilbench plugin check --role attack -- ./attack --depth 3`,
		Args: command.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return check(cmd.Context(), a, f, args) },
	}
	fl := cmd.Flags()
	fl.SetInterspersed(false) // what stands behind the program is its own
	fl.StringVar(&f.role, "role", "", "defense or attack (default: what the program says it is)")
	f.show.AddJSON(fl)
	f.limits.AddFlags(fl)
	return cmd
}

// program is what a plug-in is that runs as a program.
type program interface {
	process.Outside
	// Broken is why it is not asked at all, Exits what is wrong with how it ends.
	Broken() error
	Exits() error
}

// check runs the contract and writes a line for each part.
func check(ctx context.Context, a *command.App, f checkFlags, args []string) error {
	if err := f.limits.Hold(a.Plugins); err != nil {
		return err
	}
	spec := process.Spec{Command: args}
	if len(args) == 1 {
		var err error
		if spec, err = process.ParseSpec(strings.TrimPrefix(args[0], params.Program)); err != nil {
			return err
		}
	}
	d, at, err := open(a.Programs, f.role, spec)
	if err != nil {
		return err
	}

	// A line as soon as it is known, for parts take long; JSON stands alone.
	to, list := a.Stdout, []checked{}
	if f.show.JSON {
		to = a.Stderr
	}
	passed, failed := 0, 0
	each := func(o kit.Outcome) {
		list = append(list, checked{o.Name, len(o.Failed) == 0, o.Failed})
		if len(o.Failed) == 0 {
			passed++
			fmt.Fprintf(to, "pass  %s\n", o.Name)
			return
		}
		failed++
		// A program that is wrong once is often wrong everywhere.
		const most = 3
		for _, what := range o.Failed[:min(most, len(o.Failed))] {
			fmt.Fprintf(to, "FAIL  %s: %s\n", o.Name, what)
		}
		if n := len(o.Failed) - most; n > 0 {
			fmt.Fprintf(to, "FAIL  %s: and %d more\n", o.Name, n)
		}
	}
	p, isDefense := any(d).(program)
	if !isDefense {
		p = any(at).(program)
	}
	switch {
	case p.Broken() != nil:
		return command.Exit{Code: command.GateMissed, Err: p.Broken()}
	case isDefense:
		fmt.Fprintf(to, "defense %s, at the %s: %s\n", defenses.ID(d), d.Info().Place, d.Info().Doc)
		kit.Run(func(t kit.T) { defensecontract.Run(t, d) }, each)
	default:
		fmt.Fprintf(to, "attack %s, tasks %v: %s\n", attacks.ID(at), at.Info().Tasks, at.Info().Doc)
		kit.Run(func(t kit.T) { attackcontract.Run(t, at) }, each)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	each(outcome("deterministic", p.Doubt()))
	gone := ""
	if err := p.Exits(); err != nil {
		gone = err.Error()
	}
	each(outcome("end of input", gone))
	if isDefense {
		speed(to, d)
	}

	fmt.Fprintf(to, "%d of %d passed\n", passed, passed+failed)
	if f.show.JSON {
		if err := f.show.Print(a, list, ""); err != nil {
			return err
		}
	}
	if failed > 0 {
		return command.Exit{Code: command.GateMissed}
	}
	return nil
}

// outcome is a part of the check that failed where wrong says something.
func outcome(name, wrong string) kit.Outcome {
	o := kit.Outcome{Name: name}
	if wrong != "" {
		o.Failed = []string{wrong}
	}
	return o
}

// open starts the program in a role, or in the one that it does not refuse.
func open(s *process.Set, role string, spec process.Spec) (defenses.Defense, attacks.Attack, error) {
	if !slices.Contains([]string{"", process.RoleDefense, process.RoleAttack}, role) {
		return nil, nil, command.UnknownName("role", role, []string{process.RoleDefense, process.RoleAttack})
	}
	if role != process.RoleAttack {
		d, err := defenseprogram.Open(s, spec.Command, spec.Params)
		if err == nil || role != "" || !errors.Is(err, process.ErrRefused) {
			return d, nil, err
		}
		at, second := attackprogram.Open(s, spec.Command, spec.Params)
		if second != nil {
			return nil, nil, errors.Join(err, second)
		}
		return nil, at, nil
	}
	at, err := attackprogram.Open(s, spec.Command, spec.Params)
	return nil, at, err
}

// speed says how many packets a second the program defends. It is no test.
func speed(w io.Writer, d defenses.Defense) {
	in := defensecontract.Busy(1)
	for i := uint64(2); len(in.Packets) < 50_000; i++ {
		next := defensecontract.Busy(i)
		for _, p := range next.Packets {
			p.Time += in.End
			in.Packets = append(in.Packets, p)
		}
		in.End += next.End
	}
	if f, ok := d.(defenses.Fitter); ok {
		var err error
		if d, err = f.Fit(context.Background(), rand.New(rand.NewPCG(1, 2)), defensecontract.Recordings()); err != nil {
			return
		}
	}

	// The best of a few: other work of the machine only makes it slower.
	best := time.Duration(0)
	for range 3 {
		start := time.Now()
		if _, err := d.Apply(rand.New(rand.NewPCG(1, 2)), in); err != nil {
			return
		}
		if took := time.Since(start); best == 0 || took < best {
			best = took
		}
	}
	fmt.Fprintf(w, "speed: %.0f packets/s of a trace of %d, with the way there and back\n", float64(len(in.Packets))/best.Seconds(), len(in.Packets))
}
