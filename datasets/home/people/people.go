// Package people says who does what when in a home. It makes the lists of
// events that traffic plays, for homes where people live and for laboratories,
// and it plays what phones and computers do.
//
// Read this file first: the events of a home that people live in. day.go has
// their days, session.go the laboratories' sessions, computer.go phones and
// computers, with web.go and light.go for what they do on the network.
package people

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// Units of time.
const (
	microsecond = int64(time.Microsecond)
	millisecond = int64(time.Millisecond)
	second      = int64(time.Second)
	minute      = int64(time.Minute)
	hour        = int64(time.Hour)
)

// LivedIn is the schedule of a home with people in it, in order of time:
// routines, and the other events of each class at its daily rate, in clusters.
func LivedIn(h *traffic.Home) []traffic.Trigger {
	r := h.Rand("household")
	p := h.Profile.Household

	habit := habits(h, r)
	var out []traffic.Trigger
	for n := 0; int64(n)*24*hour < h.End; n++ {
		plan := planDay(p, n, r)
		routine := routines(h, plan, r)
		out = append(out, routine...)
		out = append(out, freeEvents(h, plan, routine, habit, r)...)
	}

	// Routines of a first morning may begin before the recording, and nights end
	// after it.
	out = slices.DeleteFunc(out, func(t traffic.Trigger) bool { return t.At < 0 || t.At >= h.End })
	slices.SortStableFunc(out, func(a, b traffic.Trigger) int { return cmp.Compare(a.At, b.At) })
	alternate(out, r)
	return out
}

// habits is how much a home does of each thing, by up to two fifths more or less
// than others, in thousandths.
func habits(h *traffic.Home, r *rand.Rand) map[*profile.Event]int64 {
	out := map[*profile.Event]int64{}
	for _, d := range h.Devices {
		for _, e := range d.Events {
			out[e] = draw.Between(r, 600, 1400)
		}
	}
	return out
}

// routines draws the routines of a day.
func routines(h *traffic.Home, plan day, r *rand.Rand) []traffic.Trigger {
	var out []traffic.Trigger
	p := h.Profile.Household
	for i := range p.Routines {
		rt := &p.Routines[i]
		for _, at := range plan.moments(rt.At, p.Dinner.Draw(r)) {
			out = append(out, playRoutine(h, rt, at, r)...)
		}
	}
	return out
}

// playRoutine draws one routine from time at on, each step four times out of
// five.
func playRoutine(h *traffic.Home, rt *profile.Routine, at int64, r *rand.Rand) []traffic.Trigger {
	var out []traffic.Trigger
	for _, what := range rt.Order {
		at += rt.Gap.Draw(r)
		if d, e := findEvent(h, what); e != nil && draw.Chance(r, 0.8) {
			out = append(out, traffic.Trigger{At: at, Device: d, Event: e})
		}
	}
	return out
}

// findEvent returns the device and event class of "device/activity", nil if the
// home has none.
func findEvent(h *traffic.Home, what string) (*traffic.Device, *profile.Event) {
	id, name, _ := strings.Cut(what, "/")
	for _, d := range h.Devices {
		if d.ID == id {
			return d, d.Event(name)
		}
	}
	return nil, nil
}

// freeEvents places the events of a day that belong to no routine. One event
// follows another within seconds, within minutes, or opens a new activity at a
// time of day when people are active.
func freeEvents(h *traffic.Home, plan day, done []traffic.Trigger, habit map[*profile.Event]int64, r *rand.Rand) []traffic.Trigger {
	var out []traffic.Trigger
	for _, d := range h.Devices {
		for _, e := range d.Events {
			// What routines did counts toward the daily rate, in millionths.
			want := draw.PPM(e.RatePerDay) * habit[e] / 1000 * draw.Between(r, 700, 1300) / 1000
			for _, t := range done {
				if t.Event == e {
					want -= draw.Million
				}
			}
			out = append(out, times(traffic.Trigger{Device: d, Event: e}, want, r)...)
		}
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })

	p := h.Profile.Household
	at := int64(-1)
	for i := range out {
		t := &out[i]
		if t.Device.Type == "sensor" { // the bed notices people at night only
			t.At = plan.bed + draw.Between(r, hour/2, 5*hour)
			continue
		}
		at = following(at, p, func() int64 { return plan.activeMoment(p, r) }, r)
		t.At = at
	}
	return out
}

// times is a trigger as often as want says, which counts in millionths: a
// fraction of an event happens with that probability.
func times(t traffic.Trigger, want int64, r *rand.Rand) []traffic.Trigger {
	var out []traffic.Trigger
	for ; want > 0 && (want >= draw.Million || r.Int64N(draw.Million) < want); want -= draw.Million {
		out = append(out, t)
	}
	return out
}

// following is when the event after one at time at happens, which is negative
// if there was none: within seconds, within minutes, or with a new activity,
// whose time open draws.
func following(at int64, p *profile.Household, open func() int64, r *rand.Rand) int64 {
	switch {
	case at < 0:
		return open()
	case draw.Chance(r, p.SameClusterP):
		return at + p.ClusterGap.Draw(r)
	case draw.Chance(r, p.SameActivityP):
		return at + p.ActivityGap.Draw(r)
	}
	return open()
}
