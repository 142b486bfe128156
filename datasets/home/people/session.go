package people

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// Controlled triggers all event classes of the home's devices one after another
// in random order, equally often, with gaps drawn from lo to hi nanoseconds, so
// that no clock gives an event away. An on is drawn only when the device is off
// and the reverse: the cloud forwards no command that changes nothing.
func Controlled(h *traffic.Home, lo, hi int64) []traffic.Trigger {
	r := h.Rand("session")
	var classes []traffic.Trigger
	for _, d := range h.Devices {
		for _, e := range d.Events {
			if e.RatePerDay > 0 {
				classes = append(classes, traffic.Trigger{Device: d, Event: e})
			}
		}
	}
	if len(classes) == 0 {
		return nil
	}

	var times []int64
	for t := draw.Between(r, lo, hi); t < h.End-lo; t += draw.Between(r, lo, hi) {
		times = append(times, t)
	}

	// Whole rounds of all classes, the last one shuffled apart: what is cut off
	// of it is a random choice of classes.
	out := make([]traffic.Trigger, 0, len(times)+len(classes))
	for len(out) < len(times) {
		out = append(out, classes...)
	}
	tail := out[max(len(out)-len(classes), 0):]
	r.Shuffle(len(tail), func(i, j int) { tail[i], tail[j] = tail[j], tail[i] })
	out = out[:len(times)]

	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for i, t := range times {
		out[i].At = t
	}
	alternate(out, r)
	return out
}

// Gaps between the commands to an assistant or a story teller: HomeMole played
// them again and again; trials elsewhere are 60 s (IoTEvent) and 120 s apart
// (Apthorpe et al.).
const (
	spokenLo = 60 * second
	spokenHi = 180 * second
)

// PerDevice triggers events of every device again and again, each device on its
// own, with gaps drawn from lo to hi nanoseconds or, where they are spoken to,
// those of commands. Activities are drawn by how often they are in a lived-in
// home. The triggers are in order of time.
func PerDevice(h *traffic.Home, lo, hi int64) []traffic.Trigger {
	var out []traffic.Trigger
	for _, d := range h.Devices {
		var classes []draw.Weighted
		for i, e := range d.Events {
			if w := draw.PPM(e.RatePerDay); w > 0 {
				classes = append(classes, draw.Weighted{Value: int64(i), Weight: w})
			}
		}
		if len(classes) == 0 {
			continue
		}

		class := draw.Choice(classes...)
		lo, hi := lo, hi
		if d.Type == "voice_assistant" || d.Type == "audio_player" {
			lo, hi = spokenLo, spokenHi
		}

		// The generator is the model's own, so what else is in the home does not
		// change what this device does.
		r := h.Rand(d.ID, "restless")
		var own []traffic.Trigger
		for t := draw.Between(r, 0, hi); t < h.End; t += draw.Between(r, lo, hi) {
			own = append(own, traffic.Trigger{At: t, Device: d, Event: d.Events[class.Draw(r)]})
		}
		alternate(own, r)
		out = append(out, own...)
	}
	slices.SortStableFunc(out, func(a, b traffic.Trigger) int { return cmp.Compare(a.At, b.At) })
	return out
}

// alternate makes every device's on and off events take turns, from a random
// state on; list is in order of time.
func alternate(list []traffic.Trigger, r *rand.Rand) {
	next := map[*traffic.Device]*profile.Event{}
	for i := range list {
		t := &list[i]
		on, off := t.Device.Event("on"), t.Device.Event("off")
		if on == nil || off == nil || t.Event != on && t.Event != off {
			continue
		}

		if next[t.Device] == nil {
			next[t.Device] = on
			if draw.Chance(r, 0.5) {
				next[t.Device] = off
			}
		}
		t.Event, next[t.Device] = next[t.Device], on
		if t.Event == on {
			next[t.Device] = off
		}
	}
}
