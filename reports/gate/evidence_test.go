package gate

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
	for _, c := range []struct {
		defense string
		state   State
		detail  string
	}{
		{"earned", pass, "worst attack event-forest has advantage 0.00"},
		{"worse", pass, "advantage 0.44"},
		{"blind", noEvidence, "event-forest finds 3 of 40 canaries behind blind"},
		{"plain", noEvidence, "no canary was planted"},
		{"empty", noEvidence, "the view leaves next to nothing"},
		{"mislabeled", noEvidence, "the labels do not fit"},
	} {
		rs := reporttest.Unearned()
		for _, allow := range []bool{false, true} {
			s := reports.NewSet(keepSubject(rs, "home:made_up", "wan"), reports.Options{})
			vs, err := Judge(Run{"out", s}, Budget{Defense: c.defense, AllTasks: limit(1), AllowNoEvidence: allow}, Run{})
			if err != nil {
				t.Fatalf("%s: %v", c.defense, err)
			}
			state := c.state
			if state == noEvidence && allow {
				state = allowed
			}
			v := vs[0]
			if v.State != state || v.State.Missed() != (c.state == noEvidence && !allow) || !strings.Contains(v.Detail, c.detail) {
				t.Errorf("%s, allowed %v: %+v", c.defense, allow, v)
			}

			// What is missed says what to try; what is kept says what it rests on, in a line
			// that is no limit.
			if (v.Try != "") != v.State.Missed() {
				t.Errorf("%s, allowed %v: what to try: %q", c.defense, allow, v.Try)
			}
			rests := len(vs) == 2 && vs[1].State == evidence && strings.Contains(vs[1].Detail, "attackers count")
			if rests != (c.state == pass) {
				t.Errorf("%s: evidence %+v", c.defense, vs[1:])
			}
			if limits, _, _ := (Outcome{Lines: vs}).Counts(); limits != 1 {
				t.Errorf("%s: %d limits, want 1", c.defense, limits)
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
		vs, err := Judge(Run{"now", sets[0]}, Budget{Defense: "earned", Rise: limit(1)}, Run{"before", sets[1]})
		if err != nil || len(vs) != 1 || vs[0].State != noEvidence {
			t.Errorf("%s: %+v, %v", name, vs, err)
		}
	}
}
