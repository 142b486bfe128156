package home

import (
	"fmt"
	"slices"
	"testing"

	"veilbench/datasets"
	"veilbench/datasets/home/profile"
)

// TestLaboratoryOwnsTheSameDevices: the attacker of the papers owns devices of the
// same models and not the home that is listened to, so every home that trains
// holds the devices of every home that is tested, and none is on both sides.
func TestLaboratoryOwnsTheSameDevices(t *testing.T) {
	for _, id := range []string{"event_signatures-ten:homes=3,hours=1", "rates:homes=3,hours=1"} {
		ds := mustGenerate(t, id, 1)
		folds, err := ds.Split.Folds(&ds, datasets.TaskEvent)
		if err != nil {
			t.Fatal(err)
		}
		for _, fold := range folds {
			for _, part := range fold {
				for _, x := range part.Test {
					for _, y := range part.Train {
						tested, train := ds.Recordings[x], ds.Recordings[y]
						if tested.Group == train.Group {
							t.Errorf("%s: %s is on both sides", id, tested.Group)
						}
						if a, b := slices.Sorted(slices.Values(tested.Labels.Devices)), slices.Sorted(slices.Values(train.Labels.Devices)); !slices.Equal(a, b) {
							t.Errorf("%s: %s holds %q, %s holds %q", id, tested.ID, a, train.ID, b)
						}
					}
				}
			}
		}
	}
}

// TestThreeKindsOfTraffic are IoTEvent's: heartbeats, which no event causes; reports,
// whose first packet the device sends; and commands, whose first packet it gets.
func TestThreeKindsOfTraffic(t *testing.T) {
	ds := mustGenerate(t, "event_signatures-ten:homes=1,hours=3", 1)
	rec := &ds.Recordings[0]
	first := map[int32]datasets.Dir{}
	heartbeats := map[string]int{}
	for i, p := range rec.Trace.Packets {
		switch c := rec.Labels.Cause[i]; {
		case c < 0:
			heartbeats[rec.Labels.Devices[rec.Labels.Owners[i]]]++
		case p.Payload > 0:
			if _, ok := first[c]; !ok {
				first[c] = p.Dir
			}
		}
	}
	for _, d := range rec.Labels.Devices {
		if heartbeats[d] < 100 {
			t.Errorf("%s: %d packets that no event causes, want hundreds", d, heartbeats[d])
		}
	}

	for class, want := range map[string]datasets.Dir{
		"smartthings_hub/motion": datasets.Up, "smartthings_hub/water": datasets.Up,
		"smartthings_hub/light_on": datasets.Down, "wemo_switch/on": datasets.Down,
	} {
		n := 0
		for i, e := range rec.Labels.Events {
			if rec.Labels.Class(e) == class {
				n++
				if got, ok := first[int32(i)]; !ok || got != want {
					t.Errorf("%s %d: begins with direction %v (%v), want %v", class, n, got, ok, want)
				}
			}
		}
		if n == 0 {
			t.Errorf("no %s", class)
		}
	}
}

// TestHubLengthsAreOnTheGrid: messages of the Mi hub are 74 bytes and blocks of 16,
// as AES in CBC mode makes them (IoTEvent, section 5.1).
func TestHubLengthsAreOnTheGrid(t *testing.T) {
	ds := mustGenerate(t, "event_signatures-ten:homes=1,hours=3", 1)
	rec := &ds.Recordings[0]
	sizes := map[int32]int{}
	for i, p := range rec.Trace.Packets {
		if rec.Labels.Devices[rec.Labels.Owners[i]] == "xiaomi_hub" && rec.Trace.Flows[p.Flow].Host == "ot.io.mi.com" && rec.Trace.Flows[p.Flow].Proto == 17 && rec.Trace.Flows[p.Flow].Remote.Port() != 53 {
			sizes[p.Size]++
		}
	}
	for n, times := range sizes {
		if (n-74)%16 != 0 {
			t.Errorf("%d messages of %d bytes, which is not 74 + 16 k", times, n)
		}
	}
	if len(sizes) < 5 {
		t.Errorf("%d lengths, want those of figure 4 and of heartbeats", len(sizes))
	}
}

// TestGatewayAssumptions are those of Junges et al.: one channel of control (C2), a
// message that is the larger the more actions it lists (A2), and the same size for
// the same command (A3).
func TestGatewayAssumptions(t *testing.T) {
	ds := mustGenerate(t, "home:gateway", 1)
	byActions, byCommand := map[int][]int{}, map[string][]int{}
	for _, rec := range ds.Recordings {
		channels := map[int32]bool{}
		sent := make([]int, len(rec.Labels.Events))
		for i, p := range rec.Trace.Packets {
			if c := rec.Labels.Cause[i]; c >= 0 && p.Dir == datasets.Down && p.Payload > 0 {
				sent[c] += int(p.Payload)
				channels[p.Flow] = true
			}
		}
		if len(channels) != 1 {
			t.Errorf("%s: commands come through %d connections, want one", rec.ID, len(channels))
		}
		for c := range channels {
			if f := rec.Trace.Flows[c]; f.Proto != 6 || f.Remote.Port() != 443 {
				t.Errorf("%s: commands come through %v, want a connection by TLS", rec.ID, f)
			}
		}
		for i, c := range rec.Labels.Commands {
			n := 0
			for _, a := range c.Actions {
				n += a.Count
			}
			byActions[n] = append(byActions[n], sent[i])
			byCommand[fmt.Sprint(c.Actions)] = append(byCommand[fmt.Sprint(c.Actions)], sent[i])
		}
	}

	median := func(x []int) int { slices.Sort(x); return x[len(x)/2] }
	for n := 2; n <= 6; n++ {
		if a, b := median(byActions[n-1]), median(byActions[n]); b < a+40 {
			t.Errorf("%d actions take %d bytes in the median, %d take %d: want one action more", n-1, a, n, b)
		}
	}
	usual, all := 0, 0
	for _, sizes := range byCommand {
		if len(sizes) < 5 {
			continue
		}
		m := median(sizes)
		for _, s := range sizes {
			if all++; s == m {
				usual++
			} else if s < m-2 || s > m+2 {
				t.Errorf("a command of %d bytes has %d once", m, s)
			}
		}
	}
	if all < 70 || 100*usual < 95*all {
		t.Errorf("%d of %d repeated commands have their usual size, want 95 %%", usual, all)
	}
}

// TestGatewayIsThePublishedOne: 12 plugs with four actions and 4 lamp holders with
// seven.
func TestGatewayIsThePublishedOne(t *testing.T) {
	p, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	plug := 0
	for _, a := range p.Gateway.Actions {
		if a.Plug {
			plug++
		}
	}
	if g := p.Gateway; g.Plugs != 12 || g.Lamps != 4 || plug != 4 || len(g.Actions) != 7 {
		t.Errorf("%d plugs with %d actions, %d lamp holders with %d", g.Plugs, plug, g.Lamps, len(g.Actions))
	}
}

// TestBedIsLeftAsItIsEntered: no packets tell getting up from going to bed, only the
// clock does (figure 2A of A Smart Home is No Castle), and scores know that.
func TestBedIsLeftAsItIsEntered(t *testing.T) {
	ds := mustGenerate(t, "rates:homes=1,hours=0.2", 1)
	if !slices.ContainsFunc(ds.Same, func(s []string) bool {
		return slices.Contains(s, "sense_sleep/in_bed") && slices.Contains(s, "sense_sleep/out_of_bed")
	}) {
		t.Errorf("classes that are alike: %q", ds.Same)
	}
}
