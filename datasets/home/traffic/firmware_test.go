package traffic

import (
	"testing"

	"veilbench/datasets/home/profile"
)

// TestFirmwareKeepsStructure: another firmware has other lengths, on a
// cipher's grid by whole blocks, and what was one byte apart still is.
func TestFirmwareKeepsStructure(t *testing.T) {
	p, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	moved := 0
	for _, d := range p.Devices {
		for fw := 1; fw < 8; fw++ {
			for key, list := range firmwareShifts(d, fw) {
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
	amazon := &Device{}
	if amazon.Device, err = p.Device("amazon_plug"); err != nil {
		t.Fatal(err)
	}
	for fw := range 8 {
		amazon.shifts = firmwareShifts(amazon.Device, fw)
		if off, on := amazon.shifted("cloud", "C", 350), amazon.shifted("cloud", "C", 349); off != on+1 {
			t.Errorf("firmware %d: off %d and on %d are not one byte apart", fw, off, on)
		}
	}
}
