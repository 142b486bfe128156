package bench

import (
	"slices"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Open world: devices that nobody labeled. Training neither shows their packets
// nor knows their events; in test they are there, and whatever an attack takes
// them for is a false alarm. Event task only: in the others every packet or
// trace has to be somebody's.

// monitored returns l without the events of the devices named. Devices, owners
// and causes keep their indexes; the cause of a packet whose event is gone is
// -1.
func monitored(l datasets.Labels, unmonitored []string) datasets.Labels {
	if len(unmonitored) == 0 {
		return l
	}
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

// withoutUnmonitored removes from a training example the packets and events of
// the devices named.
func withoutUnmonitored(l attacks.Labeled, unmonitored []string) attacks.Labeled {
	if len(unmonitored) == 0 || l.Labels.Owners == nil {
		return l
	}
	var kept []int32
	for i, o := range l.Labels.Owners {
		if o < 0 || !slices.Contains(unmonitored, l.Labels.Devices[o]) {
			kept = append(kept, int32(i))
		}
	}
	packets := make([]datasets.Packet, len(kept))
	for i, k := range kept {
		packets[i] = l.Trace.Packets[k]
	}
	l.Trace.Packets = packets
	l.Labels = monitored(l.Labels.Keep(kept), unmonitored)
	return l
}

// truthOf is o with the truth that a task is scored by.
func (o *observed) truthOf(task datasets.Task, ds *datasets.Dataset) *observed {
	if task != datasets.TaskEvent || len(ds.Unmonitored) == 0 {
		return o
	}
	open := *o
	open.labels = monitored(o.labels, ds.Unmonitored)
	return &open
}
