package bench

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/rate"
)

// quietShaper claims what its shaper does and adds a tenth of the noise: sqrt(11.55 +
// l) - sqrt(l) is ten times sqrt(1 + l) - sqrt(l) at l = log(10^6).
type quietShaper struct{ rate.DPShape }

func (quietShaper) Info() defenses.Info {
	return defenses.Info{Name: "quiet-shaper", Doc: "hostile", Place: defenses.AtGateway}
}

func (d quietShaper) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	d.Epsilon = 11.55
	return d.DPShape.Apply(rng, in)
}

// A claim that is refuted fails the cells of its defense and no other; one that
// stands has the lower limit beside it.
func TestRefutedClaimFailsTheCell(t *testing.T) {
	d := rate.NewDPShape()
	d.IntervalS, d.IntervalUpS, d.WindowS = 1, 1, 1 // takes little to try
	rs, err := Run(context.Background(), Grid{
		Datasets: []datasets.Dataset{small(t, "home:event_clips:hours=0.3")}, Attacks: []attacks.Attack{attack(t, "guess-majority"), attack(t, "guess-exact")},
		Defenses: []defenses.Defense{d, quietShaper{d}}, Knowledge: []results.Knowledge{results.Adaptive}, Seed: 1,
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range rs {
		switch {
		case strings.HasPrefix(r.Cell.Defense, "quiet-shaper"):
			n++
			if !strings.Contains(r.Err, `claims "epsilon up" of 1, which is refuted: at least 2.`) || r.Metrics != nil {
				t.Errorf("%s: error %q", r.Cell.Attack, r.Err)
			}
		case r.Err != "" || len(r.Audits) != 2 || r.Audits[0].Claim != "epsilon up" || r.Audits[0].Claimed < 0.999 || r.Audits[0].Limit > 0.5:
			t.Errorf("%s: error %q, audits %+v", r.Cell.Attack, r.Err, r.Audits)
		}
	}
	if n == 0 {
		t.Error("no cell")
	}
}
