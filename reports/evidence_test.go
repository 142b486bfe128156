package reports_test

import (
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// A defense of which nothing is known has a line of its own, which misses the gate
// unless it is allowed; one at its floor with evidence keeps it.
func TestGateAsksForEvidence(t *testing.T) {
	for _, c := range []struct{ defense, state, detail string }{
		{"earned", "", "worst attack event-forest has advantage 0.00"},
		{"worse", "", "advantage 0.44"},
		{"blind", "no evidence", "event-forest finds 3 of 40 canaries behind blind"},
		{"plain", "no evidence", "no canary was planted"},
		{"empty", "no evidence", "the view leaves next to nothing"},
		{"mislabeled", "no evidence", "the labels do not fit"},
	} {
		rs := reporttest.Unearned()
		for _, allow := range []bool{false, true} {
			vs, err := reports.NewSet(keepSubject(rs, "home:made_up", "wan"), reports.Options{}).Gate(reports.Budget{Defense: c.defense, AllTasks: limit(1), AllowNoEvidence: allow}, nil)
			if err != nil || len(vs) != 1 {
				t.Fatalf("%s: %d verdicts, %v", c.defense, len(vs), err)
			}
			state := c.state
			if state != "" && allow {
				state += " (allowed)"
			}
			v := vs[0]
			if v.OK != (c.state == "" || allow) || v.State != state || !strings.Contains(v.Detail, c.detail) {
				t.Errorf("%s, allowed %v: %+v", c.defense, allow, v)
			}
		}
	}
}

// keepSubject keeps what was seen of a data set from one vantage point.
func keepSubject(rs []results.Result, dataset, vantage string) []results.Result {
	var out []results.Result
	for _, r := range rs {
		if r.Cell.Dataset == dataset && string(r.Cell.Vantage) == vantage {
			out = append(out, r)
		}
	}
	return out
}

// The change since a baseline is not known where either side is not.
func TestGateRiseAsksForEvidence(t *testing.T) {
	rs := keepSubject(reporttest.Unearned(), "home:made_up", "wan")
	without := func(defense string) []results.Result {
		var out []results.Result
		for _, r := range rs {
			if r.Cell.Knowledge != results.Planted || r.Cell.Defense != defense {
				out = append(out, r)
			}
		}
		return out
	}
	known, unknown := reports.NewSet(rs, reports.Options{}), reports.NewSet(without("earned"), reports.Options{})
	for name, sets := range map[string][2]*reports.Set{"now": {unknown, known}, "before": {known, unknown}} {
		vs, err := sets[0].Gate(reports.Budget{Defense: "earned", Rise: limit(1)}, sets[1])
		if err != nil || len(vs) != 1 || vs[0].OK || vs[0].State != reports.NoEvidence {
			t.Errorf("%s: %+v, %v", name, vs, err)
		}
	}
}

// A report of one defense or knowledge has the evidence of all results.
func TestShownResultsKeepTheirEvidence(t *testing.T) {
	rs := reporttest.Unearned()
	s := reports.NewSet(rs, reports.Options{Show: func(r results.Result) bool { return r.Cell.Defense == "earned" && r.Cell.Dataset == "home:made_up" }})
	if len(s.Results) != 20 || len(s.Panels) != 1 {
		t.Fatalf("%d results of %d panels", len(s.Results), len(s.Panels))
	}
	if m := s.Summaries[reports.Subject{Panel: s.Panels[0], Defense: "earned"}]; m.NoEvidence != "" || m.Rest != 2 {
		t.Errorf("%+v", m)
	}
}
