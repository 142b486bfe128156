package guess_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/guess"
	"veilbench/datasets"
)

// lockDays makes days of a lock on a timetable (locked at 22:30, unlocked at
// 06:15 and 17:00 UTC, two seconds early or late), and a button pressed at
// random.
func lockDays(days int) attacks.Training {
	rng := rand.New(rand.NewPCG(4, 2))
	tr := attacks.Training{Task: datasets.TaskEvent, Classes: []string{"button/press", "lock/lock", "lock/unlock"}}
	for d := range days {
		// Traces begin at different times of day, so only a clock helps.
		start := time.Date(2026, 3, 1+d, d%5, 0, 0, 0, time.UTC)
		l := datasets.Labels{Devices: []string{"button", "lock"}}
		for _, e := range []struct {
			device       int
			activity     string
			hour, minute int
		}{{1, "unlock", 6, 15}, {0, "press", 7 + rng.IntN(4), rng.IntN(60)}, {1, "unlock", 17, 0}, {1, "lock", 22, 30}} {
			at := time.Date(2026, 3, 1+d, e.hour, e.minute, 0, 0, time.UTC).Sub(start)
			at += time.Duration(rng.Int64N(4000)-2000) * time.Millisecond
			l.Events = append(l.Events, datasets.Event{Start: at, End: at, Device: e.device, Activity: e.activity})
		}
		tr.Examples = append(tr.Examples, attacks.Labeled{
			Trace: datasets.Trace{Start: start, End: 24 * time.Hour}, Labels: l, Group: fmt.Sprint("day", d),
		})
	}
	return tr
}

// TestGuessClock: on a timetable the clock finds every event of a new day to
// five seconds and keeps silent about what has no timetable.
func TestGuessClock(t *testing.T) {
	all := lockDays(11)
	train := all
	train.Examples = all.Examples[:10]
	test := all.Examples[10]
	got := map[string]bool{}
	for _, b := range attacktest.Ask(t, attacktest.Train(t, guess.Clock{}, train), test.Trace).Events {
		off := "far"
		for _, e := range test.Labels.Events {
			if test.Labels.Class(e) == b.Ranked[0].Class && (b.Start-e.Start).Abs() <= 5*time.Second {
				off = e.Start.Truncate(time.Minute).String()
			}
		}
		got[b.Ranked[0].Class+" "+off] = true
	}
	if len(got) != 3 || got["lock/unlock far"] || got["lock/lock far"] || got["button/press far"] {
		t.Errorf("guessed %v, want the lock's three events and no other", slices.Sorted(maps.Keys(got)))
	}
}

// TestGuessExactBijection: guess-exact answers the same when every size is
// replaced by another one of its own.
func TestGuessExactBijection(t *testing.T) {
	tr := attacktest.ToyEvents(3)
	moved := attacktest.ToyEvents(3)
	for i := range moved.Examples {
		for j := range moved.Examples[i].Trace.Packets {
			p := &moved.Examples[i].Trace.Packets[j]
			p.Size += 52
		}
	}
	a := guess.Exact{GapS: 1, PairS: 5}
	before := attacktest.Ask(t, attacktest.Train(t, a, tr), tr.Examples[2].Trace)
	after := attacktest.Ask(t, attacktest.Train(t, a, moved), moved.Examples[2].Trace)
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Error("a bijection of sizes changed the answers")
	}
}

// TestControlsBoundNothing: a control has no second stage, so all its candidates
// are left after it; with none it would be wrong where it is right before.
func TestControlsBoundNothing(t *testing.T) {
	tr := attacks.Training{Task: datasets.TaskCommand, Classes: []string{"off", "on"}}
	day := datasets.Trace{Flows: make([]datasets.Flow, 1), End: time.Hour}
	var l datasets.Labels
	for i, action := range []string{"on", "on", "off"} {
		at := time.Duration(i) * time.Minute
		day.Packets = append(day.Packets, datasets.Packet{Time: at, Size: 100, Payload: 46, Dir: datasets.Down})
		l.Commands = append(l.Commands, datasets.Command{Time: at, Actions: []datasets.ActionCount{{Action: action, Count: 1}}})
	}
	tr.Examples = []attacks.Labeled{{Trace: day, Labels: l, Group: "home"}}

	for _, c := range []struct {
		control    attacks.Attack
		candidates int
	}{{guess.Majority{}, 1}, {guess.Uniform{}, 2}} {
		for i, m := range attacktest.Ask(t, attacktest.Train(t, c.control, tr), day).Commands {
			if len(m.Candidates) != c.candidates || len(m.Bounded) != c.candidates || m.Bounded[c.candidates-1] != c.candidates-1 {
				t.Errorf("%T, message %d: candidates %v, left %v; want %d, all of them left", c.control, i, m.Candidates, m.Bounded, c.candidates)
			}
		}
	}
}
