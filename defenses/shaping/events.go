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
	// Number is that of the event in its recording.
	Number int
}

// Events cuts every event out of r: the packets it caused or, where causes are
// unknown, those from its start to length later of its device (of everybody
// when owners are unknown too). Packets that stay in the home are left out, and
// events without any packet as well.
func Events(r datasets.Recording, length time.Duration) []Event {
	// Caused packets may come at any time, also before the event's own time. They are
	// told apart in one pass: a month has thousands of events and millions of packets.
	var caused [][]int32
	if r.Labels.Cause != nil {
		caused = make([][]int32, len(r.Labels.Events))
		for i, n := range r.Labels.Cause {
			if n >= 0 && int(n) < len(caused) {
				caused[n] = append(caused[n], int32(i))
			}
		}
	}

	var out []Event
	for n, ev := range r.Labels.Events {
		e := Event{Number: n}
		index := map[int32]int32{} // of the recording's flows in e.Flows
		take := func(i int) {
			p := r.Trace.Packets[i]
			if !r.Trace.Flows[p.Flow].Exposed() {
				return
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

		// Without causes the window counts.
		if caused != nil {
			for _, i := range caused[n] {
				take(int(i))
			}
		} else {
			first, _ := slices.BinarySearchFunc(r.Trace.Packets, ev.Start,
				func(p datasets.Packet, t time.Duration) int { return cmp.Compare(p.Time, t) })
			for i := first; i < len(r.Trace.Packets) && r.Trace.Packets[i].Time <= ev.Start+length; i++ {
				if r.Labels.Owners == nil || int(r.Labels.Owners[i]) == ev.Device {
					take(i)
				}
			}
		}

		if len(e.Packets) > 0 {
			out = append(out, e)
		}
	}
	return out
}
