package contract

import (
	"fmt"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/kit"
)

// outcome is how many items of how many are right.
type outcome struct{ right, total int }

// share is 0 where there was no item.
func (s outcome) share() float64 {
	if s.total == 0 {
		return 0
	}
	return float64(s.right) / float64(s.total)
}

// String is how test failures print it.
func (s outcome) String() string { return fmt.Sprintf("%d of %d", s.right, s.total) }

// aboveChance is a one-sided binomial test by the normal approximation at 3.5
// standard deviations (about 1 in 4000), with one item of slack.
func (s outcome) aboveChance(p float64) bool {
	n := float64(s.total)
	return float64(s.right)-1 > n*p+3.5*math.Sqrt(n*p*(1-p))
}

// score counts right answers of d.test: clips, packets, quarter hours, commands found
// among the best candidates, and for events an F1 in the form of counts: twice the
// matches of truth and detections.
func score(d data, answers []attacks.Answer) outcome {
	var s outcome
	for i, e := range d.test {
		a := answers[i]

		switch d.training.Task {
		case datasets.TaskClip, datasets.TaskDetect:
			s.total++
			if len(a.Clip) > 0 && a.Clip[0].Class == e.Class {
				s.right++
			}
		case datasets.TaskEvent:
			s.addEvents(e, a)
		case datasets.TaskDevice:
			// Packets that no owner was given for are missing from a.Devices, which
			// wellFormed reports; here the length is that of the answer.
			for p, o := range a.Devices {
				s.total++
				if o.Class >= 0 && d.training.Classes[o.Class] == e.Labels.Devices[e.Labels.Owners[p]] {
					s.right++
				}
			}
		case datasets.TaskCommand:
			s.addCommands(d.training.Classes, e, a)
		case datasets.TaskRoutine:
			s.addSlots(d.training.Classes, e, a)
		}
	}
	return s
}

// detection says whether b names an event, as surely as a asks for.
func detection(a attacks.Answer, b attacks.Burst) bool {
	c := b.Ranked[0].Class
	return c != datasets.Other && c != datasets.Unknown && b.Score >= a.Threshold
}

// addEvents pairs events and detections as bench does.
func (s *outcome) addEvents(e attacks.Labeled, a attacks.Answer) {
	var found []match.Span
	for _, b := range a.Events {
		if detection(a, b) {
			found = append(found, match.Span{From: b.Start, To: b.End, Class: b.Ranked[0].Class})
		}
	}
	s.right += 2 * match.Hits(match.Windows(match.Truth(e.Labels), found, match.Tolerance, match.ByClass))
	s.total += len(e.Labels.Events) + len(found)
}

// addCommands counts the commands that a message within a second of them names
// exactly, action by action.
func (s *outcome) addCommands(classes []string, e attacks.Labeled, a attacks.Answer) {
	for _, c := range e.Labels.Commands {
		s.total++
		want := make([]uint8, len(classes))
		for _, x := range c.Actions {
			want[slices.Index(classes, x.Action)] = uint8(x.Count)
		}
		for _, m := range a.Commands {
			if (m.Time-c.Time).Abs() <= time.Second && m.Best >= 0 && slices.Equal(m.Candidates[m.Best], want) {
				s.right++
				break
			}
		}
	}
}

// wellFormed checks what Answer promises: scoring and tables index by class and
// by place and go by the order of time without looking again.
func wellFormed(t kit.T, tr attacks.Training, trace datasets.Trace, a attacks.Answer) {
	t.Helper()
	switch tr.Task {
	case datasets.TaskClip, datasets.TaskDetect:
		if len(a.Clip) == 0 {
			t.Error("no ranked class for a clip or an hour")
		}
		ranks(t, tr, a.Clip)

	case datasets.TaskEvent:
		if math.IsNaN(a.Threshold) || math.IsInf(a.Threshold, 0) {
			t.Errorf("threshold %v is no number", a.Threshold)
		}
		for i, b := range a.Events {
			if len(b.Ranked) == 0 {
				t.Fatalf("burst %d has no ranked class", i)
			}
			ranks(t, tr, b.Ranked)
			if b.LeftOut && b.Ranked[0].Class != datasets.Unknown {
				t.Errorf("burst %d is left out and yet called %s", i, b.Ranked[0].Class)
			}
			if b.End < b.Start || i > 0 && b.Start < a.Events[i-1].Start || math.IsNaN(b.Score) || math.IsInf(b.Score, 0) {
				t.Errorf("burst %d from %v to %v, score %v: out of order or no number", i, b.Start, b.End, b.Score)
			}
		}

	case datasets.TaskDevice:
		if len(a.Devices) != len(trace.Packets) {
			t.Errorf("%d owners for %d packets", len(a.Devices), len(trace.Packets))
		}
		for i, o := range a.Devices {
			// Written so that a NaN is no probability either.
			if o.Class < -1 || int(o.Class) >= len(tr.Classes) || !(o.P >= 0 && o.P <= 1.0001) {
				t.Fatalf("packet %d: class %d of %d, probability %v", i, o.Class, len(tr.Classes), o.P)
			}
		}

	case datasets.TaskCommand:
		for i, m := range a.Commands {
			if m.Best < -1 || m.Best >= len(m.Candidates) || i > 0 && m.Time < a.Commands[i-1].Time {
				t.Errorf("message %d: best %d of %d candidates at %v", i, m.Best, len(m.Candidates), m.Time)
			}
		}

	case datasets.TaskRoutine:
		if want := diary.Slots(trace.End); len(a.Slots) != want {
			t.Errorf("%d slots for %d quarter hours", len(a.Slots), want)
		}
		for i, x := range a.Slots {
			if x.State < -1 || int(x.State) >= len(tr.Classes) || !(x.P >= 0 && x.P <= 1.0001) || !(x.Several >= 0 && x.Several <= 1.0001) || !(x.Events >= 0) {
				t.Fatalf("slot %d: %+v of %d states", i, x, len(tr.Classes))
			}
		}
	}
}

// ranks checks that every class was asked for and that probabilities fall and
// sum to at most 1; rounding is allowed for.
func ranks(t kit.T, tr attacks.Training, rs []attacks.Ranked) {
	t.Helper()
	sum := 0.0
	for i, r := range rs {
		sum += r.P
		if !slices.Contains(tr.Classes, r.Class) && r.Class != datasets.Other && r.Class != datasets.Unknown {
			t.Errorf("class %q was never asked for", r.Class)
		}
		if !(r.P >= 0) || i > 0 && r.P > rs[i-1].P+1e-9 {
			t.Errorf("probabilities %v: want best first, none below 0", rs)
			return
		}
	}
	if sum > 1+1e-6 {
		t.Errorf("probabilities of %v sum to %v", rs, sum)
	}
}
