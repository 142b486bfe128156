package home

import (
	"slices"
	"testing"

	"veilbench/datasets"
)

// sizes lists the data frames that events of the activity cause, sorted.
func sizes(rec datasets.Recording, activity string, dir datasets.Dir) []int32 {
	var out []int32
	for i, p := range rec.Trace.Packets {
		if c := rec.Labels.Cause[i]; c >= 0 && p.Payload > 0 && p.Dir == dir && rec.Labels.Events[c].Activity == activity {
			out = append(out, p.Size)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestPublishedGenerations: the plug's firmwares 0 to 3 are the published
// ones, with their requests.
func TestPublishedGenerations(t *testing.T) {
	for fw, want := range []int32{556, 584, 592, 590} {
		rec := single(t, "tplink_plug", fw, 4, 120, 180)
		on, off := sizes(rec, "on", datasets.Up), sizes(rec, "off", datasets.Up)
		if !slices.Contains(on, want) || !slices.Contains(off, want+1) || slices.Contains(on, want+1) {
			t.Errorf("firmware %d: on sends %v, off %v; want %d and %d", fw, on, off, want, want+1)
		}
	}
}

// TestFirmwareModes: homes share it, draw it or have one each.
func TestFirmwareModes(t *testing.T) {
	request := func(id string) (all []int32) {
		for _, rec := range mustGenerate(t, id, 1).Recordings {
			plug := slices.Index(rec.Labels.Devices, "tuya_bulb")
			for i, p := range rec.Trace.Packets {
				c := rec.Labels.Cause[i]
				if c >= 0 && rec.Labels.Events[c].Device == plug && rec.Labels.Events[c].Activity == "color" && p.Dir == datasets.Up && p.Payload > 0 {
					all = append(all, p.Size)
				}
			}
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	if got := request("event_signatures:hours=1"); !slices.Equal(got, []int32{283}) {
		t.Errorf("same firmware: the bulb answers color with %v, want 283", got)
	}
	if got := request("event_signatures-unseen:hours=1"); len(got) < 3 {
		t.Errorf("unseen firmware: the bulb answers color with %v, want several lengths", got)
	}
}

// BenchmarkGenerate makes four hours of a home with every device.
func BenchmarkGenerate(b *testing.B) {
	b.Run("preset=full/hours=4", func(b *testing.B) {
		b.ReportAllocs()
		packets := 0
		for b.Loop() {
			ds, err := Generate(b.Context(), "full:hours=4", 1)
			if err != nil {
				b.Fatal(err)
			}
			packets += len(ds.Recordings[0].Trace.Packets)
		}
		b.ReportMetric(float64(packets)/b.Elapsed().Seconds(), "packets/s")
	})
}
