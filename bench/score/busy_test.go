package score

import (
	"math"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// A camera sends a packet in each of 20 bins of 5 s and 50 more in those from 30 s
// to 50 s, while somebody watches: 4 of 20 bins. The attack gives the packets of
// one of these, and all of another camera's in an idle bin, to the wrong one: 3 of
// 4 busy bins and 15 of 16 idle ones are told right, by true labels all.
func TestBusyByHand(t *testing.T) {
	x := Test{Recording: &datasets.Recording{Group: "g"}, Classes: []string{"camera", "other"}}
	x.Trace.End = 100 * time.Second
	x.Labels = datasets.Labels{Devices: []string{"camera", "other"}, Events: []datasets.Event{{Start: 30 * time.Second, End: 50 * time.Second, Device: 0, Activity: "watch"}}}
	add := func(bin, n int, owner, said int32) {
		for range n {
			x.Trace.Packets = append(x.Trace.Packets, datasets.Packet{Time: time.Duration(bin)*busyBin + time.Second, Size: 100})
			x.Labels.Owners = append(x.Labels.Owners, owner)
			x.Answer.Devices = append(x.Answer.Devices, attacks.Owner{Class: said})
		}
	}
	for bin := range 20 {
		add(bin, 1, 0, 0)
		switch {
		case bin == 6:
			add(bin, 50, 0, 1)
		case bin > 6 && bin < 10:
			add(bin, 50, 0, 0)
		case bin == 15:
			add(bin, 60, 1, 0)
		}
	}

	ds := &datasets.Dataset{}
	got := map[string]float64{}
	for _, m := range Of(ds, datasets.TaskDevice, x.Classes, []Test{x}).Metrics {
		got[m.Name] = m.Value
	}
	for name, want := range map[string]float64{
		"busy_right": (3./4 + 15./16) / 2, "busy_right:camera": (3./4 + 15./16) / 2,
		"busy_right_known": 1, "busy_share:camera": 4. / 20,
	} {
		if g, ok := got[name]; !ok || math.Abs(g-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, g, want)
		}
	}
	if _, ok := got["busy_right:other"]; ok {
		t.Error("a device without an event that lasts has a score")
	}

	// Where the end of an event means nothing there is nothing to tell.
	for _, m := range Of(&datasets.Dataset{Vague: true}, datasets.TaskDevice, x.Classes, []Test{x}).Metrics {
		if m.Name == "busy_right" {
			t.Error("a score of ends that mean nothing")
		}
	}
}

// The counts 1, 1, 2 and 40, 50 part after 2; equal ones do not part.
func TestDenserThan(t *testing.T) {
	for _, c := range []struct {
		counts []float64
		want   float64
	}{{[]float64{40, 1, 2, 50, 1}, 2}, {[]float64{3, 3, 3}, 3}, {nil, math.Inf(1)}} {
		if got := denserThan(c.counts); got != c.want {
			t.Errorf("%v: %v, want %v", c.counts, got, c.want)
		}
	}
}
