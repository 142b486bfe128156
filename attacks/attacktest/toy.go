package attacktest

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// ToyEvents makes homes with a lamp (on: 4 packets, off: 6) and a lock
// (unlock: 5), each event ten times, one a minute, and heartbeats of 2.
func ToyEvents(homes int) attacks.Training {
	tr := attacks.Training{Task: datasets.TaskEvent, Classes: []string{"lamp/off", "lamp/on", "lock/unlock"}}
	kinds := []struct {
		device   int
		activity string
		sizes    []int32
	}{
		{0, "on", []int32{200, -300, 210, -310}},
		{0, "off", []int32{220, -320, 230, -330, 240, -340}},
		{1, "unlock", []int32{500, -600, 510, -610, 54}},
	}

	for h := range homes {
		var ps []datasets.Packet
		var owner []int32
		send := func(at time.Duration, device int, sizes []int32) {
			for i, s := range sizes {
				d := datasets.Up
				if s < 0 {
					s, d = -s, datasets.Down
				}
				at := at + time.Duration(i)*20*time.Millisecond
				ps = append(ps, datasets.Packet{Time: at, Size: s, Payload: s - 54, Flow: int32(device), Dir: d})
			}
		}
		l := datasets.Labels{Devices: []string{"lamp", "lock"}}

		// Events come at no round seconds, which differ between homes: a clock
		// finds none of them.
		end := 31 * time.Minute
		for i := range 30 {
			at := time.Duration(i)*time.Minute + time.Duration(7+(i*13+h)%40)*time.Second
			k := kinds[i%3]
			send(at, k.device, k.sizes)
			l.Events = append(l.Events, datasets.Event{Start: at, End: at, Device: k.device, Activity: k.activity})
		}
		for at := 3 * time.Second; at < end; at += 19 * time.Second {
			send(at, 0, []int32{90, -94})
			send(at+time.Second, 1, []int32{100, -104})
		}
		slices.SortStableFunc(ps, func(a, b datasets.Packet) int { return cmp.Compare(a.Time, b.Time) })
		for _, p := range ps {
			owner = append(owner, p.Flow)
		}
		l.Owners = owner
		flows := make([]datasets.Flow, 2)
		for i := range flows {
			flows[i] = datasets.Flow{
				Proto:  6,
				Local:  netip.MustParseAddrPort(fmt.Sprintf("192.168.1.%d:5000", i+2)),
				Remote: netip.MustParseAddrPort(fmt.Sprintf("203.0.113.%d:443", i+1)),
				Host:   fmt.Sprintf("d%d.example.net", i),
			}
		}
		tr.Examples = append(tr.Examples, attacks.Labeled{
			Trace: datasets.Trace{Packets: ps, Flows: flows, End: end}, Labels: l, Group: fmt.Sprint("home", h),
		})
	}
	return tr
}
