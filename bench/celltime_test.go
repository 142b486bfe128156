//go:build unix

package bench

import (
	"fmt"
	"os"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/defenses"
)

// A cell of an attack that does nothing takes less than a millisecond of the harness:
// planning, asking, scoring, storing. A thousand of them, with VEILBENCH_FULL=1 five
// thousand.
func TestOverheadOfACell(t *testing.T) {
	draws := 20
	if os.Getenv("VEILBENCH_FULL") != "" {
		draws = 100
	}
	var as []attacks.Attack
	for i := range 18 {
		as = append(as, guesser(fmt.Sprint("idle-", i), func(t attacks.Training, _ datasets.Trace) (attacks.Answer, error) { return sure(t.Classes[0], 1), nil }))
	}
	g := clips(t, []defenses.Defense{defenses.None{}}, as)
	g.Attacks = g.Attacks[:18]
	g.Knowledge = []results.Knowledge{results.Unaware}
	g.NoCanaries = true
	g.Draws = draws

	before := datatest.CPU(t)
	rs, err := run(t, t.Context(), g, t.TempDir(), Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	took := datatest.CPU(t) - before
	t.Logf("%d cells in %s of CPU, %s each", len(rs), took, took/time.Duration(len(rs)))
	// On a busy machine the collector's workers spin, and count as well.
	if took > 2*time.Duration(len(rs))*time.Millisecond {
		t.Errorf("%d cells took %s of CPU, want a millisecond each", len(rs), took)
	}
}
