package rate_test

import (
	"testing"

	"veilbench/defenses/builtin"
	"veilbench/defenses/defensetest"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, builtin.All()) }

// The contract with other than default parameters; package builtin runs those.
func TestContract(t *testing.T) {
	defensetest.RunAll(t, builtin.All(),
		"constant-rate:per=home",
		"constant-rate:interval_down_s=0.03",
		"buflo",
		"buflo-home:per=home",
		"tamaraw",
		"tamaraw-front",
		"tamaraw-home",
		"uniform-burst:slots=10",
		"regulator-light:n=50",
		"stp:per=home",
		"cover-stp:q=0",
		"dp-shape-web-100ms:epsilon=1000",
		"anonymity-sets:k=3,begin_s=0.2,tail_s=0.05",
		"activity-stp:ratio=2",
	)
}
