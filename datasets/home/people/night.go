package people

import (
	"cmp"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/traffic"
)

// Night is the schedule of the night of figure 2A in "A Smart Home is No Castle"
// (Apthorpe, Reisman, Feamster 2017): whoever lives in home number n goes to bed
// at 0:30, is up for a while at 6:30 and for good at 9:15; it sets the home's
// stays. Only home 0 keeps to the minute, others are up to half an hour off it,
// so that what is learned in one home is no clock of another. What is not in the
// figure, such as a question to the assistant, is made up.
func Night(h *traffic.Home, n int) []traffic.Trigger {
	r := h.Rand("night")
	at := func(clock int64) int64 {
		t := clock*minute - h.Start
		if n > 0 {
			t += draw.Between(r, -30*minute, 30*minute)
		}
		return t
	}
	bed, rise, up := at(24*60+30), at(30*60+30), at(33*60+15)
	back := rise + 12*minute

	// A recording that is cut shorter keeps the whole night's stays; its own part of
	// them is taken with its packets.
	for _, s := range []struct {
		from, to int64
		asleep   bool
	}{{0, bed, false}, {bed, rise, true}, {rise, back, false}, {back, up, true}, {up, max(h.End, up+1), false}} {
		h.Stays = append(h.Stays, datasets.Stay{Start: time.Duration(s.from), End: time.Duration(s.to), Home: 1, Asleep: s.asleep})
	}

	var out []traffic.Trigger
	for _, x := range []struct {
		at   int64
		what string
	}{
		{bed - 70*minute, "nest_cam/motion"},
		{bed - 45*minute, "echo_dot/voice_question"},
		{bed - minute, "wemo_switch/off"},
		{bed, "sense_sleep/in_bed"},
		{rise, "sense_sleep/night_rise"},
		{rise + 2*minute, "nest_cam/motion"},
		{up, "sense_sleep/out_of_bed"},
		{up + 3*minute, "wemo_switch/on"},
		{up + 20*minute, "echo_dot/voice_question"},
	} {
		if d, e := findEvent(h, x.what); e != nil && x.at >= 0 && x.at < h.End {
			out = append(out, traffic.Trigger{At: x.at, Device: d, Event: e})
		}
	}
	slices.SortStableFunc(out, func(a, b traffic.Trigger) int { return cmp.Compare(a.At, b.At) })
	return out
}
