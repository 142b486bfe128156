package defenses

import (
	"math/rand/v2"

	"veilbench/datasets"
)

// None changes nothing. It is the row that every other is measured against.
type None struct{}

var _ Defense = None{}

// Info puts it at the device, where it may stand before any other stage.
func (None) Info() Info {
	return Info{Name: "none", Doc: "traffic as it is", Place: AtDevice}
}

// Apply returns in itself, without an account.
func (None) Apply(_ *rand.Rand, in datasets.Trace) (Defended, error) {
	return Defended{Trace: in}, nil
}
