package builtin_test

import (
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/builtin"
)

// minuteLabels returns t with events of which only the minute is known.
func minuteLabels(t attacks.Training) attacks.Training {
	t.Examples = slices.Clone(t.Examples)
	for i := range t.Examples {
		l := &t.Examples[i].Labels
		l.Events = slices.Clone(l.Events)
		for j := range l.Events {
			l.Events[j].Start = l.Events[j].Start.Truncate(time.Minute)
			l.Events[j].End = l.Events[j].Start + time.Minute - time.Second
		}
	}
	return t
}

// trainedF1 trains a on all homes but the last and scores it there.
func trainedF1(t *testing.T, a attacks.Attack, all attacks.Training) float64 {
	t.Helper()
	train, test := all, all.Examples[len(all.Examples)-1]
	train.Examples = all.Examples[:len(all.Examples)-1]
	answer := attacktest.Ask(t, attacktest.Train(t, a, train), test.Trace)
	return eventF1(test, answer)
}

// TestMinuteLabels: a log that knows the minute alone costs the attacks that
// learn from bursts nearly nothing, since training pairs by the windows that
// scoring pairs by.
func TestMinuteLabels(t *testing.T) {
	seconds := attacktest.ToyEvents(6)
	minutes := minuteLabels(seconds)
	for _, a := range builtin.All() {
		if !slices.Contains([]string{"event-anchors", "event-forest", "event-knn", "event-align", "signatures"}, a.Info().Name) {
			continue
		}
		exact, rough := trainedF1(t, a, seconds), trainedF1(t, a, minutes)
		t.Logf("%s: F1 %.3f with seconds, %.3f with minutes", a.Info().Name, exact, rough)
		if exact < 0.9 || rough < exact-0.1 {
			t.Errorf("%s: F1 %.3f with minutes, %.3f with seconds", a.Info().Name, rough, exact)
		}
	}
}
