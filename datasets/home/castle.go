package home

import (
	"time"

	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// experiment is one of the controlled experiments of "A Smart Home is No Castle",
// section 5: a device alone, to which something happens every two minutes.
type experiment struct {
	// name is the panel of figure 2, or what it was compared with in the text.
	name, device string
	// acts take turns; "" is two minutes in which nobody does anything.
	acts []string
	// times is how often something happens, 0 to the end of the recording.
	times int
}

// every is the time between two acts in all of them.
const every = 2 * time.Minute

// castleExperiments are those of figure 2 that are on this schedule; 2A is a night.
func castleExperiments() []experiment {
	return []experiment{
		// Live streaming and motion detection mode by turns: streams of two minutes.
		{"figure-2b", "nest_cam", []string{"live_stream", ""}, 0},
		{"figure-2c", "nest_cam", []string{"motion"}, 0},
		{"figure-2d", "wemo_2016", []string{"app_on", "app_off"}, 0},
		// Section 5.3: effectively equivalent to figure 2D.
		{"button", "wemo_2016", []string{"button_on", "button_off"}, 0},
		// Three questions, each three times.
		{"figure-2e", "echo_2016", []string{"ask_weather", "ask_time", "ask_distance"}, 9},
	}
}

// experimentDevices are the models in them, each once.
func experimentDevices() []string { return []string{"nest_cam", "wemo_2016", "echo_2016"} }

// triggers are what happens in the home h, whose only device is that of e. The
// phase of the two minutes is the recording's own: with it, a clock would know
// every event of all others. A hand is late by up to a second.
func (e experiment) triggers(h *traffic.Home) []traffic.Trigger {
	r := h.Rand("experiment", e.name)
	step, d := int64(every), h.Devices[0]

	var out []traffic.Trigger
	at := draw.Between(r, step/2, step*3/2)
	for i := 0; at < h.End-step/2 && (e.times == 0 || i < e.times); i++ {
		if act := d.Event(e.acts[i%len(e.acts)]); act != nil {
			out = append(out, traffic.Trigger{At: at + draw.Between(r, 0, int64(time.Second)), Device: d, Event: act})
		}
		at += step
	}
	return out
}

// model is that of the experiment's device among the home's.
func (e experiment) model(models []*profile.Device) []*profile.Device {
	for i, m := range models {
		if m.ID == e.device {
			return models[i : i+1]
		}
	}
	return nil
}
