package results

import (
	"slices"
	"testing"
)

// undefended is what an attack reaches in ten groups without a defense.
func undefended(attack string, score float64) Result {
	r := tried(attack, scores(20, 0.1, slices.Repeat([]float64{score}, 10)...)...)
	r.Cell.Defense, r.Cell.TrainDefense = NoDefense, NoDefense
	return r
}

// behind is what an attack reaches behind the defense x.
func behind(attack string, score float64) Result {
	return tried(attack, scores(20, 0.1, slices.Repeat([]float64{score}, 10)...)...)
}

// canaries is a planted cell behind x.
func canaries(attack string, found, through float64) Result {
	r := tried(attack)
	r.Cell.Knowledge, r.Headline, r.Groups = Planted, CanaryRecall, nil
	r.Metrics = []Metric{{CanaryRecall, found}, {CanaryThroughRecall, through}, {Canaries, 40}, {CanariesThrough, 20}}
	return r
}

// TestNoZeroIsUnearned: a score at its floor is a defense's only if the attack
// works without it and is not blind behind it.
func TestNoZeroIsUnearned(t *testing.T) {
	doubted := behind("a", 0.1)
	doubted.Doubted = []Reason{BadLabels}
	unseen := behind("a", 0.1)
	unseen.Groups, unseen.Metrics = nil, nil
	failed := canaries("a", 0, 0)
	failed.Err, failed.Metrics = "broken", nil

	for _, c := range []struct {
		name string
		rs   []Result
		want Reason
	}{
		{"earned", []Result{undefended("a", 0.9), behind("a", 0.1), canaries("a", 1, 0)}, ""},
		{"half of the canaries", []Result{undefended("a", 0.9), behind("a", 0.1), canaries("a", 0.5, 0)}, ""},
		{"blind", []Result{undefended("a", 0.9), behind("a", 0.1), canaries("a", 0.475, 0)}, CanaryMissed},
		{"no canary", []Result{undefended("a", 0.9), behind("a", 0.1)}, NoCanary},
		{"the canary's cell failed", []Result{undefended("a", 0.9), behind("a", 0.1), failed}, NoCanary},
		{"at its floor undefended", []Result{undefended("a", 0.1), behind("a", 0.1), canaries("a", 1, 1)}, FloorUndefended},
		{"below its floor undefended", []Result{undefended("a", 0), behind("a", 0.1), canaries("a", 1, 1)}, FloorUndefended},
		{"not run undefended", []Result{behind("a", 0.1), canaries("a", 1, 1)}, NoUndefended},
		{"another attack was run undefended", []Result{undefended("b", 0.9), behind("a", 0.1), canaries("a", 1, 1)}, NoUndefended},
		{"labels that fit nothing", []Result{undefended("a", 0.9), doubted, canaries("a", 1, 1)}, BadLabels},
		{"nothing to be seen", []Result{undefended("a", 0.9), unseen, canaries("a", 1, 1)}, EmptyView},

		// A defense may add a leak: what is above the floor stands.
		{"above the floor, blind", []Result{undefended("a", 0.9), behind("a", 0.4), canaries("a", 0, 0)}, ""},
		{"above the floor, at it undefended", []Result{undefended("a", 0.1), behind("a", 0.4), canaries("a", 0, 0)}, ""},
		{"another attack has evidence", []Result{undefended("a", 0.9), undefended("b", 0.5), behind("a", 0.1), behind("b", 0.1), canaries("a", 0, 0), canaries("b", 1, 0)}, ""},
	} {
		s := summaryOf(t, "x", c.rs)
		if s.NoEvidence != c.want {
			t.Errorf("%s: %q, want %q", c.name, s.NoEvidence, c.want)
		}
		if s.NoEvidence != "" && (s.HasInterval || s.Rest != 0) {
			t.Errorf("%s: an interval [%v %v] of what is not known, resting on %d", c.name, s.Lo, s.Hi, s.Rest)
		}
		if s.NoEvidence == "" && s.Evidence.OK() != true {
			t.Errorf("%s: the attack named, %s, has no evidence", c.name, s.Attack)
		}
	}
}

// TestBlindAttacksEarnNothing: the summary is about the attackers that count; one
// without evidence neither lowers nor names it, and no attacker more lowers it.
func TestBlindAttacksEarnNothing(t *testing.T) {
	seeing := []Result{undefended("a", 0.9), behind("a", 0.1), canaries("a", 1, 0)}
	want := summaryOf(t, "x", seeing)
	blind := []Result{undefended("b", 0.9), behind("b", 0.1), canaries("b", 0, 0)}
	got := summaryOf(t, "x", slices.Concat(seeing, blind))
	if got.Attack != "a" || got.Advantage < want.Advantage || got.Hi < want.Hi || got.Rest != 1 || len(got.Reached) != 2 {
		t.Errorf("%+v, alone %+v", got, want)
	}
}

// TestWithoutDefenseToo: at the floor of undefended data nothing is earned either.
func TestWithoutDefenseToo(t *testing.T) {
	seen := canaries("a", 1, 1)
	seen.Cell.Defense = NoDefense
	if s := summaryOf(t, NoDefense, []Result{undefended("a", 0.1), seen}); s.NoEvidence != FloorUndefended {
		t.Errorf("%q", s.NoEvidence)
	}
}

// TestOverDevices: the advantage is the mean of the devices' own, whatever their
// floors; by hand.
func TestOverDevices(t *testing.T) {
	for _, c := range []struct {
		ds   []DeviceScore
		want float64
	}{
		{[]DeviceScore{{Value: 0.5}, {Value: 1}}, 0.75},
		{[]DeviceScore{{Value: 0.9, Floor: 0.8}, {Value: 0.4, Floor: 0.1}}, (0.5 + 1.0/3) / 2},
		{[]DeviceScore{{Value: 1, Floor: 0.9}, {Value: 1}}, 1},
		{[]DeviceScore{{Value: 0.2, Floor: 0.4}, {Value: 0}}, -1.0 / 6},
		{[]DeviceScore{{Value: 0, Floor: 0.99}, {Value: 0.7}, {Value: 0.8}}, 0.5}, // a lock on a timetable hides no camera
	} {
		value, floor := OverDevices(c.ds)
		if got := (value - floor) / (1 - floor); max(got-c.want, c.want-got) > 1e-9 || floor >= 1 {
			t.Errorf("%+v: %v over %v is %v, want %v", c.ds, value, floor, got, c.want)
		}
	}
}

// TestMeasuredHasNoCanaries: what holds canaries is no score of anybody.
func TestMeasuredHasNoCanaries(t *testing.T) {
	rs := []Result{undefended("a", 0.9), behind("a", 0.1), canaries("a", 1, 0)}
	if got := Measured(rs); len(got) != 2 || len(rs) != 3 {
		t.Errorf("%d of %d", len(got), len(rs))
	}
	for _, s := range Summaries(rs) {
		if s.Cells != 1 {
			t.Errorf("%s: %d cells", s.Defense, s.Cells)
		}
	}
}
