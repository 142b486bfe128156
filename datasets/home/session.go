package home

import (
	"cmp"
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
// random order, equally often, with gaps drawn from lo to hi nanoseconds, so
// that no clock gives an event away. An on is drawn only when the device is off and
// the reverse: the cloud forwards no command that changes nothing.
func (h *house) controlledSession(lo, hi int64) []trigger {
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
	for t := between(r, lo, hi); t < h.end-lo; t += between(r, lo, hi) {
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

// spoken are the gaps between the commands to an assistant or a story teller:
// HomeMole played them again and again; trials elsewhere are 60 s (IoTEvent) and
// 120 s apart (Apthorpe et al.).
const (
	spokenLo = 60 * second
	spokenHi = 180 * second
)

// restless triggers events of every device again and again, each device on
// its own, with gaps drawn from lo to hi or, where they are spoken to, those of
// commands. Activities are drawn by how often they are in a lived-in home.
func (h *house) restless(lo, hi int64) []trigger {
	var out []trigger
	for _, d := range h.devices {
		var classes value
		for i, e := range d.Events {
			if w := ppm(e.RatePerDay); w > 0 {
				classes.choices = append(classes.choices, weighted{int64(i), w})
				classes.total += w
			}
		}
		if classes.total == 0 {
			continue
		}
		classes.form = choice
		lo, hi := lo, hi
		if d.Type == "voice_assistant" || d.Type == "audio_player" {
			lo, hi = spokenLo, spokenHi
		}
		r := newRand(h.seed, h.name, d.ID, "restless")
		var mine []trigger
		for t := between(r, 0, hi); t < h.end; t += between(r, lo, hi) {
			mine = append(mine, trigger{t, d, d.Events[classes.draw(r)]})
		}
		alternate(mine, r)
		out = append(out, mine...)
	}
	slices.SortStableFunc(out, func(a, b trigger) int { return cmp.Compare(a.at, b.at) })
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

// happen plays the triggers, which are in order of time. A device that is
// still busy with an event, such as a camera that is watched, does not react.
func (h *house) happen(list []trigger) error {
	rngs := map[*device]*rand.Rand{}
	for _, t := range list {
		d := t.device
		r := rngs[d]
		if r == nil {
			r = newRand(h.seed, h.name, d.ID, d.addr.String(), "events")
			rngs[d] = r
		}
		if t.at < d.busy {
			continue
		}
		if d.Type == "gateway" {
			if err := h.send(d, h.gateway.sample(r), t.at, r); err != nil {
				return err
			}
			continue
		}
		s := &script{r: r, cause: int32(len(h.events)), channel: d.channel(t.event.Name, r), event: t.event}
		h.events = append(h.events, datasets.Event{})
		if err := d.play(s, t.at, t.event.stepsFor(s.channel, d.generation)); err != nil {
			return err
		}
		d.busy = s.last
		at, end := time.Duration(t.at), time.Duration(max(s.until, t.at))
		h.events[s.cause] = datasets.Event{Start: at, End: min(end, time.Duration(h.end)), Device: int(d.owner), Activity: t.event.Name}
		if err := d.after(s, t.event, t.at); err != nil {
			return err
		}
	}
	return nil
}

// after plays what an event brings with it: an upload, the app's polling.
func (d *device) after(s *script, e *eventProfile, t int64) error {
	if e.FollowUp.P > 0 && chance(s.r, ppm(e.FollowUp.P)) {
		for i := range d.Periodic {
			if p := &d.Periodic[i]; p.ID == e.FollowUp.Ref {
				next := &script{r: s.r, cause: s.cause, flow: p.Flow}
				if err := d.play(next, s.last+between(s.r, 200_000_000, 2*second), p.Steps); err != nil {
					return err
				}
			}
		}
	}
	p := d.Poll
	if s.channel == "lan_app" {
		p = d.LANPoll
	}
	if p == nil || s.channel != "wan_app" && s.channel != "lan_app" {
		return nil
	}
	return d.pollAround(p, t, s.r)
}

// pollAround is the app's polling while it is open: it was opened 2 to 8 s
// before the event.
func (d *device) pollAround(p *periodic, t int64, r *rand.Rand) error {
	at := t - between(r, 2*second, 8*second)
	for range p.Count.draw(r) {
		if at >= 0 {
			if err := d.play(&script{r: r, cause: -1, flow: p.Flow}, at, p.Steps); err != nil {
				return err
			}
		}
		at += p.Period.draw(r)
	}
	return nil
}

// background plays everything that no event causes: heartbeats, look-ups,
// clocks, leases and new connections.
func (d *device) background() error {
	for i := range d.Periodic {
		p := &d.Periodic[i]
		if err := d.repeat(p.ID, &p.Period.value, func(s *script, t int64) error {
			s.flow = p.Flow
			return d.play(s, t, p.Steps)
		}); err != nil {
			return err
		}
	}
	if err := d.reconnect(); err != nil {
		return err
	}
	if err := d.repeat("dhcp", around(12*3600), func(s *script, t int64) error {
		s.d, s.clock, s.last = d, t, t
		s.renewLease()
		return nil
	}); err != nil {
		return err
	}
	return d.names()
}

// around is a period that differs by at most two in a thousand.
func around(periodS float64) *value {
	n := int64(periodS * second)
	return &value{form: uniform, lo: n - n/500, hi: n + n/500}
}

// names plays look-ups and clocks.
func (d *device) names() error {
	if d.DNS.PeriodS > 0 {
		var steps []step
		for _, n := range d.DNS.Names {
			steps = append(steps, step{DNS: n})
		}
		if err := d.repeat("dns", around(d.DNS.PeriodS), func(s *script, t int64) error {
			return d.play(s, t, steps)
		}); err != nil {
			return err
		}
	}
	if d.NTP.PeriodS <= 0 {
		return nil
	}
	return d.repeat("ntp", around(d.NTP.PeriodS), func(s *script, t int64) error {
		s.d, s.clock, s.last = d, t, t
		s.askTime(d.NTP.Host)
		return nil
	})
}

// repeat calls f again and again, one period apart, from a random phase on.
func (d *device) repeat(id string, period *value, f func(*script, int64) error) error {
	r := newRand(d.home.seed, d.home.name, d.ID, d.addr.String(), "periodic", id)
	for t := between(r, 0, period.draw(r)); t < d.home.end; t += max(period.draw(r), 1_000_000) {
		if err := f(&script{r: r, cause: -1}, t); err != nil {
			return err
		}
	}
	return nil
}
