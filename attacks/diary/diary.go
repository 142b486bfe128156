// Package diary divides a recording into quarter hours and says of each what was
// true: is nobody at home, is everybody asleep, are several people there, how much
// happens. Attacks learn from it, scores are held against it.
package diary

import (
	"slices"
	"time"

	"veilbench/datasets"
)

// Slot is the length of what one answer is about. A quarter of an hour is short
// enough to say when somebody went to bed, and long enough that people who are awake
// mostly do something in it.
const Slot = 15 * time.Minute

// PerHour and PerDay are how many slots there are of.
const (
	PerHour = int(time.Hour / Slot)
	PerDay  = 24 * PerHour
)

// The states of a home. Where stays say who is there: nobody, somebody awake, all
// that are there asleep. Where they do not, as on most recordings, it is active in
// slots in which something happens, else quiet.
const (
	Away   = "away"
	Awake  = "awake"
	Asleep = "asleep"
	Active = "active"
	Quiet  = "quiet"
)

// States lists the states that the recordings tell, sorted: those of people if any
// recording knows them, else those of events; nil without stays.
func States(ls []datasets.Labels) []string {
	stays := false
	for _, l := range ls {
		for _, s := range l.Stays {
			if s.Home >= 0 || s.Asleep {
				return []string{Asleep, Awake, Away}
			}
			stays = true
		}
	}
	if !stays {
		return nil
	}
	return []string{Active, Quiet}
}

// Slots is how many slots a trace of that length has: a rest of less than half a slot
// is none.
func Slots(end time.Duration) int { return int((end + Slot/2) / Slot) }

// Truth is what was true of a slot.
type Truth struct {
	// State is the one that holds for most of the time that is known, -1 where less
	// than half of the slot is; an index of the states asked for.
	State int
	// Several is 1 where more than one person is at home for most of the slot, 0 where
	// not, -1 where nobody knows.
	Several int
	// Events is how many events begin in it.
	Events int
}

// Of says what was true of each slot of a trace of that length. states are those of
// States, which may be of other recordings as well; one that is none of them is the
// name of an activity, and a slot in which such an event begins has that state
// whatever people do.
func Of(l datasets.Labels, end time.Duration, states []string) []Truth {
	out := make([]Truth, Slots(end))
	people := slices.Contains(states, Awake)
	held := make([][]time.Duration, len(out)) // by state
	counted := make([][2]time.Duration, len(out))
	covered := make([]time.Duration, len(out))
	for i := range out {
		held[i] = make([]time.Duration, len(states))
	}

	for _, s := range l.Stays {
		at := slices.Index(states, stateOf(s))
		for i := max(int(s.Start/Slot), 0); i < len(out) && time.Duration(i)*Slot < s.End; i++ {
			from, to := time.Duration(i)*Slot, time.Duration(i+1)*Slot
			part := min(to, s.End) - max(from, s.Start)
			covered[i] += part
			if at >= 0 {
				held[i][at] += part
			}
			switch {
			case s.Home > 1:
				counted[i][1] += part
			case s.Home >= 0:
				counted[i][0] += part
			}
		}
	}
	marked := make([]int, len(out)) // by an activity: 1 more than the state
	for _, e := range l.Events {
		if i := int(e.Start / Slot); i >= 0 && i < len(out) {
			out[i].Events++
			marked[i] = max(marked[i], 1+slices.Index(states, e.Activity))
		}
	}

	for i := range out {
		out[i].State, out[i].Several = -1, -1
		switch {
		case marked[i] > 0:
			out[i].State = marked[i] - 1
		case people:
			var known, most time.Duration
			for k, d := range held[i] {
				if known += d; d > most {
					most, out[i].State = d, k
				}
			}
			if 2*known < Slot {
				out[i].State = -1
			}
		case 2*covered[i] >= Slot:
			name := Quiet
			if out[i].Events > 0 {
				name = Active
			}
			out[i].State = slices.Index(states, name)
		}

		// Of ties the smaller number: "several" is the claim that needs a reason.
		if c := counted[i]; 2*(c[0]+c[1]) >= Slot {
			out[i].Several = 0
			if c[1] > c[0] {
				out[i].Several = 1
			}
		}
	}
	return out
}

// stateOf is the state of people that a stay tells, "" for none.
func stateOf(s datasets.Stay) string {
	switch {
	case s.Home == 0:
		return Away
	case s.Asleep:
		return Asleep
	case s.Home > 0:
		return Awake
	}
	return ""
}

// Days is how many kinds of days Phase tells apart: those of a working week and
// those of a weekend.
const Days = 2

// Phase is where in a week slot i of a trace lies, as far as a timetable can matter:
// the slot of the day, from 0 to PerDay-1, and whether it is Saturday or Sunday. The
// clock is that of UTC, which is shifted against the home's by the same hours in all
// recordings of a place. A trace whose start nobody knows begins at midnight of a
// working day.
func Phase(start time.Time, i int) (slot, day int) {
	if start.IsZero() {
		return i % PerDay, 0
	}
	at := start.UTC().Add(time.Duration(i) * Slot)
	if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
		day = 1
	}
	return (at.Hour()*60 + at.Minute()) * PerHour / 60, day
}
