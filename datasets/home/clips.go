package home

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
)

// clipLength is how long the clips of the presets are: longer than any event
// of their devices, and short enough that most hold no heartbeat.
const clipLength = 10 * time.Second

// cutClips cuts one clip of the given length out of recs for every point event:
// the packets of the event's device from up to a second before the event on, so
// that the first packet's time tells nothing. length is the common End of all
// clips. A clip keeps the group of its recording; events too near to an end for
// a whole clip are left out. The input is not modified.
func cutClips(recs []datasets.Recording, length time.Duration, seed uint64) []datasets.Recording {
	var out []datasets.Recording
	for _, rec := range recs {
		r := draw.New(seed, rec.ID, "clips")
		for i, e := range rec.Labels.Events {
			from := e.Start - time.Duration(draw.Between(r, int64(100*time.Millisecond), int64(time.Second)))
			if e.End != e.Start || from < 0 || from+length > rec.Trace.End {
				continue
			}
			out = append(out, cutClip(rec, i, from, length))
		}
	}
	return out
}

// cutClip is the clip of one event, which is the only one in its truth.
func cutClip(rec datasets.Recording, event int, from, length time.Duration) datasets.Recording {
	e := rec.Labels.Events[event]
	c := datasets.Recording{ID: fmt.Sprintf("%s/%04d", rec.ID, event+1), Group: rec.Group}
	c.Trace.Start, c.Trace.End = rec.Trace.Start.Add(from), length
	c.Labels.Devices = []string{rec.Labels.Devices[e.Device]}
	c.Labels.Events = []datasets.Event{{Start: e.Start - from, End: e.Start - from, Activity: e.Activity}}

	pk := rec.Trace.Packets
	first, _ := slices.BinarySearchFunc(pk, from, func(p datasets.Packet, t time.Duration) int { return cmp.Compare(p.Time, t) })
	index := map[int32]int32{} // of the clip's flows, by those of the recording
	for i := first; i < len(pk) && pk[i].Time <= from+length; i++ {
		if rec.Labels.Owners[i] != int32(e.Device) {
			continue
		}

		p := pk[i]
		f, ok := index[p.Flow]
		if !ok {
			f = int32(len(c.Trace.Flows))
			index[p.Flow] = f
			c.Trace.Flows = append(c.Trace.Flows, rec.Trace.Flows[p.Flow])
		}
		p.Time, p.Flow = p.Time-from, f
		c.Trace.Packets = append(c.Trace.Packets, p)

		// Packets of the device's other events are in the clip too, but no event
		// in it caused them.
		c.Labels.Owners = append(c.Labels.Owners, 0)
		cause := int32(-1)
		if rec.Labels.Cause[i] == int32(event) {
			cause = 0
		}
		c.Labels.Cause = append(c.Labels.Cause, cause)
	}
	return c
}
