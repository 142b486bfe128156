// Package canary plants artificial signals in traffic, as a laboratory runs
// positive controls: an attack that misses a strong signal behind a defense is
// blind there, and its low score says nothing of the defense.
//
// A canary uses flows, addresses and frame sizes that the traffic has anyway; only
// its timing or the number of its packets is strong. There is one shape for each
// task: a burst of packets (event), a trace of nothing else (clip), packets of a
// device that come back to back (device), a message of many segments (command).
package canary

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Names of canaries: the activity, device, clip class or action that stands for
// one. Those behind the defense are not touched by it; the others passed through.
const (
	Behind  = "canary"
	Through = "canary-through"
)

// Frame is a packet to copy: its size and payload as in datasets.Packet.
type Frame struct{ Size, Payload int32 }

// Frames are what canaries are made of, by direction; a Size of 0: no such packet
// was seen.
type Frames [2]Frame

// spacing is the least time between two canaries: apart enough for attacks that
// cut traffic by silence.
const spacing = 10 * time.Second

// Gaps between the packets of a canary, and how many there are beside others.
const (
	eventGap    = 15 * time.Millisecond
	clipGap     = 50 * time.Millisecond
	messageGap  = 2 * time.Millisecond
	devicePack  = 64 // packets back to back
	deviceShare = 4  // one canary packet for so many others
	commandBase = 4  // segments of a message around its actions
)

// shape is what canaries of one kind look like. The two kinds differ in number
// and gap, so that an attack can tell them apart where it sees them.
type shape struct {
	event, clip int           // packets
	deviceGap   time.Duration // shorter than any line sends frames
	segments    int           // of a message for each action
}

// shapeOf is that of the canaries with a name.
func shapeOf(name string) shape {
	if name == Behind {
		return shape{event: 60, clip: 240, deviceGap: 2 * time.Microsecond, segments: 6}
	}

	// No sum of a few actions of the other kind takes as many segments.
	return shape{event: 44, clip: 160, deviceGap: 100 * time.Microsecond, segments: 11}
}

// planted is a packet to insert: whose it is and of which new event.
type planted struct {
	packet datasets.Packet
	owner  int32
	event  int32 // index in the labels that it is inserted with, -1 none
}

// insert returns l with packets merged in by time; a packet at the same moment as
// another comes after it. The slices of l are not modified.
func insert(l attacks.Labeled, add []planted) attacks.Labeled {
	slices.SortStableFunc(add, func(a, b planted) int { return cmp.Compare(a.packet.Time, b.packet.Time) })
	old := l.Trace.Packets
	n := len(old) + len(add)

	// Owners and causes stay unknown where they are: a canary must not be the only
	// traffic whose owner is known.
	packets := make([]datasets.Packet, 0, n)
	var owners, cause []int32
	for i, k := 0, 0; len(packets) < n; {
		if k == len(add) || i < len(old) && old[i].Time <= add[k].packet.Time {
			packets = append(packets, old[i])
			if l.Labels.Owners != nil {
				owners = append(owners, l.Labels.Owners[i])
			}
			if l.Labels.Cause != nil {
				cause = append(cause, l.Labels.Cause[i])
			}
			i++
			continue
		}
		packets = append(packets, add[k].packet)
		if l.Labels.Owners != nil {
			owners = append(owners, add[k].owner)
		}
		if l.Labels.Cause != nil {
			cause = append(cause, add[k].event)
		}
		k++
	}
	l.Trace.Packets, l.Labels.Owners, l.Labels.Cause = packets, owners, cause
	return l
}

// packet is one of a canary: its kth packet, of which the even ones go up, in the
// directions that were seen.
func (f Frames) packet(k int, at time.Duration, flow int32) (datasets.Packet, bool) {
	d := datasets.Dir(k % 2)
	if f[d].Size == 0 {
		d = 1 - d
	}
	return datasets.Packet{Time: at, Size: f[d].Size, Payload: f[d].Payload, Flow: flow, Dir: d}, f[d].Size > 0
}

// addEvents returns the labels with further events, all in order of start, and
// where each of the further ones went.
func addEvents(l datasets.Labels, events []datasets.Event) (datasets.Labels, []int32) {
	type place struct {
		datasets.Event
		old int
	}
	var all []place
	for i, e := range slices.Concat(l.Events, events) {
		all = append(all, place{e, i})
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(a.Start, b.Start) })

	// Causes index events, whose places have changed.
	to := make([]int32, len(all))
	n := len(l.Events)
	l.Events = make([]datasets.Event, len(all))
	for i, p := range all {
		l.Events[i], to[p.old] = p.Event, int32(i)
	}
	if l.Cause != nil {
		l.Cause = slices.Clone(l.Cause)
		for i, c := range l.Cause {
			if c >= 0 {
				l.Cause[i] = to[c]
			}
		}
	}
	return l, to[n:]
}

// Event plants events of an activity of device at the times given: bursts of the
// same number of packets each.
func Event(l attacks.Labeled, device, activity string, f Frames, times []time.Duration) attacks.Labeled {
	at, carrier := slices.Index(l.Labels.Devices, device), Carrier(l, device)
	if at < 0 || carrier < 0 {
		return l
	}
	n := shapeOf(activity).event
	var events []datasets.Event
	for _, t := range times {
		events = append(events, datasets.Event{Start: t, End: t + time.Duration(n-1)*eventGap, Device: at, Activity: activity})
	}

	// Events are sorted anew, so a burst must ask where its own went.
	var to []int32
	l.Labels, to = addEvents(l.Labels, events)

	var add []planted
	for i, t := range times {
		for k := range n {
			if p, ok := f.packet(k, t+time.Duration(k)*eventGap, carrier); ok && p.Time <= l.Trace.End {
				add = append(add, planted{p, int32(at), to[i]})
			}
		}
	}
	return insert(l, add)
}

// Clip makes of l a clip of class name/name: as long, by the same flows, and nothing
// in it but the canary.
func Clip(l attacks.Labeled, name string, f Frames) attacks.Labeled {
	n := shapeOf(name).clip
	carrier := Carrier(l, "")
	owner := int32(-1)
	if len(l.Labels.Events) > 0 {
		owner = int32(l.Labels.Events[0].Device)
	}
	out := attacks.Labeled{Trace: l.Trace, Group: l.Group, Class: name + "/" + name, Labels: datasets.Labels{Devices: l.Labels.Devices}}
	out.Trace.Packets = nil
	if l.Labels.Owners != nil {
		out.Labels.Owners = []int32{}
	}

	// Short clips hold the same number of packets, closer together.
	gap := min(clipGap, l.Trace.End/time.Duration(n+1))
	var add []planted
	for k := range n {
		if p, ok := f.packet(k, gap*time.Duration(k+1), carrier); ok && carrier >= 0 {
			add = append(add, planted{p, owner, -1})
		}
	}
	return insert(out, add)
}

// shared says whether a flow carries packets of several devices, as a tunnel does.
func shared(l attacks.Labeled, flow int32) bool {
	first, seen := int32(0), false
	for i, p := range l.Trace.Packets {
		if p.Flow != flow || i >= len(l.Labels.Owners) {
			continue
		}
		if seen && l.Labels.Owners[i] != first {
			return true
		}
		first, seen = l.Labels.Owners[i], true
	}
	return false
}

// Device plants the packets of a device of that name: runs of packets that all go
// up, back to back. It shares the flow of a tunnel; elsewhere it has one of its
// own, to an address that others talk to as well.
func Device(rng *rand.Rand, l attacks.Labeled, name string, f Frames) attacks.Labeled {
	flow := Carrier(l, "")
	if flow < 0 || f[datasets.Up].Size == 0 {
		return l
	}

	// In a tunnel nobody has a flow of one's own; outside of one a device that shared
	// a flow could not be told by any attack that labels flows.
	if !shared(l, flow) {
		own := l.Trace.Flows[flow]
		if own.Local.IsValid() {
			own.Local = portAfter(l.Trace.Flows, own.Local)
		}
		l.Trace.Flows = append(slices.Clone(l.Trace.Flows), own)
		flow = int32(len(l.Trace.Flows) - 1)
	}
	owner := int32(len(l.Labels.Devices))
	l.Labels.Devices = append(slices.Clone(l.Labels.Devices), name)

	gap := shapeOf(name).deviceGap
	runs := max(len(l.Trace.Packets)/deviceShare/devicePack, 4)
	var add []planted
	for range runs {
		// A run may not reach beyond the end, nor overlap another by much: chance
		// keeps them apart well enough.
		at := time.Duration(rng.Int64N(max(int64(l.Trace.End-devicePack*gap), 1)))
		for k := range devicePack {
			p := datasets.Packet{Time: at + time.Duration(k)*gap, Size: f[datasets.Up].Size, Payload: f[datasets.Up].Payload, Flow: flow, Dir: datasets.Up}
			if p.Time <= l.Trace.End {
				add = append(add, planted{p, owner, -1})
			}
		}
	}
	return insert(l, add)
}

// Command plants commands of one and, every other time, two actions of that name at
// the times given: messages of many segments.
func Command(l attacks.Labeled, name string, f Frames, times []time.Duration) attacks.Labeled {
	flow := downFlow(l)
	if flow < 0 || f[datasets.Down].Size == 0 {
		return l
	}
	segments := shapeOf(name).segments
	l.Labels.Commands = slices.Clone(l.Labels.Commands)
	var add []planted
	for i, t := range times {
		// Sizes of actions are learned from commands with one and with two of them.
		copies := 1 + i%2
		l.Labels.Commands = append(l.Labels.Commands, datasets.Command{Time: t, Actions: []datasets.ActionCount{{Action: name, Count: copies}}})
		for k := range commandBase + copies*segments {
			p := datasets.Packet{Time: t + time.Duration(k)*messageGap, Size: f[datasets.Down].Size, Payload: f[datasets.Down].Payload, Flow: flow, Dir: datasets.Down}
			if p.Time <= l.Trace.End {
				add = append(add, planted{p, -1, -1})
			}
		}
	}
	slices.SortStableFunc(l.Labels.Commands, func(a, b datasets.Command) int { return cmp.Compare(a.Time, b.Time) })
	return insert(l, add)
}
