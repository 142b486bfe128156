package defenses

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Chain applies its stages in order. It is itself a Defense.
type Chain []Defense

// Info names the chain after its stages; its place is that of the last one.
func (c Chain) Info() Info {
	var info Info
	var names []string
	seen := map[Party]bool{}
	for _, d := range c {
		i := d.Info()
		names = append(names, i.Name)
		info.Place = i.Place
		for _, n := range i.Needs {
			if !seen[n] {
				info.Needs = append(info.Needs, n)
			}
			seen[n] = true
		}
	}
	info.Name = strings.Join(names, "+")
	info.Doc = "chain of " + strings.Join(names, ", then ")
	return info
}

// Apply runs every stage, checks each result and the whole, and composes the
// accounts.
func (c Chain) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	out := Defended{Trace: in}
	for _, d := range c {
		next, err := d.Apply(Stream(rng), out.Trace)
		if err != nil {
			return Defended{}, fmt.Errorf("%s: %w", ID(d), err)
		}
		if err := Check(out.Trace, next); err != nil {
			return Defended{}, fmt.Errorf("%s: %w", ID(d), err)
		}
		next.Carried = Compose(in, out.Carried, next.Carried)
		out = next
	}
	if len(c) > 1 {
		if err := Check(in, out); err != nil {
			return Defended{}, fmt.Errorf("%s as a whole: %w", c.Info().Name, err)
		}
	}
	return out, nil
}

// Validate refuses a device defense behind a gateway defense: a device cannot
// act on what the gateway has already sent.
func (c Chain) Validate() error {
	gateway := ""
	for _, d := range c {
		i := d.Info()
		if i.Place == AtGateway {
			gateway = i.Name
		} else if gateway != "" {
			return fmt.Errorf("device defense %s stands after gateway defense %s: put device defenses first", i.Name, gateway)
		}
	}
	return nil
}

// Stages returns the stages of d: those of a chain, else d alone.
func Stages(d Defense) []Defense {
	if c, ok := d.(Chain); ok {
		return c
	}
	return []Defense{d}
}

// ID is the canonical form of d: name and all parameters, stages joined by
// "+".
func ID(d Defense) string {
	var ids []string
	for _, s := range Stages(d) {
		ids = append(ids, params.ID(s.Info().Name, s))
	}
	return strings.Join(ids, "+")
}

// Parse finds the defense that id names in list and sets its parameters. id is
// NAME:key=value,key=value; stages of a chain are joined by "+".
func Parse(list []Defense, id string) (Defense, error) {
	var chain Chain
	for _, part := range strings.Split(id, "+") {
		name, set, err := params.Split(part)
		if err != nil {
			return nil, fmt.Errorf("defense %w", err)
		}
		d, err := find(list, name)
		if err != nil {
			return nil, err
		}
		if d, err = params.With(d, set); err != nil {
			return nil, fmt.Errorf("defense %s: %w", name, err)
		}
		chain = append(chain, d)
	}
	if len(chain) == 1 {
		return chain[0], nil
	}
	if err := chain.Validate(); err != nil {
		return nil, fmt.Errorf("defense %s: %w", id, err)
	}
	return chain, nil
}

func find(list []Defense, name string) (Defense, error) {
	names := make([]string, len(list))
	for i, d := range list {
		if names[i] = d.Info().Name; names[i] == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("unknown defense %q%s", name, params.DidYouMean(name, names))
}

// Label is the short form of d for tables: names and the parameters that
// differ from those in list.
func Label(list []Defense, d Defense) string {
	var out []string
	for _, s := range Stages(d) {
		name := s.Info().Name
		def, err := find(list, name)
		if err != nil {
			def = s
		}
		out = append(out, params.Short(name, s, def))
	}
	return strings.Join(out, " + ")
}
