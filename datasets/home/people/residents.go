package people

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// fullDay is how long one person who stays at home all day is awake: then
// devices are used as often as their profiles say.
const fullDay = 15 * hour

// Residents is the schedule of home number n, whose people live as the profile's
// Lives say, in order of time, and sets the home's stays. Where nobody is awake at
// home next to nothing happens; the more people are, the more does.
func Residents(h *traffic.Home, n int) []traffic.Trigger {
	r := h.Rand("residents")
	days := int((h.End + 24*hour - 1) / (24 * hour))

	// Steps of the golden section from a place that the seed draws spread the kinds
	// evenly over homes however many there are, so that no dozen of them is one of
	// early birds.
	const golden = 618_034
	kind := (draw.New(h.Seed, "kinds of people").Int64N(draw.Million) + int64(n)*golden) % draw.Million
	who := newOccupants(h.Profile.Lives, kind, days, r)
	h.Stays = who.stays(h.End)

	habit := habits(h, r)
	out := transitions(h, r)
	for day := range int64(days) {
		out = append(out, whileAwake(h, &who, day*24*hour, habit, r)...)
		out = append(out, whatever(h, day*24*hour, habit, r)...)
	}

	out = slices.DeleteFunc(out, func(t traffic.Trigger) bool { return t.At < 0 || t.At >= h.End })
	slices.SortStableFunc(out, func(a, b traffic.Trigger) int { return cmp.Compare(a.At, b.At) })
	out = withoutHaste(out)
	alternate(out, r)
	return out
}

// withoutHaste leaves out what would happen to a switched device before it is
// done with the event before: as it would not react, on and off would no longer
// take turns. list is in order of time and used up.
func withoutHaste(list []traffic.Trigger) []traffic.Trigger {
	last := map[*traffic.Device]int64{}
	return slices.DeleteFunc(list, func(t traffic.Trigger) bool {
		if t.Device.Event("on") == nil || t.Device.Event("off") == nil {
			return false
		}
		before, seen := last[t.Device]
		if seen && t.At < before+10*second {
			return true
		}
		last[t.Device] = t.At
		return false
	})
}

// transitions are the routines with which the home goes from one state to
// another. People who come or go while others are there only pass the door.
func transitions(h *traffic.Home, r *rand.Rand) []traffic.Trigger {
	var out []traffic.Trigger
	play := func(name string, at int64) {
		for i := range h.Profile.Household.Routines {
			if rt := &h.Profile.Household.Routines[i]; rt.At == name {
				out = append(out, playRoutine(h, rt, at, r)...)
			}
		}
	}

	// Leaving and going to bed take a while before the state changes: lights go off
	// first. How a recording begins is no transition.
	for i := 1; i < len(h.Stays); i++ {
		was, is := h.Stays[i-1], h.Stays[i]
		at := int64(is.Start)
		switch {
		case is.Home == 0:
			play("leave", at-2*minute)
		case was.Home == 0:
			play("return", at)
		case is.Asleep:
			play("bed", at-10*minute)
		case was.Asleep:
			play("wake", at)
		case is.Home != was.Home:
			door := profile.Routine{Order: []string{"nest_cam/motion", "smartthings_hub/motion"}, Gap: profile.Span{Value: draw.Uniform(5*second, 40*second)}}
			out = append(out, playRoutine(h, &door, at, r)...)
		}
	}

	for n := int64(0); n*24*hour < h.End; n++ {
		if at := n*24*hour + h.Profile.Household.Dinner.Draw(r); awakeAt(h.Stays, at) {
			play("dinner", at)
		}
	}
	return out
}

// awakeAt says whether somebody is at home and awake.
func awakeAt(stays []datasets.Stay, t int64) bool {
	i, found := slices.BinarySearchFunc(stays, time.Duration(t), func(s datasets.Stay, t time.Duration) int { return cmp.Compare(s.Start, t) })
	if !found {
		i--
	}
	return i >= 0 && i < len(stays) && stays[i].Home > 0 && !stays[i].Asleep && time.Duration(t) < stays[i].End
}

// awakening is a stretch of a day in which residents are at home and awake.
type awakening struct {
	interval
	weight int64 // one more than their number: who shares a room shares its light
}

// awake lists when residents are at home and awake on the day that begins at
// midnight, and the sum of weighted times.
func (h *occupants) awake(midnight, end int64) (out []awakening, total int64) {
	times := h.moments(end)
	for i, t := range times[:len(times)-1] {
		x := interval{max(t, midnight), min(times[i+1], midnight+24*hour)}
		if x.from >= x.to {
			continue
		}
		if _, n := h.at(t); n > 0 {
			out = append(out, awakening{x, int64(n) + 1})
			total += int64(n+1) * (x.to - x.from)
		}
	}
	return out, total
}

// whileAwake places the events of a day that people cause in no routine: in
// clusters and activities, as in freeEvents, at times when somebody is awake.
func whileAwake(h *traffic.Home, who *occupants, midnight int64, habit map[*profile.Event]int64, r *rand.Rand) []traffic.Trigger {
	times, total := who.awake(midnight, h.End)
	if total == 0 {
		return nil
	}
	share := min(total, 3*fullDay) / second * draw.Million / (2 * fullDay / second) // the product in nanoseconds has no room

	out := dailyEvents(h, habit, share, r)
	out = slices.DeleteFunc(out, func(t traffic.Trigger) bool { return t.Device.Type == "sensor" }) // the bed knows nobody who is up
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })

	// A moment is drawn by the time that people have, not by the hour: it is their
	// days that differ.
	open := func() int64 {
		n := r.Int64N(total)
		for _, x := range times {
			if n < x.weight*(x.to-x.from) {
				return x.from + n/x.weight
			}
			n -= x.weight * (x.to - x.from)
		}
		return midnight
	}
	at := int64(-1)
	for i := range out {
		// An activity does not go on when all have gone or fallen asleep.
		if at = following(at, h.Profile.Household, open, r); !awakeAt(h.Stays, at) {
			at = open()
		}
		out[i].At = at
	}
	return out
}

// whatever places the events of a day that need nobody, at any time, and the
// nights' rises at times when all sleep.
func whatever(h *traffic.Home, midnight int64, habit map[*profile.Event]int64, r *rand.Rand) []traffic.Trigger {
	out := dailyEvents(h, habit, draw.PPM(h.Profile.Lives.IdleShare), r)
	out = slices.DeleteFunc(out, func(t traffic.Trigger) bool { return t.Device.Type == "sensor" })
	for i := range out {
		out[i].At = midnight + draw.Between(r, 0, 24*hour-1)
	}

	d, rise := findEvent(h, "sense_sleep/night_rise")
	if rise == nil || !draw.Chance(r, rise.RatePerDay) {
		return out
	}
	for _, s := range h.Stays {
		from, to := int64(s.Start), int64(s.End)
		if s.Asleep && from >= midnight-12*hour && from < midnight+12*hour && to-from > 4*hour {
			return append(out, traffic.Trigger{At: draw.Between(r, from+hour, to-hour), Device: d, Event: rise})
		}
	}
	return out
}

// dailyEvents draws which events happen on a day on which a share, in
// millionths, of the daily rates is to happen. They have no times yet.
func dailyEvents(h *traffic.Home, habit map[*profile.Event]int64, share int64, r *rand.Rand) []traffic.Trigger {
	var out []traffic.Trigger
	for _, d := range h.Devices {
		for _, e := range d.Events {
			want := draw.PPM(e.RatePerDay) * habit[e] / 1000 * draw.Between(r, 700, 1300) / 1000
			out = append(out, times(traffic.Trigger{Device: d, Event: e}, want/1000*share/1000, r)...)
		}
	}
	return out
}
