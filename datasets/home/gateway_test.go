package home

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"veilbench/datasets"
)

// TestGatewaySessions: 307 + 300 commands and five times one and two copies of
// each action, in five sessions, each message as long as the model says.
func TestGatewaySessions(t *testing.T) {
	ds := mustGenerate(t, "home:gateway", 1)
	copies := map[datasets.ActionCount]int{}
	total := 0
	for _, rec := range ds.Recordings {
		for i, c := range rec.Labels.Commands {
			total++
			if len(c.Actions) == 1 {
				copies[c.Actions[0]]++
			}
			if !slices.IsSortedFunc(c.Actions, func(a, b datasets.ActionCount) int {
				if a.Action < b.Action {
					return -1
				}
				return 1
			}) {
				t.Errorf("%s: actions of command %d are not sorted: %v", rec.ID, i, c.Actions)
			}
		}
		if len(rec.Labels.Events) != len(rec.Labels.Commands) {
			t.Errorf("%s: %d events for %d commands", rec.ID, len(rec.Labels.Events), len(rec.Labels.Commands))
		}
	}
	if total != 677 || len(ds.Recordings) != 5 {
		t.Errorf("%d commands in %d sessions, want 677 in 5", total, len(ds.Recordings))
	}
	for _, a := range []string{"switch_on", "switch_off", "timer_on", "timer_off", "dim_level", "fade_to", "set_scene"} {
		for n := 1; n <= 2; n++ {
			if copies[datasets.ActionCount{Action: a, Count: n}] < 5 {
				t.Errorf("%d commands with %d of %s alone, want at least 5", copies[datasets.ActionCount{Action: a, Count: n}], n, a)
			}
		}
	}
}

// TestGatewayDevices: no command names more actions than there are devices, nor
// more of those that only lamp holders can do than there are lamp holders.
func TestGatewayDevices(t *testing.T) {
	for devices, lamps := range map[string]int{"4": 2, "12": 3, "40": 10} {
		ds := mustGenerate(t, "home:gateway:homes=2,devices="+devices, 1)
		n, err := strconv.Atoi(devices)
		if err != nil {
			t.Fatal(err)
		}
		most := 0
		for _, rec := range ds.Recordings {
			for _, c := range rec.Labels.Commands {
				all, dim := 0, 0
				for _, a := range c.Actions {
					all += a.Count
					if slices.Contains([]string{"dim_level", "fade_to", "set_scene"}, a.Action) {
						dim += a.Count
					}
				}
				most = max(most, all)
				if all > n || dim > lamps {
					t.Errorf("%s devices: a command of %d actions, %d of them for lamps", devices, all, dim)
				}
			}
		}
		if most < min(n, 10) { // 0.62^9 is one in 74, of over 400 commands
			t.Errorf("%s devices: no command of more than %d actions", devices, most)
		}
	}
	if a, b := mustGenerate(t, "home:gateway:devices=16", 3), mustGenerate(t, "home:gateway", 3); a.Name != b.Name || !reflect.DeepEqual(a.Recordings, b.Recordings) {
		t.Error("16 devices are not the published gateway")
	}
	for _, id := range []string{"home:gateway:devices=0", "home:gateway:devices=3", "home:small:devices=8", "home:gateway:devices=101"} {
		if _, _, err := resolve(id); err == nil || !strings.Contains(err.Error(), "devices=") {
			t.Errorf("%s: error %v, want one about devices", id, err)
		}
	}
}
