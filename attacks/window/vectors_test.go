package window

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

func TestPacketsHaveVectors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	l := attacks.Labeled{Trace: datasets.Trace{Flows: []datasets.Flow{{Proto: 6}}}}
	for i := range 10 {
		l.Trace.Packets = append(l.Trace.Packets, datasets.Packet{Time: time.Duration(i) * time.Second, Size: 60 + r.Int32N(900)})
		l.Labels.Owners = append(l.Labels.Owners, int32(i%2)-1)
	}
	l.Labels.Devices = []string{"plug"}
	f := NewForest().Vectors(datasets.TaskDevice, l)
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
