// Package truth carries what was true of a recording over to what leaves a
// defense, and hides from an attacker what it may not know.
package truth

import (
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
	"veilbench/defenses"
)

// Defended carries the truth of rec over to the packets of t: a packet
// belongs to the device and event of the original it carries first, one of the
// defense's own to the device datasets.Cover. Events end when their last
// original byte leaves.
func Defended(rec *datasets.Recording, t datasets.Trace, c *defenses.Carried) datasets.Labels {
	l := rec.Labels
	l.Events = slices.Clone(l.Events)
	if l.Cause != nil {
		extendEvents(rec, l.Events, t, c)
	}

	if c == nil {
		return l
	}

	// The device is there even if nothing of the defense's own was sent: it becomes
	// a class only where training holds such packets (deviceClasses).
	cover := int32(len(l.Devices))
	l.Devices = append(slices.Clone(l.Devices), datasets.Cover)

	if l.Owners != nil {
		owners := make([]int32, len(t.Packets))
		for i := range owners {
			owners[i] = cover
			if e := c.First[i]; e < c.First[i+1] {
				owners[i] = l.Owners[c.Orig[e]]
			}
		}
		l.Owners = owners
	}

	// Not only the first original counts here: a packet of no event that shares a
	// packet with one of an event must not hide it.
	if l.Cause != nil {
		cause := make([]int32, len(t.Packets))
		for i := range cause {
			cause[i] = -1
			for e := c.First[i]; e < c.First[i+1] && cause[i] < 0; e++ {
				cause[i] = rec.Labels.Cause[c.Orig[e]]
			}
		}

		l.Cause = cause
	}
	return l
}

// extendEvents moves the end of each event to the time when the last original
// it caused has left.
func extendEvents(rec *datasets.Recording, events []datasets.Event, t datasets.Trace, c *defenses.Carried) {
	late := func(orig int32, at time.Duration) {
		if e := rec.Labels.Cause[orig]; e >= 0 {
			events[e].End = max(events[e].End, at)
		}
	}

	if c == nil {
		for i, p := range t.Packets {
			late(int32(i), p.Time)
		}
		return
	}
	for i, p := range t.Packets {
		for e := c.First[i]; e < c.First[i+1]; e++ {
			late(c.Orig[e], p.Time)
		}
	}
}

// Open world: devices that nobody labeled. Training neither shows their packets
// nor knows their events; in test they are there, and whatever an attack takes
// them for is a false alarm. Event task only: in the others every packet or
// trace has to be somebody's.

// Monitored returns l without the events of the devices named. Devices, owners
// and causes keep their indexes; the cause of a packet whose event is gone is
// -1.
func Monitored(l datasets.Labels, unmonitored []string) datasets.Labels {
	if len(unmonitored) == 0 {
		return l
	}

	// Causes index events, and these close ranks: to is where each event goes.
	to := make([]int32, len(l.Events))
	var events []datasets.Event
	for i, e := range l.Events {
		to[i] = -1
		if !slices.Contains(unmonitored, l.Devices[e.Device]) {
			to[i] = int32(len(events))
			events = append(events, e)
		}
	}

	l.Events = events
	if l.Cause != nil {
		cause := make([]int32, len(l.Cause))
		for i, c := range l.Cause {
			cause[i] = -1
			if c >= 0 {
				cause[i] = to[c]
			}
		}
		l.Cause = cause
	}
	return l
}

// WithoutUnmonitored removes from a training example the packets and events of
// the devices named.
func WithoutUnmonitored(l attacks.Labeled, unmonitored []string) attacks.Labeled {
	if l.Second != nil {
		second := WithoutUnmonitored(*l.Second, unmonitored)
		l.Second = &second
	}
	if len(unmonitored) == 0 || l.Labels.Owners == nil {
		return l
	}

	var kept []int32
	for i, o := range l.Labels.Owners {
		if o < 0 || !slices.Contains(unmonitored, l.Labels.Devices[o]) {
			kept = append(kept, int32(i))
		}
	}

	// The flows stay, though nothing may be left on some: packets index them.
	packets := make([]datasets.Packet, len(kept))
	for i, k := range kept {
		packets[i] = l.Trace.Packets[k]
	}

	l.Trace.Packets = packets
	l.Labels = Monitored(l.Labels.Keep(kept), unmonitored)
	return l
}
