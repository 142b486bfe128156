package pad_test

import (
	"testing"

	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, builtin.All()) }

// The contract with other than default parameters; package builtin runs those.
func TestContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"pad-random:per=flow",
		"pad-random:per=burst,set=dyer",
		"pad-random:set=mtu,acks=pad",
		"pad-random:set=mtu-uniform",
		"pad-random:set=gaussian",
		"pad-level:to=fixed",
		"pad-level:to=linear",
		"pad-level:to=exponential",
		"pad-level:to=mice",
		"pad-level:to=levels",
		"pad-level:to=l100",
		"pad-level:to=l500",
		"pad-level:to=l700",
		"pad-level:to=l900,acks=pad",
		"fragment:by=bytes",
		"fragment:by=thirds",
		"fragment:parts=7",
	)
}
