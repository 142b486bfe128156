package attacks

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
)

// Every feature of every set must have a name, and no two the same.
func TestFeatureNames(t *testing.T) {
	trace := featurerTrace()
	for _, set := range append(featureSets(), sequenceSet()) {
		names := set.names()
		if len(names) != set.width {
			t.Errorf("%s has %d names for %d features", set.name, len(names), set.width)
		}
		slices.Sort(names)
		if n := len(slices.Compact(slices.Clone(names))); n != len(names) {
			t.Errorf("%s names %d features alike", set.name, len(names)-n)
		}
		if v := set.extract(nil, trace, allPackets(trace)); len(v) != set.width {
			t.Errorf("%s gives %d numbers, want %d", set.name, len(v), set.width)
		}
	}
}

// Names of k-fingerprinting at the right places, by hand: a trace of three
// packets, up 100, down 200 after 1 s, up 300 after 2 s more.
func TestKFPNamesStandAtTheirFeatures(t *testing.T) {
	trace := featurerTrace()
	v := kfpFeatures(nil, trace, allPackets(trace))
	names := kfpNames()
	for name, want := range map[string]float32{
		"packets": 3, "packets_up": 2, "share_down": 1. / 3, "last30_down": 1, "place_up_mean": 1,
		"chunk_up_01": 2, "second_01": 1, "second_02": 1, "second_04": 1, "gap_both_most": 2, "time_both_most": 3,
		"size_up_sum": 400, "size_down_q50": 200, "size_both_most": 300, "size_02": -200, "down_0200_bytes": logCount(1), "bytes": logCount(600),
	} {
		if got := v[slices.Index(names, name)]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func featurerTrace() datasets.Trace {
	return datasets.Trace{
		Packets: []datasets.Packet{
			{Time: 0, Size: 100, Dir: datasets.Up},
			{Time: time.Second, Size: 200, Dir: datasets.Down},
			{Time: 3 * time.Second, Size: 300, Dir: datasets.Up},
		},
		Flows: []datasets.Flow{{Proto: 6}}, End: time.Minute,
	}
}

// An event has the packets of its largest burst, and where no burst begins at
// it those of the five seconds after it.
func TestEventsHaveVectors(t *testing.T) {
	l := Labeled{Trace: datasets.Trace{Flows: []datasets.Flow{{Host: "a"}, {Host: "b"}}, End: time.Minute}}
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
	f := EventKNN{PairS: 5}.Vectors(datasets.Events, l)
	if f.Items != 2 || f.Class(0) != "plug/on" || f.Class(1) != "plug/off" {
		t.Fatalf("%d items", f.Items)
	}
	if v := f.Sets[0].Vector(0); v[0] != 2 || v[1] != 500 || v[2] != 400 || v[3] != 0 {
		t.Errorf("the event has %v, want the burst of two packets", v)
	}
	if v := f.Sets[0].Vector(1); v[0] != 10 || v[len(v)-1] != 0 {
		t.Errorf("the event without a burst has %v packets of stream %v, want the 10 after it of none", v[0], v[len(v)-1])
	}
	for _, a := range []Featurer{EventForest{Features: "auto", PairS: 5}, EventKNN{PairS: 5}} {
		for _, s := range a.Vectors(datasets.Events, l).Sets {
			if len(s.Vector(0)) != len(s.Names) {
				t.Errorf("%s: %d numbers, %d names", s.Name, len(s.Vector(0)), len(s.Names))
			}
		}
	}
	if f := (EventKNN{}).Vectors(datasets.Device, l); f.Sets != nil {
		t.Error("event-knn has vectors for devices")
	}
}

func TestPacketsHaveVectors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	l := Labeled{Trace: datasets.Trace{Flows: []datasets.Flow{{Proto: 6}}}}
	for i := range 10 {
		l.Trace.Packets = append(l.Trace.Packets, datasets.Packet{Time: time.Duration(i) * time.Second, Size: 60 + r.Int32N(900)})
		l.Labels.Owners = append(l.Labels.Owners, int32(i%2)-1)
	}
	l.Labels.Devices = []string{"plug"}
	f := NewWindowForest().Vectors(datasets.Device, l)
	if f.Items != 10 || f.Class(0) != datasets.Nobody || f.Class(1) != "plug" {
		t.Fatalf("%d items", f.Items)
	}
	for _, s := range f.Sets {
		for i := range f.Items {
			if v := s.Vector(i); len(v) != len(s.Names) {
				t.Errorf("%s: %d numbers, %d names", s.Name, len(v), len(s.Names))
			} else if v[3] != float32(l.Trace.Packets[i].Size) {
				t.Errorf("%s: length %v of packet %d", s.Name, v[3], i)
			}
		}
	}
	last := f.Sets[1].Vector(9)
	if at := slices.Index(f.Sets[1].Names, "length_-1"); last[at] != float32(l.Trace.Packets[8].Size) {
		t.Errorf("the packet before has %v bytes, want %d", last[at], l.Trace.Packets[8].Size)
	}
}
