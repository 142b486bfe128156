package defenses

import (
	"cmp"
	"fmt"
	"strings"

	"veilbench/datasets/params"
)

// Presetter is the optional ability of a defense to offer settings of its
// parameters under names of their own: what a publication or another
// implementation of it uses. Parse takes such a name in the place of the
// defense's.
type Presetter interface {
	// Presets returns the presets in the order of a list. The slice is the
	// caller's. Their names are unique among those of all defenses.
	Presets() []Preset
}

// Preset is a defense with chosen parameters. Doc is one line, no capital, no
// period, with the publication and its section.
type Preset struct {
	Name, Doc string
	Defense   Defense
}

// DrawIDer is the optional ability of a defense to keep its random draws when
// its parameters get other names. The harness seeds what it draws for a defense
// with DrawID in the place of the ID: so a parameter that is renamed or added
// moves no score. Equal IDs must have equal draw IDs.
type DrawIDer interface {
	DrawID() string
}

// Completer is the optional ability of a defense to fill in parameters that follow
// from others when its name is parsed: what it reads from a file must show in its ID,
// under which results are kept.
type Completer interface {
	// Complete returns the defense to use in the receiver's place. Complete again, it
	// is the same.
	Complete() (Defense, error)
}

// Framer is the optional ability of a tunnel to say how many bytes of each of its
// packets that carry something are its framing, above the transport header and before
// any padding: the ledger needs it to count padding apart.
type Framer interface{ FramingBytes() int }

// Framing is what the last stage of d says as a Framer, 0 if it is none: what comes
// before it is inside.
func Framing(d Defense) int {
	stages := Stages(d)
	if len(stages) == 0 {
		return 0
	}
	if f, ok := stages[len(stages)-1].(Framer); ok {
		return f.FramingBytes()
	}
	return 0
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
	return joined(d, func(s Defense) string { return params.ID(s.Info().Name, s) })
}

// DrawID is what random draws for d are seeded with: its ID, but for stages
// that are a DrawIDer.
func DrawID(d Defense) string {
	return joined(d, func(s Defense) string {
		if r, ok := s.(DrawIDer); ok {
			return r.DrawID()
		}
		return ID(s)
	})
}

// joined is the id of every stage of d, joined by "+".
func joined(d Defense, id func(stage Defense) string) string {
	var ids []string
	for _, s := range Stages(d) {
		ids = append(ids, id(s))
	}
	return strings.Join(ids, "+")
}

// Parse finds the defense that id names in list, itself or by a preset, and sets
// its parameters. id is NAME:key=value,key=value; stages of a chain are joined
// by "+". Errors name what is unknown or out of range and, where something is
// near, what was meant.
func Parse(list []Defense, id string) (Defense, error) {
	var chain Chain
	for _, part := range strings.Split(id, "+") {
		name, set, err := params.Split(part)
		if err != nil {
			return nil, fmt.Errorf("defense %w", err)
		}
		found, err := find(list, name)
		if err != nil {
			return nil, err
		}
		d, err := params.With(found, set)
		if err != nil {
			return nil, fmt.Errorf("defense %s: %w%s", name, err, instead(found, set))
		}
		if c, ok := d.(Completer); ok {
			if d, err = c.Complete(); err != nil {
				return nil, fmt.Errorf("defense %s: %w", name, err)
			}
		}
		chain = append(chain, d)
	}

	// A single name is the defense itself, not a chain of one: the ID is the
	// same, but optional abilities would be lost.
	if len(chain) == 1 {
		return chain[0], nil
	}
	if err := chain.Validate(); err != nil {
		return nil, fmt.Errorf("defense %s: %w", id, err)
	}
	return chain, nil
}

// find looks for a defense or preset of that name.
func find(list []Defense, name string) (Defense, error) {
	var names []string
	for _, d := range list {
		for _, p := range named(d) {
			if p.Name == name {
				return p.Defense, nil
			}
			names = append(names, p.Name)
		}
	}
	return nil, fmt.Errorf("unknown defense %q%s", name, params.DidYouMean(name, names))
}

// named are the names that d goes by, its own first.
func named(d Defense) []Preset {
	names := []Preset{{Name: d.Info().Name, Defense: d}}
	if p, ok := d.(Presetter); ok {
		names = append(names, p.Presets()...)
	}
	return names
}

// instead suggests a preset of d for a parameter "variant" in set: presets were
// once its values, without the name of the defense in front.
func instead(d Defense, set [][2]string) string {
	var names []string
	for _, p := range named(d) {
		names = append(names, p.Name)
	}
	for _, kv := range set {
		if kv[0] == "variant" {
			return cmp.Or(params.DidYouMean(kv[1], names), params.DidYouMean(names[0]+"-"+kv[1], names))
		}
	}
	return ""
}

// Nearest is the name, of usual itself or of one of its presets, from which d
// differs in the fewest parameters, with the values that it stands for. Of
// several usual comes first, then presets in their order.
func Nearest(usual, d Defense) Preset {
	var best Preset
	least := -1
	have := params.List(d)
	for _, p := range named(usual) {
		n := 0
		for i, other := range params.List(p.Defense) {
			if i >= len(have) || other.Value != have[i].Value {
				n++
			}
		}
		if least < 0 || n < least {
			best, least = p, n
		}
	}
	return best
}

// Label is the short form of d for tables: of each stage the nearest name that
// list knows, and the parameters that differ from what that name stands for.
func Label(list []Defense, d Defense) string {
	var out []string
	for _, s := range Stages(d) {
		name := s.Info().Name
		near := Preset{Name: name, Defense: s}
		if usual, err := find(list, name); err == nil {
			near = Nearest(usual, s)
		}
		out = append(out, params.Short(near.Name, s, near.Defense))
	}
	return strings.Join(out, " + ")
}
