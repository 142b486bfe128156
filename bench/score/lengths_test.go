package score

import (
	"strings"
	"testing"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Of 66 bytes up echo sends 40 packets (10 right), google 30 (all right) and a
// plug 29, too few to count; 100 bytes down are echo's alone; cover is no device.
func TestLengthsByHand(t *testing.T) {
	x := Test{Recording: &datasets.Recording{Group: "g"}, Classes: []string{"cover", "echo", "google", "plug"}}
	x.Labels.Devices = x.Classes
	add := func(owner int32, n, right int, size int32, dir datasets.Dir) {
		for i := range n {
			said := owner
			if i >= right {
				said = (owner + 1) % 4
			}
			x.Trace.Packets = append(x.Trace.Packets, datasets.Packet{Size: size, Dir: dir})
			x.Labels.Owners = append(x.Labels.Owners, owner)
			x.Answer.Devices = append(x.Answer.Devices, attacks.Owner{Class: said})
		}
	}
	add(0, 90, 0, 66, datasets.Up)
	add(1, 40, 10, 66, datasets.Up)
	add(2, 30, 30, 66, datasets.Up)
	add(3, 29, 0, 66, datasets.Up)
	add(1, 100, 50, 100, datasets.Down)

	got := map[string]float64{}
	for _, m := range scoreDevices(x.Classes, []Test{x}).Metrics {
		if strings.Contains(m.Name, "_length") {
			got[m.Name] = m.Value
		}
	}
	want := map[string]float64{
		"recall_length:echo 66 up": 0.25, "packets_length:echo 66 up": 40,
		"recall_length:google 66 up": 1, "packets_length:google 66 up": 30,
	}
	if len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s: %v, want %v", name, got[name], v)
		}
	}
}
