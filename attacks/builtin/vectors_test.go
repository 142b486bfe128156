package builtin_test

import (
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/knn"
	"veilbench/datasets"
)

// An event has the packets of its largest burst, and where no burst begins at
// it those of the five seconds after it.
func TestEventsHaveVectors(t *testing.T) {
	l := attacks.Labeled{Trace: datasets.Trace{Flows: []datasets.Flow{{Host: "a"}, {Host: "b"}}, End: time.Minute}}
	add := func(at time.Duration, flow, size int32) {
		l.Trace.Packets = append(l.Trace.Packets, datasets.Packet{Time: at, Flow: flow, Size: size})
		l.Labels.Owners = append(l.Labels.Owners, 0)
	}
	add(10*time.Second, 0, 80)
	add(10*time.Second+1, 1, 500)
	add(10*time.Second+2, 1, 400)
	for i := range 30 { // a constant rate, one burst from 30 s on
		add(30*time.Second+time.Duration(i)*time.Second/2, 0, 1000)
	}
	l.Labels.Devices = []string{"plug"}
	l.Labels.Events = []datasets.Event{{Start: 10 * time.Second, Activity: "on"}, {Start: 40 * time.Second, Activity: "off"}}
	f := knn.EventKNN{PairS: 5}.Vectors(datasets.TaskEvent, l)
	if f.Items != 2 || f.Class(0) != "plug/on" || f.Class(1) != "plug/off" {
		t.Fatalf("%d items", f.Items)
	}
	if v := f.Sets[0].Vector(0); v[0] != 2 || v[1] != 500 || v[2] != 400 || v[3] != 0 {
		t.Errorf("the event has %v, want the burst of two packets", v)
	}
	if v := f.Sets[0].Vector(1); v[0] != 10 || v[len(v)-1] != 0 {
		t.Errorf("the event without a burst has %v packets of stream %v, want the 10 after it of none", v[0], v[len(v)-1])
	}
	for _, a := range []attacks.Featurer{eventforest.Attack{Features: "auto", PairS: 5}, knn.EventKNN{PairS: 5}} {
		for _, s := range a.Vectors(datasets.TaskEvent, l).Sets {
			if len(s.Vector(0)) != len(s.Names) {
				t.Errorf("%s: %d numbers, %d names", s.Name, len(s.Vector(0)), len(s.Names))
			}
		}
	}
	if f := (knn.EventKNN{}).Vectors(datasets.TaskDevice, l); f.Sets != nil {
		t.Error("event-knn has vectors for devices")
	}
}
