package home

import (
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
)

// trigger is an event that is to happen.
type trigger struct {
	at     int64
	device *device
	event  *eventProfile
}

// controlledSession triggers all event classes of the home's devices in
// random order, equally often, with gaps drawn from 40 to 80 s, so that no
// clock gives an event away. An on is drawn only when the device is off and
// the reverse: the cloud forwards no command that changes nothing.
func (h *house) controlledSession() []trigger {
	r := newRand(h.seed, h.name, "session")
	type class struct {
		d *device
		e *eventProfile
	}
	var classes []class
	for _, d := range h.devices {
		for _, e := range d.Events {
			if e.RatePerDay > 0 {
				classes = append(classes, class{d, e})
			}
		}
	}
	if len(classes) == 0 {
		return nil
	}
	var times []int64
	for t := between(r, 40*second, 80*second); t < h.end-40*second; t += between(r, 40*second, 80*second) {
		times = append(times, t)
	}
	order := make([]class, 0, len(times))
	for len(order) < len(times) {
		order = append(order, classes...)
	}
	// The last, incomplete round is a random choice of classes.
	tail := order[len(order)-len(classes):]
	r.Shuffle(len(tail), func(i, j int) { tail[i], tail[j] = tail[j], tail[i] })
	order = order[:len(times)]
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	out := make([]trigger, len(times))
	for i, c := range order {
		out[i] = trigger{times[i], c.d, c.e}
	}
	alternate(out, r)
	return out
}

// alternate makes every device's on and off events take turns.
func alternate(list []trigger, r *rand.Rand) {
	lit := map[*device]bool{}
	for i := range list {
		t := &list[i]
		on, off := t.device.event("on"), t.device.event("off")
		if on == nil || off == nil || t.event != on && t.event != off {
			continue
		}
		state, known := lit[t.device]
		if !known {
			state = chance(r, million/2)
		}
		t.event = on
		if state {
			t.event = off
		}
		lit[t.device] = !state
	}
}

// event returns the device's event class of that name, nil if it has none.
func (d *deviceProfile) event(name string) *eventProfile {
	for _, e := range d.Events {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// happen plays the triggers, which are in order of time.
func (h *house) happen(list []trigger) error {
	rngs := map[*device]*rand.Rand{}
	for i, t := range list {
		r := rngs[t.device]
		if r == nil {
			r = newRand(h.seed, h.name, t.device.ID, "events")
			rngs[t.device] = r
		}
		at := time.Duration(t.at)
		h.events = append(h.events, datasets.Event{Start: at, End: at, Device: int(t.device.owner), Activity: t.event.Name})
		channel := t.device.channel(t.event.Name, r)
		s := script{r: r, cause: int32(i), channel: channel, event: t.event}
		if _, err := t.device.play(s, t.at, t.event.stepsFor(channel)); err != nil {
			return err
		}
		if p := t.device.Poll; p != nil && channel == "wan_app" {
			if err := t.device.pollAround(p, t.at, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// pollAround is the app's polling while it is open: it was opened 2 to 8 s
// before the event.
func (d *device) pollAround(p *periodic, t int64, r *rand.Rand) error {
	at := t - between(r, 2*second, 8*second)
	for range p.Count.draw(r) {
		if at >= 0 {
			if _, err := d.play(script{r: r, cause: -1, flow: p.Flow}, at, p.Steps); err != nil {
				return err
			}
		}
		at += p.Period.draw(r)
	}
	return nil
}

// background plays everything that no event causes: heartbeats, look-ups and
// clocks.
func (h *house) background() error {
	for _, d := range h.devices {
		for i := range d.Periodic {
			p := &d.Periodic[i]
			if err := d.repeat(p.ID, &p.Period.value, func(s *script, t int64) error {
				s.flow = p.Flow
				_, err := d.play(*s, t, p.Steps)
				return err
			}); err != nil {
				return err
			}
		}
		if err := d.backgroundNames(); err != nil {
			return err
		}
	}
	return nil
}

func (d *device) backgroundNames() error {
	around := func(periodS float64) *value {
		n := int64(periodS * second)
		return &value{form: uniform, lo: n - n/500, hi: n + n/500}
	}
	if d.DNS.PeriodS > 0 {
		var steps []step
		for _, n := range d.DNS.Names {
			steps = append(steps, step{DNS: n})
		}
		if err := d.repeat("dns", around(d.DNS.PeriodS), func(s *script, t int64) error {
			_, err := d.play(*s, t, steps)
			return err
		}); err != nil {
			return err
		}
	}
	if d.NTP.PeriodS > 0 {
		return d.repeat("ntp", around(d.NTP.PeriodS), func(s *script, t int64) error {
			s.d, s.clock, s.last = d, t, t
			s.askTime(d.NTP.Host)
			return nil
		})
	}
	return nil
}

// repeat calls f again and again, one period apart, from a random phase on.
func (d *device) repeat(id string, period *value, f func(*script, int64) error) error {
	r := newRand(d.home.seed, d.home.name, d.ID, "periodic", id)
	for t := between(r, 0, period.draw(r)); t < d.home.end; t += max(period.draw(r), 1_000_000) {
		if err := f(&script{r: r, cause: -1}, t); err != nil {
			return err
		}
	}
	return nil
}

// recording turns the home into a recording: packets in order of time, flows
// in order of first appearance, nothing beyond the end.
func (h *house) recording() datasets.Recording {
	rec := datasets.Recording{ID: h.name, Group: h.name}
	rec.Trace.Start = time.Date(2025, time.March, 3, 0, 0, 0, 0, time.UTC)
	rec.Trace.End = time.Duration(h.end)
	for _, d := range h.devices {
		rec.Labels.Devices = append(rec.Labels.Devices, d.ID)
	}
	rec.Labels.Events = h.events
	n, _ := slices.BinarySearchFunc(h.packets, h.end, func(p packet, end int64) int {
		if p.time <= end {
			return -1
		}
		return 1
	})
	index := make([]int32, len(h.flows))
	rec.Trace.Packets = make([]datasets.Packet, n)
	rec.Labels.Owners = make([]int32, n)
	rec.Labels.Cause = make([]int32, n)
	for i, p := range h.packets[:n] {
		if index[p.flow] == 0 {
			rec.Trace.Flows = append(rec.Trace.Flows, h.flows[p.flow])
			index[p.flow] = int32(len(rec.Trace.Flows))
		}
		rec.Trace.Packets[i] = datasets.Packet{
			Time: time.Duration(p.time), Size: p.size, Payload: p.payload, Flow: index[p.flow] - 1, Dir: p.dir,
		}
		rec.Labels.Owners[i], rec.Labels.Cause[i] = p.owner, p.cause
	}
	return rec
}
