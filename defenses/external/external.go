// Package external is defenses that are programs of their own, in any language,
// which speak the protocol of reports/docs/protocol.md. [Open] starts one; what it
// returns is a defense like any other: the same checks, look for oracles, queue and
// ledger apply to it.
//
// Mirror is the source of such a program in plain Python, which does what pad-level
// does: a reference to begin with.
package external

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"

	_ "embed"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/datasets/process"
	"veilbench/datasets/wire"
	"veilbench/defenses"
)

// Mirror is the source of the reference program.
//
//go:embed mirror.py
var Mirror string

// Defense is a program that defends. Copies share its processes.
type Defense struct {
	info  defenses.Info
	ps    []params.Param
	run   *process.Pool
	state *process.State // what it learned
	fits  bool           // it must have learned first
	// broken is why it is not asked at all.
	broken error
}

var (
	_ defenses.Defense = Defense{}
	_ params.Lister    = Defense{}
	_ process.Outside  = Defense{}
)

// Open starts the program of a command with parameters. The error is a mistake of the
// user: no such program, or a parameter that it refuses. A program that is wrong in
// any other way becomes a defense that fails on every trace, with that error: it
// costs a run its own rows and no other.
func Open(s *process.Set, command []string, set map[string]string) (defenses.Defense, error) {
	pool, err := s.Open(command, process.RoleDefense, set)
	switch {
	case errors.Is(err, process.ErrRefused):
		return nil, err
	case err != nil:
		return Defense{
			info: defenses.Info{Name: process.NameOf(command), Doc: "a program that did not start", Place: defenses.AtDevice},
			ps:   process.Params(set), broken: err, run: pool,
		}, nil
	}

	// What it says of itself is held to what tables and chains can show.

	g := pool.Greeting()
	d := Defense{run: pool, fits: g.Fits, ps: process.Params(g.Params)}
	d.info = defenses.Info{Name: params.Program + g.Name, Doc: g.Doc, Place: defenses.Place(g.Place)}
	if d.info.Place != defenses.AtDevice && d.info.Place != defenses.AtGateway {
		return nil, fmt.Errorf("program %s: place %q: want %s or %s", process.Quote(command), g.Place, defenses.AtDevice, defenses.AtGateway)
	}
	for _, n := range g.Needs {
		p := defenses.Party(n)
		if p != defenses.Cloud && p != defenses.TunnelEnd {
			return nil, fmt.Errorf("program %s: needs %q: want %s or %s", process.Quote(command), n, defenses.Cloud, defenses.TunnelEnd)
		}
		d.info.Needs = append(d.info.Needs, p)
	}
	if g.Fits {
		return learner{d}, nil
	}
	return d, nil
}

// Known is a defense with the ID of a run's manifest, which fails with why.
func Known(id string, why error) defenses.Defense {
	name, ps := process.Known(id)
	return Defense{info: defenses.Info{Name: name, Doc: "a program that is not started", Place: defenses.AtDevice}, ps: ps, broken: why}
}

// Info is what the program said of itself.
func (d Defense) Info() defenses.Info { return d.info }

// Params are those that the program named in its greeting.
func (d Defense) Params() []params.Param { return slices.Clone(d.ps) }

// Usual is d for labels: what nobody asked for has its value, what was asked for has
// none, so that it stands in the label.
func (d Defense) Usual() defenses.Defense {
	d.ps = process.Unasked(d.ps, d.Program())
	return d
}

// Program is the command and the files that it is made of.
func (d Defense) Program() process.Program {
	if d.run == nil {
		return process.Program{}
	}
	return d.run.Program()
}

// Doubt says why the program is taken for not deterministic, "" if it is not.
func (d Defense) Doubt() string {
	if d.run == nil {
		return ""
	}
	return d.run.Doubt()
}

// Suspect says that somebody saw the program answer otherwise when it was asked again.
func (d Defense) Suspect(why string) {
	if d.run != nil {
		d.run.Suspect(why)
	}
}

// Broken is why the program is not asked at all, nil where it greeted.
func (d Defense) Broken() error { return d.broken }

// Exits says what is wrong where a process of the program does not exit when its input
// ends.
func (d Defense) Exits() error {
	if d.run == nil {
		return d.broken
	}
	return d.run.Exits()
}

// Apply asks the program what leaves instead of in. One draw of rng is the seed that
// it gets.
func (d Defense) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	seed := rng.Uint64() // also of one that fails: who comes next in a chain draws the same
	switch {
	case d.broken != nil:
		return defenses.Defended{}, d.broken
	case d.fits && d.state == nil:
		return defenses.Defended{}, defenses.ErrNotFitted
	}
	a, _, err := d.run.Ask(context.Background(), process.Question{
		Kind: "apply", State: d.state,
		Body: func(b []byte) []byte {
			b = strconv.AppendUint(append(b, `"seed":"`...), seed, 10)
			return wire.AppendTrace(append(b, `","trace":`...), in)
		},
		New:  func() process.Answer { return &applied{in: in} },
		Same: func(a, b process.Answer) bool { return reflect.DeepEqual(a.(*applied).out, b.(*applied).out) },
	})
	if err != nil {
		return defenses.Defended{}, err
	}
	return a.(*applied).out, nil
}

// applied is the answer to apply: what leaves in's place.
type applied struct {
	in   datasets.Trace
	out  defenses.Defended
	have bool // a trace
}

// Member takes trace and carried.
func (a *applied) Member(key string, r *wire.Reader) (err error) {
	switch key {
	case "trace":
		a.have = true
		a.out.Trace, err = wire.ReadTrace(r, a.in)
	case "carried":
		a.out.Carried, err = readCarried(r, len(a.in.Packets))
	default:
		return r.Skip()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// Whole wants a trace. What is in it and in the account is for defenses.Check.
func (a *applied) Whole() error {
	if !a.have {
		return errors.New("there is no trace in it")
	}
	if c := a.out.Carried; c != nil && len(c.Orig) != len(c.Bytes) {
		return fmt.Errorf("carried: columns of unequal length: orig has %d entries, bytes has %d", len(c.Orig), len(c.Bytes))
	}
	return nil
}

// readCarried takes the account of about so many packets.
func readCarried(r *wire.Reader, packets int) (*defenses.Carried, error) {
	// Room for one entry a packet, as most defenses have it.
	c := &defenses.Carried{First: make([]int32, 0, packets+1), Orig: make([]int32, 0, packets), Bytes: make([]int32, 0, packets)}
	have := 0
	err := r.Object(func(key string) (err error) {
		have++
		switch key {
		case "first":
			c.First, err = r.Ints(c.First[:0])
		case "orig":
			c.Orig, err = r.Ints(c.Orig[:0])
		case "bytes":
			c.Bytes, err = r.Ints(c.Bytes[:0])
		default:
			have--
			err = r.Skip()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err == nil && have != 3 {
		err = errors.New("want first, orig and bytes, each once")
	}
	return c, err
}

// learner is a program that learns before it defends.
type learner struct{ Defense }

var _ defenses.Fitter = learner{}

// Fit has the program learn from undefended recordings with their truth. It keeps
// nothing: its state comes back with every trace.
func (l learner) Fit(ctx context.Context, rng *rand.Rand, training []datasets.Recording) (defenses.Defense, error) {
	file, err := l.run.StateFile()
	if err != nil {
		return nil, err
	}
	seed := rng.Uint64()

	// Examples are those of an attack's training: who learns when events happen needs
	// their labels.
	a, n, err := l.run.Ask(ctx, process.Question{
		Kind: "fit",
		Body: func(b []byte) []byte {
			b = append(strconv.AppendUint(append(b, `"seed":"`...), seed, 10), '"')
			if file != "" {
				b = wire.AppendString(append(b, `,"state_file":`...), file)
			}
			b = append(b, `,"examples":[`...)
			for i, rec := range training {
				if i > 0 {
					b = append(b, ',')
				}
				b = wire.AppendString(append(b, `{"group":`...), rec.Group)
				b = wire.AppendTrace(append(b, `,"trace":`...), rec.Trace)
				b = append(wire.AppendLabels(append(b, ','), rec.Labels), '}')
			}
			return append(b, ']')
		},
		New: func() process.Answer { return &process.Learned{File: file} },
	})
	if err != nil {
		return nil, err
	}
	d := l.Defense
	d.state = a.(*process.Learned).State(n)
	return learner{d}, nil
}
