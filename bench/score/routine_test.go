package score

import (
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// states are those of people, as Training.Classes has them.
var states = []string{diary.Asleep, diary.Awake, diary.Away}

// watched is a home of two days from midnight: one person sleeps until 7:00, is up,
// away from 9:00 to 17:00, up again with a second person until 22:00, then alone, and
// sleeps from 23:00.
func watched() Test {
	hour := time.Hour
	l := datasets.Labels{Devices: []string{"lamp"}}
	for d := range 2 {
		at := time.Duration(d) * 24 * hour
		for _, s := range []datasets.Stay{
			{Start: 0, End: 7 * hour, Home: 1, Asleep: true},
			{Start: 7 * hour, End: 9 * hour, Home: 1},
			{Start: 9 * hour, End: 17 * hour},
			{Start: 17 * hour, End: 22 * hour, Home: 2},
			{Start: 22 * hour, End: 23 * hour, Home: 1},
			{Start: 23 * hour, End: 24 * hour, Home: 1, Asleep: true},
		} {
			s.Start, s.End = s.Start+at, s.End+at
			l.Stays = append(l.Stays, s)
		}
		l.Events = append(l.Events, datasets.Event{Start: at + 8*hour, Activity: "on"}, datasets.Event{Start: at + 22*hour, Activity: "off"})
	}
	return Test{
		Recording: &datasets.Recording{ID: "r", Group: "home", Trace: datasets.Trace{End: 48 * hour}},
		Labels:    l, Classes: states,
	}
}

// say answers each slot by its hour.
func say(hours int, state func(hour int) string, several func(hour int) bool) attacks.Answer {
	var out attacks.Answer
	for i := range hours * diary.PerHour {
		s := attacks.Slot{State: -1}
		for k, name := range states {
			if name == state(i/diary.PerHour) {
				s.State = int32(k)
			}
		}
		if several(i / diary.PerHour) {
			s.Several = 1
		}
		if h := i / diary.PerHour % 24; (h == 8 || h == 22) && i%diary.PerHour == 0 {
			s.Events = 2
		}
		out.Slots = append(out.Slots, s)
	}
	return out
}

// TestRoutine: an attacker who takes everybody for awake from 6:00 to 24:00, and asleep
// else, sees two people in the evening only on the first day, and says twice as many
// events as there are.
//
// By hand, of 48 hours: states right 6+2+5+1 = 14 of each 24; presence right but for
// the 8 h away, 16; sleep right but for 6 to 7 and 23 to 24, 22; several: all 24 on the
// first day and 19 on the second, 43. The one whole night is from 23:00 to 7:00, said
// from 24:00 to 6:00: an hour off both. Of 48 hours 4 are off by one event. Events rise
// and fall together.
func TestRoutine(t *testing.T) {
	x := watched()
	x.Answer = say(48, func(h int) string {
		if h%24 < 6 {
			return diary.Asleep
		}
		return diary.Awake
	}, func(h int) bool { return h >= 17 && h < 22 })
	s := Of(&datasets.Dataset{}, datasets.TaskRoutine, states, []Test{x})
	wantMetrics(t, metrics(s), map[string]float64{
		results.Tested: 192, results.HoursRight: 14. / 24, results.PresenceRight: 16. / 24, results.SleepRight: 22. / 24, results.SeveralRight: 43. / 48,
		results.BedError: 60, results.WakeError: 60, results.ActivityError: 4. / 48, results.ActivityCorrelation: 1,
		results.OfClass(results.PresenceRight, "1"): 16. / 24, results.OfClass(results.SeveralRight, "1"): 1,
	})
	if _, ok := metrics(s)[results.OfClass(results.PresenceRight, "7")]; ok {
		t.Error("a figure after seven days of two")
	}
	if g := s.Groups[0]; g.N != 192 || g.Value != 14./24 || len(g.Parts) < 10 {
		t.Errorf("group %+v", g)
	}
	if c := s.Confusion[0]; c.Counts[2][1] != 64 || c.Counts[0][0] != 48 || c.Classes[3] != datasets.Unknown {
		t.Errorf("confusion %+v", c)
	}
	if want := strings.Repeat("s", 28) + strings.Repeat("h", 8) + strings.Repeat("a", 32) + strings.Repeat("H", 20) + "hhhhssss"; s.Strips[0].Truth != want+want {
		t.Errorf("strip %s", s.Strips[0].Truth)
	}
}

// TestEarlyAnswers: what was said after a day counts for that day, whatever is said of
// it later.
func TestEarlyAnswers(t *testing.T) {
	x := watched()
	never := func(int) bool { return false }
	x.Answer = say(48, func(int) string { return diary.Awake }, never)
	x.Early = []attacks.Answer{say(24, func(int) string { return diary.Away }, never)}
	wantMetrics(t, metrics(Of(&datasets.Dataset{}, datasets.TaskRoutine, states, []Test{x})), map[string]float64{
		results.PresenceRight: 16. / 24, results.OfClass(results.PresenceRight, "1"): 8. / 24,
	})
}

// TestSilenceIsWrong: what nothing is said of counts, as a night without an answer
// does for half a day.
func TestSilenceIsWrong(t *testing.T) {
	wantMetrics(t, metrics(Of(&datasets.Dataset{}, datasets.TaskRoutine, states, []Test{watched()})), map[string]float64{
		results.HoursRight: 0, results.PresenceRight: 0, results.SleepRight: 0, results.SeveralRight: 0, results.BedError: 720, results.WakeError: 720,
		results.ActivityCorrelation: 0, results.OfClass(results.SleepRight, "1"): 0,
	})
}

// TestActiveAndQuiet: where nobody knows the people, slots are active or quiet, and
// there is no figure of people.
func TestActiveAndQuiet(t *testing.T) {
	x := watched()
	x.Labels.Stays = []datasets.Stay{{End: 48 * time.Hour, Home: -1}}
	x.Classes = []string{diary.Active, diary.Quiet}
	for range 192 {
		x.Answer.Slots = append(x.Answer.Slots, attacks.Slot{State: 1})
	}
	got := metrics(Of(&datasets.Dataset{}, datasets.TaskRoutine, x.Classes, []Test{x}))
	wantMetrics(t, got, map[string]float64{results.HoursRight: 188. / 192, results.ActivityError: 4. / 48})
	for _, name := range []string{results.PresenceRight, results.SleepRight, results.SeveralRight, results.BedError} {
		if _, ok := got[name]; ok {
			t.Errorf("there is a figure %s", name)
		}
	}
}
