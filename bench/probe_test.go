package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/bench/selfcheck/planted"
	"veilbench/datasets"
	"veilbench/defenses"
)

// probeGrid is one attack on small homes without a defense.
func probeGrid(t *testing.T) Grid {
	g := smallGrid(t)
	g.Defenses, g.Attacks, g.Knowledge = g.Defenses[:1], []attacks.Attack{attack(t, "event-knn:k=1,gap_s=1")}, []results.Knowledge{results.Adaptive}
	return g
}

func probed(t *testing.T, g Grid, names ...string) results.Probes {
	t.Helper()
	rs, err := Run(context.Background(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := RunProbes(context.Background(), g, rs, names)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLabelShiftPeaksAtZero(t *testing.T) {
	p := probed(t, probeGrid(t), LabelShiftProbe)
	if len(p.Verdicts) != 1 || !p.Verdicts[0].OK {
		t.Fatalf("%+v", p.Verdicts)
	}
	for _, x := range p.Shifts[0].Points {
		if (x.By == 0) != (x.Score > 0.5) {
			t.Errorf("score %v at a shift of %v s", x.Score, x.By)
		}
	}
}

// A home whose labels' clock is 20 s behind must give a peak 20 s later.
func TestLabelShiftFindsAWrongClock(t *testing.T) {
	g := probeGrid(t)
	folds, err := g.split(&g.Datasets[0]).Folds(&g.Datasets[0], datasets.TaskEvent)
	if err != nil {
		t.Fatal(err)
	}
	g.Datasets = slices.Clone(g.Datasets)
	recs := slices.Clone(g.Datasets[0].Recordings)
	g.Datasets[0].Recordings = recs
	for _, i := range folds[0][0].Test {
		recs[i].Labels = moveLabels(recs[i].Labels, datasets.TaskEvent, recs[i].Trace.End, -20)
		recs[i].Labels.Cause = nil // which would tell when the event's packets really left
	}
	v := probed(t, g, LabelShiftProbe).Verdicts[0]
	if v.OK || !strings.Contains(v.Detail, "shifted by 20 s") {
		t.Errorf("%+v", v)
	}
}

func TestJudgeShiftCurves(t *testing.T) {
	for _, c := range []struct {
		name   string
		scores []float64 // at -4, -1, 0, 1, 4
		ok     bool
		says   string
	}{
		{"honest", []float64{.1, .5, .9, .5, .1}, true, "0.90 at 0"},
		{"does not fall", []float64{.6, .6, .9, .6, .6}, false, "does not fall"},
		{"falls on one side", []float64{.1, .1, .9, .9, .5}, false, "does not fall"},
		{"peak elsewhere", []float64{.1, .1, .5, .9, .1}, false, "shifted by 1 s"},
		{"nothing learned", []float64{.1, .12, .1, .09, .1}, true, "at its floor"},
		{"learned with other labels", []float64{.1, .1, .1, .8, .1}, false, "shifted by 1 s"},
	} {
		curve := results.ShiftCurve{Unit: "s", Floor: 0.1}
		for i, s := range c.scores {
			curve.Points = append(curve.Points, results.ShiftPoint{By: []float64{-4, -1, 0, 1, 4}[i], Score: s})
		}
		if says, ok := judgeShift(curve); ok != c.ok || !strings.Contains(says, c.says) {
			t.Errorf("%s: %v %q", c.name, ok, says)
		}
	}
}

// Zones differ by hours: a peak there is told if it is high, one of a timetable is
// not, and neither changes what is far off.
func TestJudgeShiftByHours(t *testing.T) {
	for _, c := range []struct {
		name  string
		hour  float64
		ok    bool
		score float64
	}{{"honest", .1, true, .9}, {"a timetable", .92, true, .9}, {"a wrong zone", .9, false, .3}} {
		curve := results.ShiftCurve{Unit: "s", Floor: 0.1, Points: []results.ShiftPoint{
			{By: -3600, Score: 0.1}, {By: -320, Score: 0.1}, {By: 0, Score: c.score}, {By: 320, Score: 0.1}, {By: 3600, Score: c.hour},
		}}
		if says, ok := judgeShift(curve); ok != c.ok || !ok && !strings.Contains(says, "shifted by 3600 s") {
			t.Errorf("%s: %v %q", c.name, ok, says)
		}
	}

	day := []score.Test{{Trace: datasets.Trace{End: 30 * time.Hour}}}
	if s := shiftSteps(datasets.TaskEvent, day); s[len(s)-1] != 14*3600 || !slices.Contains(s, -1800) || !slices.Contains(s, 10) {
		t.Errorf("steps %v", s)
	}
}

// What is moved beyond an end comes in at the other, nothing is lost, and
// moving back gives what was.
func TestMoveLabelsIsARing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	end := 100 * time.Second
	var l datasets.Labels
	for i := range 30 {
		at := time.Duration(i) * 3 * time.Second
		l.Events = append(l.Events, datasets.Event{Start: at, End: at + time.Second, Device: i})
		l.Commands = append(l.Commands, datasets.Command{Time: at, Actions: []datasets.ActionCount{{Action: "on", Count: i + 1}}})
		l.Owners = append(l.Owners, int32(r.IntN(4)))
	}
	for _, by := range []int{0, 1, 14, -14} {
		for _, task := range []datasets.Task{datasets.TaskEvent, datasets.TaskDevice, datasets.TaskCommand} {
			there := moveLabels(l, task, end, by)
			back := moveLabels(there, task, end, -by)
			for i := range l.Owners {
				if back.Owners[i] != l.Owners[i] || back.Events[i] != l.Events[i] || back.Commands[i].Time != l.Commands[i].Time {
					t.Fatalf("%s by %d: item %d is not where it was", task, by, i)
				}
			}
			if task == datasets.TaskEvent && !slices.IsSortedFunc(there.Events, func(a, b datasets.Event) int { return int(a.Start - b.Start) }) {
				t.Errorf("events are out of order after a shift by %d", by)
			}
		}
	}
	if o := moveLabels(l, datasets.TaskDevice, end, 1).Owners; o[1] != l.Owners[0] || o[0] != l.Owners[29] {
		t.Error("owners did not move one packet later")
	}
	if e := moveLabels(l, datasets.TaskEvent, end, 14).Events[0]; e.Start != time.Second {
		t.Errorf("the first event is at %v, want the one from 87 s at 1 s", e.Start)
	}
}

// A recording that stands in two groups is a copy on both sides of the split.
func TestLeakProbeFindsCopies(t *testing.T) {
	g := Grid{
		Datasets: []datasets.Dataset{planted.Clips(true)}, Defenses: []defenses.Defense{defenses.None{}},
		Attacks: []attacks.Attack{attack(t, "guess-majority")}, Seed: 1,
	}
	if p := probed(t, g, LeakProbe); len(p.Verdicts) != 1 || !p.Verdicts[0].OK {
		t.Fatalf("%+v", p.Verdicts)
	}
	ds := planted.Clips(true)
	ds.Recordings[len(ds.Recordings)-1].Trace = ds.Recordings[1].Trace
	g.Datasets = []datasets.Dataset{ds}
	if v := probed(t, g, LeakProbe).Verdicts[0]; v.OK || !strings.Contains(v.Detail, "copies") {
		t.Errorf("%+v", v)
	}
}
