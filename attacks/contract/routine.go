package contract

import (
	"fmt"
	"math/rand/v2"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/datasets"
)

// routineDays is how long each home of the routine task is watched.
const routineDays = 4

// routines makes homes for the routine task. Stays are of two to six hours, one after
// the other in no order that a clock knows, with heartbeats all the time. Who is awake
// switches bulbs and plugs, of sleepers one plug tells, of an empty home nothing; two
// people do twice as much as one.
func (d *data) routines(rng *rand.Rand, shuffled bool) {
	d.training.Classes = []string{diary.Asleep, diary.Awake, diary.Away}
	d.chance = 1. / 3
	for g := range groups + 2 {
		e := routineHome(rng, g)
		if shuffled {
			shuffleStays(rng, &e)
		}
		if g < groups {
			d.training.Examples = append(d.training.Examples, e)
		} else {
			d.test = append(d.test, e)
		}
	}
}

// routineHome is one home. Activities come at any time of a slot, at least one in
// each, so that each slot tells its state.
func routineHome(rng *rand.Rand, number int) attacks.Labeled {
	h := newHome(number)
	end := routineDays * 24 * time.Hour
	within := func(from, length time.Duration) time.Duration { return from + time.Duration(rng.Int64N(int64(length))) }
	do := func(at time.Duration, activity int) {
		a := activities[activity]
		h.exchange(at, a.device, a.request, a.reply, a.rounds)
		h.labels.Events = append(h.labels.Events, datasets.Event{Start: at, End: at, Device: a.device, Activity: a.name})
	}

	for at, state := time.Duration(0), 0; at < end; state += 1 + rng.IntN(2) {
		s := datasets.Stay{Start: at, End: min(end, at+time.Duration(8+rng.IntN(17))*diary.Slot)}
		if state %= 3; state != 0 {
			s.Home, s.Asleep = 1+rng.IntN(2), state == 1
		}
		h.labels.Stays = append(h.labels.Stays, s)

		// The pieces of a slot keep activities apart: bursts that run into each other have
		// sequences that training need not hold.
		for ; at < s.End; at += diary.Slot {
			pieces := 3 * s.Home
			for k := range pieces {
				length := diary.Slot / time.Duration(pieces)
				from := at + time.Duration(k)*length
				if s.Asleep && k%3 == 0 {
					do(within(from, length/2), 2)
				} else if !s.Asleep {
					do(within(from, length/2), []int{0, 1, 3}[k%3])
				}
			}
		}
	}
	for i := range devices {
		for at := time.Duration(i+1) * time.Second; at < end; at += 113 * time.Second {
			h.exchange(at, i, int32(31+8*i), int32(47+8*i), 1)
		}
	}
	e := attacks.Labeled{Group: fmt.Sprintf("home%d", number)}
	e.Trace, e.Labels = h.trace(end)
	return e
}

// shuffleStays replaces the stays of e by one a slot, each of any state.
func shuffleStays(rng *rand.Rand, e *attacks.Labeled) {
	e.Labels.Stays = nil
	for at := time.Duration(0); at < e.Trace.End; at += diary.Slot {
		s := datasets.Stay{Start: at, End: at + diary.Slot}
		if state := rng.IntN(3); state != 0 {
			s.Home, s.Asleep = 1, state == 1
		}
		e.Labels.Stays = append(e.Labels.Stays, s)
	}
}

// addSlots counts the slots whose state is right.
func (s *outcome) addSlots(classes []string, e attacks.Labeled, a attacks.Answer) {
	for i, truth := range diary.Of(e.Labels, e.Trace.End, classes) {
		if truth.State < 0 {
			continue
		}
		s.total++
		if i < len(a.Slots) && int(a.Slots[i].State) == truth.State {
			s.right++
		}
	}
}
