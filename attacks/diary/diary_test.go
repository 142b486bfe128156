package diary_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"veilbench/attacks/diary"
	"veilbench/datasets"
)

// An evening in quarter hours: two people come home at 18:05, one leaves at 19:00,
// the other sleeps from 19:40; a lamp is switched twice.
func Example() {
	minute := time.Minute
	l := datasets.Labels{
		Devices: []string{"lamp"},
		Stays: []datasets.Stay{
			{Start: 0, End: 5 * minute},
			{Start: 5 * minute, End: 60 * minute, Home: 2},
			{Start: 60 * minute, End: 100 * minute, Home: 1},
			{Start: 100 * minute, End: 120 * minute, Home: 1, Asleep: true},
		},
		Events: []datasets.Event{{Start: 6 * minute, Activity: "on"}, {Start: 95 * minute, Activity: "off"}},
	}
	states := diary.States([]datasets.Labels{l})
	for i, t := range diary.Of(l, 2*time.Hour, states) {
		fmt.Print(i*15, " ", states[t.State], " ", t.Several == 1, " ", t.Events, "; ")
	}
	// Output: 0 awake true 1; 15 awake true 0; 30 awake true 0; 45 awake true 0; 60 awake false 0; 75 awake false 0; 90 awake false 1; 105 asleep false 0;
}

// TestUnknown: gaps between stays, and numbers that nobody knows, are unknown; a slot
// of which less than half is known too.
func TestUnknown(t *testing.T) {
	m := time.Minute
	l := datasets.Labels{Stays: []datasets.Stay{{Start: 0, End: 7 * m, Home: 1}, {Start: 20 * m, End: 45 * m, Home: -1, Asleep: true}, {Start: 45 * m, End: 60 * m, Home: -1}}}
	got := diary.Of(l, time.Hour, []string{diary.Asleep, diary.Awake, diary.Away})
	want := []diary.Truth{{State: -1, Several: -1}, {State: 0, Several: -1}, {State: 0, Several: -1}, {State: -1, Several: -1}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestEvents: where stays say only that events are known, slots are active or quiet.
func TestEvents(t *testing.T) {
	l := datasets.Labels{Stays: []datasets.Stay{{End: 30 * time.Minute, Home: -1}}, Events: []datasets.Event{{Start: 16 * time.Minute}, {Start: 40 * time.Minute}}}
	states := diary.States([]datasets.Labels{{}, l})
	got := diary.Of(l, 50*time.Minute, states)
	if want := []diary.Truth{{State: 1, Several: -1}, {State: 0, Several: -1, Events: 1}, {State: -1, Several: -1, Events: 1}}; !slices.Equal(got, want) {
		t.Errorf("%v of %v, want %v", got, states, want)
	}
	if diary.States([]datasets.Labels{{}}) != nil {
		t.Error("states without stays")
	}
}

// TestActivityAsState: a slot in which an activity begins that is among the states has
// that state, over what people do.
func TestActivityAsState(t *testing.T) {
	l := datasets.Labels{Stays: []datasets.Stay{{End: 30 * time.Minute, Home: 1}}, Events: []datasets.Event{{Start: 16 * time.Minute, Activity: "party"}}}
	got := diary.Of(l, 30*time.Minute, []string{diary.Asleep, diary.Awake, diary.Away, "party"})
	if got[0].State != 1 || got[1].State != 3 {
		t.Errorf("%v", got)
	}
}

// TestPhase: quarter hours by the clock, and weekends.
func TestPhase(t *testing.T) {
	friday := time.Date(2026, 3, 6, 23, 50, 0, 0, time.FixedZone("east", 0))
	for i, want := range [][2]int{{95, 0}, {0, 1}, {1, 1}} {
		if slot, day := diary.Phase(friday, i); [2]int{slot, day} != want {
			t.Errorf("slot %d: %d of day %d, want %v", i, slot, day, want)
		}
	}
	if slot, day := diary.Phase(time.Time{}, 97); slot != 1 || day != 0 {
		t.Errorf("unknown start: %d, %d", slot, day)
	}
}
