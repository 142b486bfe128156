package defenses_test

import (
	"testing"

	"veilbench/defenses"
	"veilbench/defenses/defensetest"
)

func TestGolden(t *testing.T) { defensetest.Golden(t, []defenses.Defense{defenses.None{}}) }
