// Package planted makes clips in which what tells the classes apart is known.
package planted

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/bench/draws"
	"veilbench/datasets"
)

// Sizes of the planted data set.
const (
	plantGroups  = 6
	plantReps    = 8
	plantPackets = 12
	plantEnd     = 20 * time.Second
)

// Clips makes clips of one device with two activities whose packets differ
// in the parity of their sizes only, and each packet has one of the sizes of
// its place. What tells them apart is known, so what an attack must reach is
// known too. With leak false both activities draw the same sizes.
func Clips(leak bool) datasets.Dataset {
	r := draws.New(1, "planted", fmt.Sprint(leak))
	ds := datasets.Dataset{
		Name: "self-check", Recorded: datasets.WAN, Tasks: []datasets.Task{datasets.TaskClip},
		Split: "group-kfold:k=3", Generated: true,
	}

	for g := range plantGroups {
		for rep := range plantReps {
			for c, activity := range []string{"even", "odd"} {
				ds.Recordings = append(ds.Recordings, datasets.Recording{
					// Activities alternate, so that both have the same share of every group and
					// guessing gives half.
					ID:    fmt.Sprintf("g%d-%s-%d", g, activity, rep),
					Group: fmt.Sprintf("g%d", g),
					Trace: Trace(r, leak, int32(c)),
					Labels: datasets.Labels{
						Devices: []string{"device"},
						Events:  []datasets.Event{{Device: 0, Activity: activity}},
						Owners:  make([]int32, plantPackets), Cause: make([]int32, plantPackets),
					},
				})
			}
		}
	}
	return ds
}

// Trace makes one such clip: packets up and down in turn, 20 to 40 ms apart. With
// leak each size has the parity asked for, else one by chance.
func Trace(r *rand.Rand, leak bool, parity int32) datasets.Trace {
	local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 1, 2}), 40000)
	remote := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, 0, 1}), 443)
	t := datasets.Trace{End: plantEnd, Flows: []datasets.Flow{{Proto: 17, Local: local, Remote: remote}}}

	// Clips begin anywhere in the first second: their start tells nothing.
	at := time.Duration(r.Int64N(int64(time.Second)))
	for i := range plantPackets {
		size := int32(200 + 40*i)
		if leak {
			size += parity
		} else {
			size += r.Int32N(2)
		}

		t.Packets = append(t.Packets, datasets.Packet{
			Time: at, Size: size, Payload: size - 42, Dir: datasets.Dir(i % 2),
		})
		at += 20*time.Millisecond + time.Duration(r.Int64N(int64(20*time.Millisecond)))
	}
	return t
}

// ShuffledLabels gives the activities of ds to other clips at random.
func ShuffledLabels(ds datasets.Dataset) datasets.Dataset {
	r := draws.New(1, "shuffle")

	ds.Recordings = slices.Clone(ds.Recordings)
	perm := r.Perm(len(ds.Recordings))
	activity := make([]string, len(perm))
	for i := range perm {
		activity[i] = ds.Recordings[perm[i]].Labels.Events[0].Activity
	}

	for i := range ds.Recordings {
		l := &ds.Recordings[i].Labels
		l.Events = []datasets.Event{{Device: 0, Activity: activity[i]}}
	}
	return ds
}
