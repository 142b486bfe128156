package tables

import (
	"bytes"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/gate"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// A probe that failed is shouted on the headline and misses the gate; the curve is
// drawn.
func TestFailedProbesAreLoud(t *testing.T) {
	rs := reporttest.Small()
	found := &results.Probes{
		Verdicts: []results.Verdict{{Name: "leaks of d", Detail: "nothing found", OK: true}, {Name: "labels shifted", Detail: "higher at 20 s"}},
		Shifts: []results.ShiftCurve{{
			Cell: rs[0].Cell, Unit: "s", Floor: 0.1,
			Points: []results.ShiftPoint{{By: -20, Score: 0.1}, {By: 0, Score: 0.4}, {By: 20, Score: 0.9}},
		}},
	}
	s := reports.NewSet(rs, reports.Options{Probes: found})
	const loud = "PROBE FAILED: labels shifted: higher at 20 s"
	var text bytes.Buffer
	if err := table.Write(&text, table.Text, reports.TablesOf(s, Terminal())); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), loud) || !strings.Contains(text.String(), "probes: 1 of 2 passed") {
		t.Error("the headline does not say that a probe failed")
	}
	vs, err := gate.Judge(gate.Run{Set: s}, gate.Budget{AllTasks: new(1.0)}, gate.Run{})
	if err != nil || vs[0].Name != "probe" || !vs[0].State.Missed() {
		t.Errorf("the gate begins with %+v %v", vs[0], err)
	}
	ts := Probes.Tables(s)
	if len(ts) != 2 || ts[0].Rows[1][1].Text != "FAIL" || len(ts[1].Rows) != 3 || ts[1].Rows[2][1].Num != 0.9 {
		t.Errorf("tables %+v", ts)
	}
	if ts := Probes.Tables(reports.NewSet(rs, reports.Options{})); ts != nil {
		t.Error("probes of a run that made none")
	}
}
