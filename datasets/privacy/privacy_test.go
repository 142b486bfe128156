package privacy_test

import (
	"slices"
	"strings"
	"testing"

	"veilbench/datasets"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/privacy"
)

// TestOfClass: names of generated homes, of recordings and of the authors' files.
func TestOfClass(t *testing.T) {
	for class, want := range map[string]string{
		"hue_bridge/off":                  "light-off presence sleep IoTEvent",
		"xiaomi_hub/light_on_off":         "light presence sleep IoTEvents repository",
		"xiaomi_hub/motion":               "motion presence IoTEvent",
		"xiaomi_hub/no_motion":            "no-motion presence IoTEvents repository",
		"xiaomi_hub/magnet_open_close":    "door presence habits IoTEvents repository",
		"xiaomi_hub/alert_enabled":        "alarm-on presence security IoTEvents repository",
		"smartthings_hub/water":           "water security IoTEvent",
		"12_30samsung_renti/nomove":       "no-motion presence IoTEvents repository",
		"12_31hwsmy_dp/gnhx":              "wake sleep ours",
		"huawei_bulb/function_wake":       "wake sleep ours",
		"gosund-bulb1/dim":                "light-mood presence habits IoTEvents repository",
		"tplink_plug/on":                  "plug-on presence habits IoTEvents repository",
		"jd_plug/timer":                   "plug-timer habits IoTEvents repository",
		"ultraloq-lock-01/event_unlock":   "unlock presence security ours",
		"schlage-lock-01/event_lock":      "lock presence security ours",
		"blink-cam-01/event_motion":       "motion presence IoTEvent",
		"nest_cam/live_stream":            "watched presence ours",
		"sense_sleep/night_rise":          "night-rise sleep health ours",
		"echo/how_old_is_serena_williams": "voice presence habits ours",
		"echo_dot/app_volume":             "remote habits ours",
		"mitu_storyteller/play_story":     "story presence sleep household ours",
		"alarm-clock/ring_off":            "wake sleep ours",
		"doorbell/ring":                   "doorbell presence ours",
		"front-door/unlock":               "unlock presence security ours",
		"switch_on":                       "plug-on presence habits IoTEvents repository",
		"zigbee_gateway/command":          "used habits IoTEvent",
		"other":                           "  ",
	} {
		m := privacy.OfClass(class)
		if got := m.ID + " " + strings.Join(m.Tells, " ") + " " + m.Source; got != want {
			t.Errorf("%s: %q, want %q", class, got, want)
		}
	}
}

// TestProfilesHaveMeanings: of what the profiles can do, nothing but the gateway's
// bare command falls to the entry that fits all.
func TestProfilesHaveMeanings(t *testing.T) {
	p, err := profile.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Devices {
		for _, e := range d.Events {
			class := datasets.EventClass(d.ID, e.Name)
			if m := privacy.OfClass(class); m.ID == "used" && class != "zigbee_gateway/command" {
				t.Errorf("%s has no meaning of its own", class)
			}
		}
	}
}

// TestEntriesAreWhole: every meaning has kinds that tables know, in their order, a
// sentence and a source; combinations name meanings that there are.
func TestEntriesAreWhole(t *testing.T) {
	var ids []string
	check := func(m privacy.Meaning) {
		at := -1
		for _, k := range m.Tells {
			i := slices.Index(privacy.Kinds(), k)
			if i <= at {
				t.Errorf("%s: kind %q unknown or out of order", m.ID, k)
			}
			at = max(at, i)
		}
		if m.Says == "" || len(m.Tells) == 0 || !slices.Contains([]string{"IoTEvent", "IoTEvents repository", "ours"}, m.Source) {
			t.Errorf("%+v is not whole", m)
		}
	}
	for _, e := range privacy.Entries() {
		check(e.Meaning)
		ids = append(ids, e.ID)
	}
	for _, c := range privacy.Combinations() {
		check(c.Meaning)
		for _, id := range slices.Concat(c.Needs, c.Without) {
			if !slices.Contains(ids, id) {
				t.Errorf("%s needs unknown %s", c.ID, id)
			}
		}
	}
}

// TestCombination: away is a lock and a light that goes out.
func TestCombination(t *testing.T) {
	away := privacy.Combinations()[0]
	classes := []string{"front-lock/lock", "hue_bridge/off", "hue_bridge/on"}
	parts, ok := away.Classes(classes)
	if !ok || len(parts) != 2 || parts[0][0] != "front-lock/lock" || parts[1][0] != "hue_bridge/off" {
		t.Errorf("%v %v", parts, ok)
	}
	if _, ok := away.Classes(classes[1:]); ok {
		t.Error("nothing is locked")
	}
}

// TestOfDevice: what tells something by being there.
func TestOfDevice(t *testing.T) {
	for device, want := range map[string]string{"sense_sleep": "has-sleep", "hue_bridge": "has-hub", "tplink_plug": "", "alarm-clock": "", "schlage-lock-01": "has-lock", "phone-2": "has-phone"} {
		if got := privacy.OfDevice(device).ID; got != want {
			t.Errorf("%s: %q, want %q", device, got, want)
		}
	}
}
