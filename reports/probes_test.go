package reports

import (
	"bytes"
	"strings"
	"testing"

	"veilbench/bench/results"
)

// A probe that failed is shouted on the headline and on the page; the curve is
// drawn.
func TestFailedProbesAreLoud(t *testing.T) {
	rs := smallFixture()
	found := &results.Probes{
		Verdicts: []results.Verdict{{Name: "leaks of d", Detail: "nothing found", OK: true}, {Name: "labels shifted", Detail: "higher at 20 s"}},
		Shifts: []results.ShiftCurve{{
			Cell: rs[0].Cell, Unit: "s", Floor: 0.1,
			Points: []results.ShiftPoint{{By: -20, Score: 0.1}, {By: 0, Score: 0.4}, {By: 20, Score: 0.9}},
		}},
	}
	s := NewSet(rs, Options{Probes: found})
	const loud = "PROBE FAILED: labels shifted: higher at 20 s"
	if text := s.text(); !strings.Contains(text, loud) || !strings.Contains(text, "probes: 1 of 2 passed") {
		t.Error("the headline does not say that a probe failed")
	}
	var page bytes.Buffer
	if err := s.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(page.String(), loud); n < 2 {
		t.Errorf("the page says %d times that a probe failed", n)
	}
	vs, err := s.Gate(Budget{AllTasks: limit(1)}, nil)
	if err != nil || vs[0].Name != "probe" || vs[0].OK {
		t.Errorf("the gate begins with %+v %v", vs[0], err)
	}
	ts := s.Tables("probes")
	if len(ts) != 2 || ts[0].Rows[1][1].Text != "FAIL" || len(ts[1].Rows) != 3 || ts[1].Rows[2][1].Num != 0.9 {
		t.Errorf("tables %+v", ts)
	}
	if ts := NewSet(rs, Options{}).Tables("probes"); ts != nil {
		t.Error("probes of a run that made none")
	}
}
