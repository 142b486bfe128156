package papers

import (
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// TestNamesLookedUp: of a paper's three names the device asks for two. Behind a
// defense without a sample nothing is known.
func TestNamesLookedUp(t *testing.T) {
	rs := reporttest.Study(5)
	c := rs[0].Cell
	q := results.Published{
		Task: c.Task, Defense: c.Defense, Attack: c.Attack, Metric: results.NamesSeen, Class: "cam",
		Names: []string{"a.example", "b.example", "c.example"}, Value: 3, Source: "A, figure 1",
	}
	s := reports.NewSet(rs, reports.Options{Samples: []results.Sample{{
		SampleKey: results.SampleKey{Dataset: c.Dataset, Task: c.Task, Vantage: c.Vantage, Split: c.Split, Defense: c.Defense, Seed: c.Seed},
		Names:     []results.DeviceNames{{Device: "cam", Recording: "r", Hosts: []string{"a.example", "d.example"}, Asked: []string{"a.example", "b.example"}}},
	}}})
	if v := namesLookedUp(s, q, reports.Pair{Panel: s.Panels[0], Defense: c.Defense}); !v.OK || v.Num != 2 {
		t.Errorf("%v names looked up, want 2 of the paper's 3", v)
	}
	if v := namesLookedUp(s, q, reports.Pair{Panel: s.Panels[0], Defense: "vpn"}); v.OK {
		t.Errorf("%v names looked up where there is no sample", v)
	}
}
