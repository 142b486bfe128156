package home

import (
	"slices"
	"sort"
	"time"

	"veilbench/datasets"
)

// begin is the wall-clock time at which recordings start: a Monday, midnight.
func begin() time.Time { return time.Date(2025, time.March, 3, 0, 0, 0, 0, time.UTC) }

// recording turns the home into a recording: packets in order of time, flows
// in order of first appearance, nothing beyond the end. Devices of one label
// are one device in the truth.
func (h *house) recording() datasets.Recording {
	rec := datasets.Recording{ID: h.name, Group: h.name}
	rec.Trace.Start, rec.Trace.End = begin(), time.Duration(h.end)
	for _, d := range h.devices {
		rec.Labels.Devices = append(rec.Labels.Devices, d.label)
	}
	slices.Sort(rec.Labels.Devices)
	rec.Labels.Devices = slices.Compact(rec.Labels.Devices)
	owner := make([]int32, len(h.devices))
	for i, d := range h.devices {
		owner[i] = int32(slices.Index(rec.Labels.Devices, d.label))
	}
	for _, e := range h.events {
		e.Device = int(owner[e.Device])
		rec.Labels.Events = append(rec.Labels.Events, e)
	}
	for _, c := range h.commands {
		c.Device = int(owner[c.Device])
		rec.Labels.Commands = append(rec.Labels.Commands, c)
	}
	n := sort.Search(len(h.packets), func(i int) bool { return h.packets[i].time > h.end })
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
		rec.Labels.Owners[i], rec.Labels.Cause[i] = owner[p.owner], p.cause
	}
	return rec
}
