package traffic

import (
	"cmp"
	"slices"
	"strconv"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// messages names the messages of one direction, C or S, of a flow.
type messages struct{ flow, dir string }

// shift moves messages of lo to hi bytes by the given number.
type shift struct{ lo, hi, by int64 }

// nearby is how close two lengths are when they are the same message with
// other digits or another word (on, off) in it.
const nearby = 8

// Frames up to an ACK with time stamps or from a full segment on the narrowest
// path are the same in every firmware.
const (
	longestACK       = 66
	shortestFullSize = 1388
)

// firmwareShifts invents another firmware: a constant number of bytes more or
// less for every message of the device, by direction and flow, in order of
// length. Firmware 0 is the published one. Lengths that are nearly equal move
// together, so that what one byte told apart still differs by one byte; on a
// cipher's grid they move by whole blocks; distinct messages stay distinct.
func firmwareShifts(d *profile.Device, firmware int) map[messages][]shift {
	if firmware == 0 || len(d.Events) > 0 && firmware < len(d.Events[0].Firmware) {
		return nil // published
	}

	m := map[messages][]shift{}
	eachLength(d, func(flow, dir string, l draw.Value) {
		k := messages{flow, dir}
		for _, iv := range l.Intervals() {
			m[k] = append(m[k], shift{lo: iv[0], hi: iv[1]})
		}
	})

	for k, list := range m {
		// One generator per key: the order of the map does not matter.
		r := draw.New(uint64(firmware), "firmware", d.ID, k.flow, k.dir)
		m[k] = mergeNearby(list)

		// 24 bytes less to 40 more, or as many blocks of a cipher that pads; more
		// if that is needed to stay above the message before.
		step, lowest := int64(1), int64(-24)
		if d.Grid.Step > 0 {
			step, lowest = d.Grid.Step, -1
		}
		top := int64(0) // of the message before, moved
		for i := range m[k] {
			s := &m[k][i]
			if s.lo > longestACK && s.hi < shortestFullSize {
				s.by = draw.Between(r, lowest, lowest+max(64/step, 4)) * step
				for s.lo+s.by <= max(top+nearby, 70) {
					s.by += step
				}
			}
			top = s.hi + s.by
		}
	}
	return m
}

// mergeNearby sorts the intervals and joins those that are nearly equal.
func mergeNearby(list []shift) []shift {
	slices.SortFunc(list, func(a, b shift) int { return cmp.Compare(a.lo, b.lo) })
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
func (d *Device) shifted(flow, dir string, l int64) int64 {
	for _, s := range d.shifts[messages{flow, dir}] {
		if s.lo <= l && l <= s.hi {
			return l + s.by
		}
	}
	return l
}

// handshakeShift is by how much a set-up message of this firmware differs.
// Templates are shared between devices, so this hangs on the place of the step
// and not on its length.
func (d *Device) handshakeShift(step int) int64 {
	if d.shifts == nil {
		return 0
	}
	return int64(draw.Hash("handshake", d.ID, strconv.Itoa(d.firmware), strconv.Itoa(step))%48) - 16
}

// eachLength calls f for every length of a data message of the device, in no
// particular order.
func eachLength(d *profile.Device, f func(flow, dir string, l draw.Value)) {
	d.EachStep(func(_ *profile.Event, flow string, s *profile.Step) {
		switch flow := s.On(flow); {
		case s.Burst != nil:
			f(flow, s.Burst.D, s.Burst.L.Value)
		case s.Stream != nil:
			f(flow, "C", s.Stream.UpLen.Value)
			f(flow, "S", s.Stream.DownLen.Value)
		case s.D != "" && s.L.Name == "":
			f(flow, s.D, s.L.Value)
		}
	})

	// Variants change messages of the first flow, and the profiles use the named
	// lengths on flows called "api" alone.
	for _, e := range d.Events {
		for _, v := range e.Variants {
			for _, n := range v.L {
				f(d.Flows[0].ID, "C", draw.Fixed(n))
			}
		}
		for i := range e.Firmware {
			f("api", "C", e.Firmware[i].Req.Value)
			f("api", "S", e.Firmware[i].Resp.Value)
		}
	}
}
