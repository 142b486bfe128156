package defenses_test

import (
	"testing"

	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

func TestContract(t *testing.T) {
	for _, d := range defenses.All() {
		t.Run(d.Info().Name, func(t *testing.T) { defensetest.Run(t, d) })
	}
}
