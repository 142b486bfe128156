package timing_test

import (
	"testing"

	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, builtin.All()) }

// The contract with other than default parameters; package builtin runs those.
func TestContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"jitter:min_s=0",
	)
}
