package shaping

import (
	"cmp"
	"slices"
	"time"

	"veilbench/datasets"
)

// Event is the traffic of one event, cut out of its recording. Times count
// from the event's start, and the packets' Flow indexes Flows.
type Event struct {
	Packets []datasets.Packet
	Flows   []datasets.Flow
}

// Events cuts every event out of r: the packets it caused or, where causes are
// unknown, those from its start to length later of its device (of everybody
// when owners are unknown too). Packets that stay in the home are left out, and
// events without any packet as well.
func Events(r datasets.Recording, length time.Duration) []Event {
	var out []Event
	for n, ev := range r.Labels.Events {
		var e Event
		index := map[int32]int32{} // of the recording's flows in e.Flows

		// Caused packets may come at any time, also before the event's own
		// time; without causes only the window counts.
		first := 0
		if r.Labels.Cause == nil {
			first, _ = slices.BinarySearchFunc(r.Trace.Packets, ev.Start,
				func(p datasets.Packet, t time.Duration) int { return cmp.Compare(p.Time, t) })
		}
		for i := first; i < len(r.Trace.Packets); i++ {
			p := r.Trace.Packets[i]
			if r.Labels.Cause == nil && p.Time > ev.Start+length {
				break
			}
			if !causedBy(r.Labels, i, n) || !r.Trace.Flows[p.Flow].Exposed() {
				continue
			}

			f, ok := index[p.Flow]
			if !ok {
				f = int32(len(e.Flows))
				index[p.Flow] = f
				e.Flows = append(e.Flows, r.Trace.Flows[p.Flow])
			}
			p.Flow = f
			p.Time = max(0, p.Time-ev.Start)
			e.Packets = append(e.Packets, p)
		}

		if len(e.Packets) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// causedBy tells whether packet i belongs to event n, as far as is known.
func causedBy(l datasets.Labels, i, n int) bool {
	switch {
	case l.Cause != nil:
		return int(l.Cause[i]) == n
	case l.Owners != nil:
		return int(l.Owners[i]) == l.Events[n].Device
	}
	return true
}
