package home

import (
	"slices"
	"strconv"
)

// shiftKey names the messages of one direction of a flow.
type shiftKey struct{ flow, dir string }

// shift moves messages of lo to hi bytes by the given number.
type shift struct{ lo, hi, by int64 }

// nearby is how close two lengths are when they are the same message with
// other digits or another word (on, off) in it.
const nearby = 8

// firmwareShifts invents another firmware: a constant number of bytes more or
// less for every message of the device. Firmware 0 is the published one.
// Lengths that are nearly equal move together, so that what one byte told
// apart still differs by one byte; on a cipher's grid they move by whole
// blocks; distinct messages stay distinct.
func (d *deviceProfile) firmwareShifts(firmware int) map[shiftKey][]shift {
	if firmware == 0 {
		return nil
	}
	if len(d.Events) > 0 && firmware < len(d.Events[0].Firmware) {
		return nil // a published generation
	}
	m := map[shiftKey][]shift{}
	d.eachLength(func(flow, dir string, l *value) {
		k := shiftKey{flow, dir}
		if l.form == uniform {
			m[k] = append(m[k], shift{lo: l.lo, hi: l.hi})
			return
		}
		for _, n := range l.all() {
			m[k] = append(m[k], shift{lo: n, hi: n})
		}
	})
	for k, list := range m {
		// One generator per key: the order of the map does not matter.
		r := newRand(uint64(firmware), "firmware", d.ID, k.flow, k.dir)
		m[k] = merge(list)
		top := int64(0)
		for i := range m[k] {
			s := &m[k][i]
			if s.lo <= 66 || s.hi >= 1388 {
				top = s.hi
				continue // nothing to add to in an ACK or a full segment
			}
			step, lowest := int64(1), int64(-24)
			if d.Grid.Step > 0 {
				step, lowest = d.Grid.Step, -1
			}
			s.by = between(r, lowest, lowest+max(64/step, 4)) * step
			for s.lo+s.by <= max(top+nearby, 70) {
				s.by += step
			}
			top = s.hi + s.by
		}
	}
	return m
}

// merge sorts the intervals and joins those that are nearly equal.
func merge(list []shift) []shift {
	slices.SortFunc(list, func(a, b shift) int { return int(a.lo - b.lo) })
	var out []shift
	for _, s := range list {
		if n := len(out); n > 0 && s.lo <= out[n-1].hi+nearby {
			out[n-1].hi = max(out[n-1].hi, s.hi)
			continue
		}
		out = append(out, s)
	}
	return out
}

// shifted returns the length in this device's firmware.
func (d *device) shifted(flow, dir string, l int64) int64 {
	for _, s := range d.shifts[shiftKey{flow, dir}] {
		if s.lo <= l && l <= s.hi {
			return l + s.by
		}
	}
	return l
}

// handshakeShift is by how much a set-up message of this firmware differs.
func (d *device) handshakeShift(step int) int64 {
	if d.shifts == nil {
		return 0
	}
	return int64(hash("handshake", d.ID, strconv.Itoa(d.firmware), strconv.Itoa(step))%48) - 16
}

// eachLength calls f for every length of a data message of the device.
func (d *deviceProfile) eachLength(f func(flow, dir string, l *value)) {
	walk := func(steps []step, flow string) {
		for i := range steps {
			s := &steps[i]
			at := func(name string) string {
				if name != "" {
					return name
				}
				return flow
			}
			switch {
			case s.Burst != nil:
				f(at(s.Burst.Flow), s.Burst.D, &s.Burst.L.value)
			case s.Stream != nil:
				f(at(s.Stream.Flow), "C", &s.Stream.UpLen.value)
				f(at(s.Stream.Flow), "S", &s.Stream.DownLen.value)
			case s.D != "":
				f(at(s.Flow), s.D, &s.L.value)
			}
		}
	}
	first := ""
	if len(d.Flows) > 0 {
		first = d.Flows[0].ID
	}
	for i := range d.Periodic {
		p := &d.Periodic[i]
		walk(p.Steps, p.Flow)
	}
	for _, p := range []*periodic{d.Poll, d.LANPoll} {
		if p != nil {
			walk(p.Steps, p.Flow)
		}
	}
	for _, e := range d.Events {
		walk(e.Steps, first)
		for _, s := range e.StepsByChannel { // order does not matter: merged and sorted
			walk(s, first)
		}
		for _, s := range e.StepsByGeneration {
			walk(s, first)
		}
		for _, v := range e.Variants {
			for _, n := range v.L {
				p := plain(n)
				f(first, "C", &p)
			}
		}
		for i := range e.Firmware {
			fw := &e.Firmware[i]
			f("api", "C", &fw.Req.value)
			f("api", "S", &fw.Resp.value)
			walk(fw.Extra, first)
		}
	}
}
