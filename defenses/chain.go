package defenses

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"veilbench/datasets"
)

// Chain applies its stages in order: what leaves one is what the next gets. It
// is itself a Defense. An empty chain changes nothing.
type Chain []Defense

// Info names the chain after its stages, joined by "+". Its place is that of the
// last stage, and it needs whoever one of them needs, each named once.
func (c Chain) Info() Info {
	var info Info
	var names []string
	for _, d := range c {
		i := d.Info()
		names = append(names, i.Name)
		info.Place = i.Place

		// A map would lose the order in which tables name the parties.
		for _, n := range i.Needs {
			if !slices.Contains(info.Needs, n) {
				info.Needs = append(info.Needs, n)
			}
		}
	}

	info.Name = strings.Join(names, "+")
	info.Doc = "chain of " + strings.Join(names, ", then ")
	return info
}

// Apply runs every stage on a generator of its own, checks each result, composes
// the accounts, and checks the whole against in. The error names the stage by
// its ID.
func (c Chain) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	if err := c.refusesRadio(in); err != nil {
		return Defended{}, err
	}
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

	// Stages that each keep the rules can break one together: two delays within
	// the allowed backlog may add up to more.
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
