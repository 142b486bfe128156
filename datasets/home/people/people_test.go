package people

import (
	"slices"
	"testing"

	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// everyDevice lists the devices of a home that has all.
var everyDevice = []string{
	"amazon_plug", "broadlink_plug", "camera_360", "echo_dot", "google_home", "hue_bridge", "huawei_bulb",
	"jd_plug", "mitu_storyteller", "nest_cam", "orvibo_plug", "sense_sleep", "smartthings_hub", "tmall_genie",
	"tplink_plug", "tuya_bulb", "tuya_plug", "wemo_switch", "xiaobai_camera", "xiaomi_hub",
}

// household is the schedule of days of a home with all devices.
func household(t *testing.T, seed uint64, days int64) (*traffic.Home, []traffic.Trigger) {
	t.Helper()
	p, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	h := &traffic.Home{Seed: seed, Name: "home-01", Profile: p, End: days * 24 * hour}
	for _, id := range everyDevice {
		d, err := p.Device(id)
		if err != nil {
			t.Fatal(err)
		}
		h.AddDevice(d, 0)
	}
	return h, LivedIn(h)
}

// TestGapsBetweenEvents: quantiles of the BEHAVIOT log, within a factor of
// three (they rest on one laboratory and five days).
func TestGapsBetweenEvents(t *testing.T) {
	_, list := household(t, 1, 14)
	var gaps []float64
	for i := 1; i < len(list); i++ {
		gaps = append(gaps, float64(list[i].At-list[i-1].At)/float64(second))
	}
	slices.Sort(gaps)
	for _, q := range []struct{ p, want float64 }{{0.25, 1}, {0.50, 6}, {0.75, 94}, {0.90, 335}, {0.95, 764}, {0.99, 2876}} {
		got := gaps[int(q.p*float64(len(gaps)))]
		t.Logf("%.0f %%: %.1f s, measured %.0f s", 100*q.p, got, q.want)
		if got < q.want/3 || got > q.want*3 {
			t.Errorf("gap at %.0f %%: %.1f s, want %.0f s", 100*q.p, got, q.want)
		}
	}
}

// TestEventsPerDay: 68 to 229 device events a day, median near 132, beside the
// sensors of the hubs; 16 to 140 activations of a motion sensor.
func TestEventsPerDay(t *testing.T) {
	_, list := household(t, 2, 14)
	perDay, motion := make([]float64, 14), make([]float64, 14)
	for _, tr := range list {
		n := tr.At / (24 * hour)
		switch {
		case tr.Device.ID == "xiaomi_hub" && tr.Event.Name == "motion":
			motion[n]++
		case tr.Device.Type != "hub":
			perDay[n]++
		}
	}
	t.Log(perDay, motion)
	for i, n := range perDay {
		if n < 68 || n > 229 {
			t.Errorf("day %d: %.0f events, want 68 to 229", i, n)
		}
		if motion[i] < 16 || motion[i] > 140 {
			t.Errorf("day %d: %.0f motions, want 16 to 140", i, motion[i])
		}
	}
	slices.Sort(perDay)
	if m := perDay[7]; m < 132/1.4 || m > 132*1.4 {
		t.Errorf("median %.0f events a day, want 132 within 40 %%", m)
	}
}

// TestEventRates holds each class to its rate per day, over several homes.
func TestEventRates(t *testing.T) {
	got := map[string]float64{}
	var h *traffic.Home
	const homes, days = 6, 7
	for seed := range uint64(homes) {
		var list []traffic.Trigger
		h, list = household(t, seed, days)
		for _, tr := range list {
			name := tr.Event.Name
			if name == "off" && tr.Device.Event("on") != nil {
				name = "on" // they take turns
			}
			got[tr.Device.ID+"/"+name] += 1. / homes / days
		}
	}
	for _, d := range h.Devices {
		for _, e := range d.Events {
			want, class := e.RatePerDay, d.ID+"/"+e.Name
			if off := d.Event("off"); e.Name == "on" && off != nil {
				want += off.RatePerDay
			}
			if e.Name == "off" || want == 0 {
				continue
			}
			if n := got[class]; n < 0.6*want-0.15 || n > 1.5*want+0.15 {
				t.Errorf("%s: %.2f a day, want %.2f", class, n, want)
			}
		}
	}
}
