package cover_test

import (
	"testing"

	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, builtin.All()) }

// The contract with other than default parameters; package builtin runs those.
func TestContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"adaptive-padding:variant=normal-rcv",
		"front-t1",
		"front:size_bytes=1200",
		"cover-noise:kind=poisson",
		"cover-noise:per_hour=600",
		"cover-decoy:source=generated,per_hour=600",
		"cover-decoy:per_hour=600",
	)
}
