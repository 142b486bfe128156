package home

import (
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
)

// TestCastleExperiments: each experiment of the paper with its device alone, what
// happens in it by turns and two minutes apart; streams of two minutes, and each
// of three questions three times.
func TestCastleExperiments(t *testing.T) {
	want := map[string]struct {
		acts   []string
		apart  time.Duration
		events int
	}{
		"figure-2b": {[]string{"live_stream"}, 4 * time.Minute, 7},
		"figure-2c": {[]string{"motion"}, 2 * time.Minute, 14},
		"figure-2d": {[]string{"app_on", "app_off"}, 2 * time.Minute, 14},
		"button":    {[]string{"button_on", "button_off"}, 2 * time.Minute, 14},
		"figure-2e": {[]string{"ask_weather", "ask_time", "ask_distance"}, 2 * time.Minute, 9},
	}
	ds := mustGenerate(t, "castle-figures:homes=2", 3)
	if len(ds.Recordings) != 2*len(want) {
		t.Fatalf("%d recordings, want %d", len(ds.Recordings), 2*len(want))
	}
	for _, r := range ds.Recordings {
		w := want[r.ID[len(r.Group)+1:]]
		if len(r.Labels.Devices) != 1 || len(r.Labels.Events) < w.events-1 || len(r.Labels.Events) > w.events+1 {
			t.Errorf("%s: devices %q and %d events, want one device and about %d", r.ID, r.Labels.Devices, len(r.Labels.Events), w.events)
		}
		for i, e := range r.Labels.Events {
			if e.Activity != w.acts[i%len(w.acts)] {
				t.Errorf("%s: event %d is %s, want %q by turns", r.ID, i, e.Activity, w.acts)
			}
			if i > 0 && (e.Start-r.Labels.Events[i-1].Start-w.apart).Abs() > time.Second {
				t.Errorf("%s: event %d is %v after the one before, want %v", r.ID, i, e.Start-r.Labels.Events[i-1].Start, w.apart)
			}
			if e.Activity == "live_stream" && e.End < r.Trace.End && (e.End-e.Start-2*time.Minute).Abs() > time.Second {
				t.Errorf("%s: a stream of %v, want 2m", r.ID, e.End-e.Start)
			}
		}
	}
}

// TestQueriesOfTheCastle: every name of figure 1 is asked for by its device, and
// some of them by no more than that.
func TestQueriesOfTheCastle(t *testing.T) {
	ds := mustGenerate(t, "castle-makers:homes=1,hours=1", 1)
	asked, talked := map[string][]string{}, map[string][]string{}
	r := ds.Recordings[0]
	for i, p := range r.Trace.Packets {
		d, f := r.Labels.Devices[r.Labels.Owners[i]], r.Trace.Flows[p.Flow]
		if f.Query != "" && !slices.Contains(asked[d], f.Query) {
			asked[d] = append(asked[d], f.Query)
		}
		if f.Host != "" && !slices.Contains(talked[d], f.Host) {
			talked[d] = append(talked[d], f.Host)
		}
	}
	// As figure 1 counts them; the time server of a device is asked for too.
	for d, n := range map[string]int{"sense_sleep": 6, "nest_cam": 3, "wemo_2016": 2, "echo_2016": 6} {
		if len(asked[d]) != n {
			t.Errorf("%s asks for %q, want %d names", d, asked[d], n)
		}
		for _, h := range talked[d] {
			if !slices.Contains(asked[d], h) {
				t.Errorf("%s talks to %s without asking", d, h)
			}
		}
	}
	if n := len(talked["sense_sleep"]); n >= 6 {
		t.Errorf("sense_sleep talks to %d names, want fewer than it asks for", n)
	}
	for _, d := range []string{"wemo_insight_2016", "wemo_motion_2016"} {
		for _, h := range talked[d] {
			if !slices.Contains(talked["wemo_2016"], h) {
				t.Errorf("%s talks to %s, which is no service of its maker's switch", d, h)
			}
		}
	}
}

// TestAppBeforeTheGateway: with its user's app in the home, the gateway sends and
// receives the same, and before each command the app has sent one that is as much
// longer than another as the gateway's is.
func TestAppBeforeTheGateway(t *testing.T) {
	alone, both := mustGenerate(t, "gateway:homes=2", 4), mustGenerate(t, "gateway-app:homes=2", 4)
	for k, r := range both.Recordings {
		var gateway []datasets.Packet
		app := map[time.Duration]int{} // payload of what the app sent, by second
		for i, p := range r.Trace.Packets {
			if r.Labels.Devices[r.Labels.Owners[i]] == "zigbee_gateway" {
				p.Flow = 0
				gateway = append(gateway, p)
			} else if p.Dir == datasets.Up && p.Payload > 400 {
				app[p.Time] += int(p.Payload)
			}
		}
		for i, p := range alone.Recordings[k].Trace.Packets {
			if p.Flow = 0; i >= len(gateway) || gateway[i] != p {
				t.Fatalf("%s: packet %d of the gateway is not the same with an app in the home", r.ID, i)
			}
		}
		heard := 0
		for _, c := range r.Labels.Commands {
			for at := range app {
				if d := c.Time - at; d > 0 && d < 3*time.Second {
					heard++
					break
				}
			}
		}
		if heard < len(r.Labels.Commands)-2 {
			t.Errorf("%s: the app sent %d of %d commands", r.ID, heard, len(r.Labels.Commands))
		}
	}
}

// TestDaysOfHabits: nearly every day has most habits of its home and at most one
// deviation, in the small hours or of a command that the home never sends else.
func TestDaysOfHabits(t *testing.T) {
	ds := mustGenerate(t, "gateway-days:homes=3,hours=192", 2)
	for _, r := range ds.Recordings {
		odd, habits := map[int]int{}, 0
		for _, e := range r.Labels.Events {
			day := int(e.Start / (24 * time.Hour))
			switch {
			case e.Activity == "deviation":
				odd[day]++
			case day > 0:
				habits++
			}
		}
		for day, n := range odd {
			if n > 1 || day == 0 {
				t.Errorf("%s: %d deviations on day %d", r.ID, n, day)
			}
		}
		if len(odd) < 3 || habits < 7*4 || len(r.Labels.Events) != len(r.Labels.Commands) {
			t.Errorf("%s: %d days with a deviation, %d habitual commands, %d events of %d commands", r.ID, len(odd), habits, len(r.Labels.Events), len(r.Labels.Commands))
		}
	}
}
