package attacks

import (
	"fmt"

	"veilbench/datasets/params"
)

// ID is the canonical form of a, NAME:key=value,key=value with all parameters
// sorted: equal IDs are equal attacks, and draws hang on it.
func ID(a Attack) string { return params.ID(a.Info().Name, a) }

// Parse finds the attack that id (NAME:key=value,key=value) names in list and
// returns a copy with these parameters; those left out are as in list. Errors name
// what is unknown or out of range and, for a name or key, the nearest that is
// not.
func Parse(list []Attack, id string) (Attack, error) {
	name, set, err := params.Split(id)
	if err != nil {
		return nil, fmt.Errorf("attack %w", err)
	}
	names := make([]string, len(list))
	for i, a := range list {
		if names[i] = a.Info().Name; names[i] != name {
			continue
		}
		if a, err = params.With(a, set); err != nil {
			return nil, fmt.Errorf("attack %s: %w", name, err)
		}
		return a, nil
	}
	return nil, fmt.Errorf("unknown attack %q%s", name, params.DidYouMean(name, names))
}

// Label is the short form of a for tables: the name and the parameters that
// differ from those in list.
func Label(list []Attack, a Attack) string {
	name := a.Info().Name
	for _, d := range list {
		if d.Info().Name == name {
			return params.Short(name, a, d)
		}
	}
	return params.ID(name, a)
}
