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

// TestFirmwareKeepsStructure: another firmware has other lengths, on a
// cipher's grid by whole blocks, and what was one byte apart still is.
func TestFirmwareKeepsStructure(t *testing.T) {
	p, err := loadProfile()
	if err != nil {
		t.Fatal(err)
	}
	moved := 0
	for _, d := range p.Devices {
		for fw := 1; fw < 8; fw++ {
			for key, list := range d.firmwareShifts(fw) {
				top := int64(-1)
				for _, s := range list {
					if s.by != 0 {
						moved++
					}
					if d.Grid.Step > 0 && s.by%d.Grid.Step != 0 {
						t.Errorf("%s firmware %d %v: shift %d is off the grid of %d", d.ID, fw, key, s.by, d.Grid.Step)
					}
					if s.lo > 66 && s.hi < 1388 && s.lo+s.by <= top {
						t.Errorf("%s firmware %d %v: %d and a shorter message have become one", d.ID, fw, key, s.lo)
					}
					top = max(top, s.hi+s.by)
				}
			}
		}
	}
	if moved < 500 {
		t.Errorf("%d messages moved in seven firmwares of all devices, want hundreds", moved)
	}
	amazon := &device{}
	if amazon.deviceProfile, err = p.device("amazon_plug"); err != nil {
		t.Fatal(err)
	}
	for fw := range 8 {
		amazon.shifts = amazon.firmwareShifts(fw)
		if off, on := amazon.shifted("cloud", "C", 350), amazon.shifted("cloud", "C", 349); off != on+1 {
			t.Errorf("firmware %d: off %d and on %d are not one byte apart", fw, off, on)
		}
	}
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

func BenchmarkFullDay(b *testing.B) {
	for range b.N {
		ds, err := Generate("full:hours=24", 1)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(ds.Recordings[0].Trace.Packets))/b.Elapsed().Seconds()*float64(b.N), "packets/s")
	}
}
