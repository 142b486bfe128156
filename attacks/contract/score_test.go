package contract

import (
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/datasets"
)

// truthful answers every test example right.
func truthful(d data) []attacks.Answer {
	out := make([]attacks.Answer, len(d.test))
	for i, e := range d.test {
		a := &out[i]
		a.Clip = []attacks.Ranked{{Class: e.Class, P: 1}}
		for _, ev := range e.Labels.Events {
			a.Events = append(a.Events, attacks.Burst{
				Start: ev.Start, End: ev.Start, Score: 1, Ranked: []attacks.Ranked{{Class: e.Labels.Class(ev), P: 1}},
			})
		}
		for _, o := range e.Labels.Owners {
			a.Devices = append(a.Devices, attacks.Owner{Class: o, P: 1})
		}
		for _, c := range e.Labels.Commands {
			counts := make([]uint8, len(d.training.Classes))
			for _, x := range c.Actions {
				for j, name := range d.training.Classes {
					if name == x.Action {
						counts[j] = uint8(x.Count)
					}
				}
			}
			a.Commands = append(a.Commands, attacks.Message{Time: c.Time, Candidates: [][]uint8{counts}})
		}
		for _, x := range diary.Of(e.Labels, e.Trace.End, d.training.Classes) {
			a.Slots = append(a.Slots, attacks.Slot{State: int32(x.State), P: 1})
		}
	}
	return out
}

// TestScoreKnowsTruth: the kit's scores are 1 for the truth and 0 for silence.
func TestScoreKnowsTruth(t *testing.T) {
	for _, task := range datasets.Tasks() {
		d := makeData(task, false)
		if s := score(d, truthful(d)); s.share() != 1 || !s.aboveChance(d.chance) {
			t.Errorf("%s: the truth scores %s", task, s)
		}
		if s := score(d, make([]attacks.Answer, len(d.test))); s.share() != 0 {
			t.Errorf("%s: silence scores %s", task, s)
		}
	}
}

func TestAboveChance(t *testing.T) {
	for _, c := range []struct {
		s    outcome
		p    float64
		want bool
	}{
		{outcome{25, 100}, 0.25, false},
		{outcome{41, 100}, 0.25, false}, // 3.5 deviations of 4.33 and one item of slack: 41.2
		{outcome{42, 100}, 0.25, true},
		{outcome{0, 0}, 0.5, false},
	} {
		if got := c.s.aboveChance(c.p); got != c.want {
			t.Errorf("%s against %v: %v, want %v", c.s, c.p, got, c.want)
		}
	}
}
