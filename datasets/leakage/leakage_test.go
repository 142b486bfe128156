package leakage

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"veilbench/datasets"
)

// clipData is 120 clips of two classes in three groups of forty, an hour
// apart, each with random packets of its own: nothing leaks.
func clipData() *datasets.Dataset {
	rng := rand.New(rand.NewPCG(5, 1))
	ds := &datasets.Dataset{Name: "clips", Split: "leave-one-group-out"}
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 120 {
		r := datasets.Recording{
			ID: fmt.Sprintf("r%03d", i), Group: fmt.Sprintf("g%d", i/40),
			Trace:  datasets.Trace{Start: start.Add(time.Duration(i) * time.Hour), End: time.Minute, Flows: []datasets.Flow{{Proto: 6}}},
			Labels: datasets.Labels{Devices: []string{"lamp"}, Events: []datasets.Event{{Activity: []string{"off", "on"}[rng.IntN(2)]}}},
		}
		at := time.Duration(0)
		for range 20 {
			at += time.Duration(rng.Int64N(int64(time.Second)))
			r.Trace.Packets = append(r.Trace.Packets, datasets.Packet{Time: at, Size: int32(60 + rng.IntN(1400)), Dir: datasets.Dir(rng.IntN(2))})
		}
		ds.Recordings = append(ds.Recordings, r)
	}
	return ds
}

func probeOf(t *testing.T, ds *datasets.Dataset, s datasets.Split) Report {
	t.Helper()
	l, err := Probe(ds, datasets.TaskClip, s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestProbeClean(t *testing.T) {
	l := probeOf(t, clipData(), "")
	if w := l.Warnings(); len(w) != 0 || l.Tested != 120 {
		t.Errorf("%d tested, warnings %q", l.Tested, w)
	}
}

// Each planted leak is found, and by the right finding.
func TestProbePlanted(t *testing.T) {
	for _, c := range []struct {
		name  string
		split datasets.Split
		plant func(ds *datasets.Dataset)
		want  string
	}{
		{"groups", "kfold:k=4", func(*datasets.Dataset) {}, `3 groups are on both sides of the split, "g0" the first`},
		{"packets", "", func(ds *datasets.Dataset) {
			// The last packet of g0 is the first of g1 as well.
			a, b := &ds.Recordings[39].Trace, &ds.Recordings[40].Trace
			b.Start = a.Start.Add(a.Packets[19].Time)
			b.Packets[0] = a.Packets[19]
			b.Packets[0].Time = 0
		}, "2 of 120 test recordings share packets"},
		{"copies", "", func(ds *datasets.Dataset) {
			ds.Recordings[100].Trace.Packets = slices.Clone(ds.Recordings[3].Trace.Packets)
		}, "2 of 120 test recordings are copies"},
		{"sessions", "kfold:k=4", func(ds *datasets.Dataset) {
			for i := range ds.Recordings {
				for k := range ds.Recordings[i].Trace.Packets {
					ds.Recordings[i].Trace.Packets[k].Size = int32(100 + 300*(i/40) + k%2)
				}
			}
		}, "is of the same group for 100 % of test recordings"},
		{"clock", "", func(ds *datasets.Dataset) {
			// Classes change by turns of ten, all groups at the same times.
			for i := range ds.Recordings {
				ds.Recordings[i].Trace.Start = time.Unix(int64(3600*(i%40)), 0)
				ds.Recordings[i].Labels.Events[0].Activity = []string{"off", "on"}[i/10%2]
			}
		}, "the time of recording alone names the class of 120 of 120 clips"},
		{"end", "", func(ds *datasets.Dataset) {
			for i := range ds.Recordings {
				ds.Recordings[i].Trace.End += time.Duration(len(ds.Recordings[i].ClipClass())) * time.Second
			}
		}, "the length of observing alone names the class of 120 of 120 clips"},
		{"address", "", func(ds *datasets.Dataset) {
			for i := range ds.Recordings {
				a := netip.AddrFrom4([4]byte{10, 0, 0, byte(len(ds.Recordings[i].ClipClass()))})
				ds.Recordings[i].Trace.Flows = []datasets.Flow{{Proto: 6, Local: netip.AddrPortFrom(a, 1)}}
			}
		}, "the local address alone names the class of 120 of 120 clips"},
		{"hardware", "", func(ds *datasets.Dataset) {
			for i := range ds.Recordings {
				ds.Recordings[i].Trace.Flows = []datasets.Flow{{MAC: datasets.MAC{byte(len(ds.Recordings[i].ClipClass()))}}}
			}
		}, "the hardware address alone names the class of 120 of 120 clips"},
	} {
		ds := clipData()
		c.plant(ds)
		if w := probeOf(t, ds, c.split).Warnings(); !strings.Contains(strings.Join(w, "\n"), c.want) {
			t.Errorf("%s: warnings %q, want %q", c.name, w, c.want)
		}
	}
}

// The probe says the same for recordings in another order and when repeated.
func TestProbeRepeats(t *testing.T) {
	ds := clipData()
	perm := *ds
	perm.Recordings = slices.Clone(ds.Recordings)
	slices.Reverse(perm.Recordings)
	for _, s := range []datasets.Split{"kfold:k=4", "leave-one-out", "leave-one-group-out"} {
		a, b := probeOf(t, ds, s), probeOf(t, &perm, s)
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a, probeOf(t, ds, s)) {
			t.Errorf("%s: %+v, then %+v", s, a, b)
		}
	}
	if _, err := Probe(ds, datasets.TaskClip, "halves"); err == nil {
		t.Error("an unknown split is no error")
	}
	l, err := Probe(ds, datasets.TaskEvent, "leave-one-group-out")
	if err != nil || l.Shortcuts != nil {
		t.Errorf("%v, %v", l.Shortcuts, err)
	}
}
