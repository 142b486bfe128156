package traffic

import (
	"slices"
	"sort"
	"time"

	"veilbench/datasets"
)

// startTime is the wall-clock time from which recordings count: a Monday,
// midnight, so that the days of the week are those that routines go by.
func startTime() time.Time { return time.Date(2025, time.March, 3, 0, 0, 0, 0, time.UTC) }

// Recording adds the pure ACKs of all that was played and turns the home into a
// recording: packets in order of time, flows in order of first appearance,
// nothing beyond the end. Devices of one label, such as phones and computers,
// are one device in the truth. The home is used up.
func (h *Home) Recording() datasets.Recording {
	h.acknowledge()
	rec := datasets.Recording{ID: h.Name, Group: h.Name}
	rec.Trace.Start, rec.Trace.End = startTime().Add(time.Duration(h.Start)), time.Duration(h.End)
	rec.Labels.Events, rec.Labels.Commands = h.events, h.commands
	rec.Labels.Stays = datasets.CutStays(h.Stays, 0, rec.Trace.End)

	for _, d := range h.Devices {
		rec.Labels.Devices = append(rec.Labels.Devices, d.label())
	}
	slices.Sort(rec.Labels.Devices)
	rec.Labels.Devices = slices.Compact(rec.Labels.Devices)

	// From here on, devices are counted by label.
	owner := make([]int32, len(h.Devices))
	for i, d := range h.Devices {
		owner[i] = int32(slices.Index(rec.Labels.Devices, d.label()))
	}
	for i := range rec.Labels.Events {
		rec.Labels.Events[i].Device = int(owner[rec.Labels.Events[i].Device])
	}
	for i := range rec.Labels.Commands {
		rec.Labels.Commands[i].Device = int(owner[rec.Labels.Commands[i].Device])
	}

	h.fillPackets(&rec, owner)
	return rec
}

// fillPackets copies the packets up to the end, with their truth. A flow gets its index
// with its first packet: those that have none up to the end do not exist.
func (h *Home) fillPackets(rec *datasets.Recording, owner []int32) {
	n := sort.Search(len(h.packets), func(i int) bool { return h.packets[i].time > h.End })
	rec.Trace.Packets = make([]datasets.Packet, n)
	rec.Labels.Owners = make([]int32, n)
	rec.Labels.Cause = make([]int32, n)

	index := make([]int32, len(h.flows)) // 0 for none, else one more than the flow's
	for i, p := range h.packets[:n] {
		if index[p.flow] == 0 {
			rec.Trace.Flows = append(rec.Trace.Flows, h.flows[p.flow])
			index[p.flow] = int32(len(rec.Trace.Flows))
		}
		rec.Trace.Packets[i] = datasets.Packet{
			Time: time.Duration(p.time), Size: p.size, Payload: p.payload, Flow: index[p.flow] - 1, Dir: p.dir,
		}
		rec.Labels.Owners[i], rec.Labels.Cause[i] = owner[p.owner], p.cause
	}
}

// label is the device's name in the truth.
func (d *Device) label() string {
	if d.IsComputer() {
		return d.Label
	}
	return d.ID
}
