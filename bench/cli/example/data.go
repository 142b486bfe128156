package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"veilbench/datasets"
)

// load makes what a test bench might have recorded: a lamp and a plug, each switched on
// and off in six sessions. A real loader reads path instead.
func load(_ context.Context, _ string, seed uint64) ([]datasets.Dataset, error) {
	ds := datasets.Dataset{
		Name: "acme-bench", Source: "the test bench of Acme", Generated: true,
		Recorded: datasets.LAN, Split: "group-kfold:k=3", Tasks: []datasets.Task{datasets.TaskClip},
	}
	draw := rand.New(rand.NewPCG(seed, 1))
	for session := range 6 {
		for i, class := range []string{"lamp/on", "lamp/off", "plug/on", "plug/off"} {
			for trial := range 3 {
				device, activity, _ := strings.Cut(class, "/")
				ds.Recordings = append(ds.Recordings, datasets.Recording{
					ID: fmt.Sprintf("s%d-%s-%s-%d", session, device, activity, trial), Group: fmt.Sprintf("session%d", session),
					Trace:  clip(draw, session, int32(100+37*i)),
					Labels: datasets.Labels{Devices: []string{device}, Events: []datasets.Event{{Activity: activity}}},
				})
			}
		}
	}
	return []datasets.Dataset{ds}, nil
}

// clip is ten seconds around a request of so many bytes and its answer.
func clip(draw *rand.Rand, session int, payload int32) datasets.Trace {
	const headers = datasets.EthernetHeader + 40
	t := datasets.Trace{
		Start: time.Date(2026, 1, 1+session, 12, 0, 0, 0, time.UTC), End: 10 * time.Second,
		Flows: []datasets.Flow{{Proto: 6, Local: netip.MustParseAddrPort("192.168.1.20:40000"), Remote: netip.MustParseAddrPort("203.0.113.7:443")}},
	}
	at := time.Duration(draw.IntN(1000)) * time.Millisecond
	for i, p := range []int32{payload + draw.Int32N(9), 213} {
		at += time.Duration(10+draw.IntN(20)) * time.Millisecond
		t.Packets = append(t.Packets, datasets.Packet{Time: at, Payload: p, Size: headers + p, Dir: datasets.Dir(i)})
	}
	return t
}

// onOrOff names the same clips by what was done, whatever it was done to.
func onOrOff(ds datasets.Dataset) (datasets.Dataset, error) {
	for i := range ds.Recordings {
		ds.Recordings[i].Labels.Devices = []string{"any"}
	}
	ds.Tasks = []datasets.Task{datasets.TaskClip}
	return ds, nil
}
