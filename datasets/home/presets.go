package home

import (
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/traffic"
)

// Preset names a set of homes that can be generated.
type Preset struct {
	// Name is what follows "home:" in a data set's ID.
	Name string
	// Doc says what it is in one line.
	Doc string
	// Params holds the preset's defaults.
	Params Params
	// Tasks lists what its labels can serve.
	Tasks []datasets.Task

	recipe recipe
}

// Presets lists what can be generated, in report order.
func Presets() []Preset {
	return slices.Concat(eventPresets(), devicePresets(), mixedPresets(), routinePresets())
}

// eventPresets are laboratories where events are triggered one after another.
func eventPresets() []Preset {
	both, clip := []datasets.Task{datasets.TaskEvent, datasets.TaskDevice}, []datasets.Task{datasets.TaskClip}

	// The gaps keep an event's packets apart from the next one's.
	signatures := recipe{
		devices: []string{"hue_bridge", "huawei_bulb", "tplink_plug", "tuya_bulb"},
		when:    controlled, lo: 40 * time.Second, hi: 80 * time.Second,
	}
	ten, clips := signatures, signatures
	ten.devices = []string{
		"amazon_plug", "hue_bridge", "huawei_bulb", "jd_plug", "smartthings_hub",
		"tplink_plug", "tuya_bulb", "tuya_plug", "wemo_switch", "xiaomi_hub",
	}
	clips.clips = true

	return []Preset{
		{"event_signatures", "controlled sessions of a plug, two bulbs and a hub: every event at least 20 times per home", Params{5, 8, "same", 0}, both, signatures},
		{"event_signatures-unseen", "the same sessions, no two homes with the same firmware", Params{5, 8, "unseen", 0}, both, signatures},
		{"event_signatures-ten", "controlled sessions of ten devices", Params{5, 14, "same", 0}, both, ten},
		{"event_clips", "one clip per event of event_signatures, its device's packets alone", Params{5, 8, "same", 0}, clip, clips},
		{"event_clips-unseen", "one clip per event of event_signatures-unseen", Params{5, 8, "unseen", 0}, clip, clips},
	}
}

// devicePresets are the homes of HomeMole, where devices are told apart: those of
// 2019, behind a router that answers look-ups.
func devicePresets() []Preset {
	device := []datasets.Task{datasets.TaskDevice}
	noise := recipe{
		devices: []string{
			"broadlink_plug", "camera_360", "echo_dot", "google_home", "mitu_storyteller",
			"orvibo_plug", "tmall_genie", "tplink_plug", "xiaobai_camera", "xiaomi_hub",
		},
		people: []string{"phone", "tablet", "laptop", "pc"},
		when:   perDevice, lo: time.Minute, hi: 10 * time.Minute, light: true, longest: time.Minute, era: "2019", router: true,
	}
	// Dataset-Ind holds the ten devices alone, without phones and computers.
	ind := noise
	ind.people, ind.alone = nil, true

	// The paper trained and tested in one home, which blocks of it let a split do.
	indSession, noiseSession := ind, noise
	indSession.block, noiseSession.block = sessionBlock, sessionBlock

	return []Preset{
		{"homemole-ind", "ten smart-home devices, each recorded alone", Params{10, 1, "same", 0}, device, ind},
		{"homemole-noise", "the same fourteen devices together: spoken to, watched, at hand", Params{10, 1.5, "same", 0}, device, noise},
		{"homemole-ind-session", "homemole-ind in one home, in blocks of six minutes, the first 80 % to train on", Params{1, 6, "same", 0}, device, indSession},
		{"homemole-noise-session", "homemole-noise in one home, in blocks of six minutes, the first 80 % to train on", Params{1, 9, "same", 0}, device, noiseSession},
		{"homemole-quick", "homemole-noise, a few minutes of it", Params{5, 0.25, "same", 0}, device, noise},
	}
}

// sessionBlock is how long a recording of a session is: many windows of 100
// packets, and many blocks of a home.
const sessionBlock = 6 * time.Minute

// mixedPresets are all others.
func mixedPresets() []Preset {
	events := []datasets.Task{datasets.TaskEvent, datasets.TaskDevice}
	commandTask := []datasets.Task{datasets.TaskCommand}

	rates := recipe{
		devices: []string{"echo_dot", "nest_cam", "sense_sleep", "wemo_switch"},
		when:    controlled, lo: 90 * time.Second, hi: 150 * time.Second,
	}
	gateway := recipe{gateway: true, when: commands}
	app, days := gateway, gateway
	app.app = true
	days.when = habits

	// More devices of one maker beside others, each doing something by turns.
	makers := rates
	makers.devices = []string{"echo_2016", "nest_cam", "sense_sleep", "wemo_2016", "wemo_insight_2016", "wemo_motion_2016"}
	makers.queries = true
	full := recipe{
		devices: everyDevice(), people: []string{"phone", "phone", "tablet", "laptop", "pc"}, gateway: true,
		when: lived,
	}

	// Whoever lives there comes home and goes to bed in it: of hours at night there is
	// little to find.
	evening := full
	evening.skip = 18 * time.Hour

	// For first steps and tests: made in no time, and something of each kind.
	small := recipe{
		devices: []string{"amazon_plug", "echo_dot", "hue_bridge", "tplink_plug", "tuya_bulb"}, people: []string{"phone"},
		when: controlled, lo: 40 * time.Second, hi: 80 * time.Second,
	}

	return []Preset{
		{"rates", "a sleep monitor, a camera, a switch and an assistant, one action every two minutes", Params{5, 6, "same", 0}, events, rates},
		{"gateway", "five sessions of a gateway that gets 677 commands from its cloud", Params{5, 2, "same", 16}, commandTask, gateway},
		{"gateway-app", "home:gateway with its user's app in the home, which sends the cloud each command first", Params{5, 2, "same", 16}, commandTask, app},
		{"gateway-days", "a gateway for days: commands that are habits of the home, and some that are not", Params{5, 192, "same", 16}, slices.Concat(commandTask, []datasets.Task{datasets.TaskEvent}), days},
		{"castle-figures", "the experiments of A Smart Home is No Castle, figure 2B to 2E: each device alone, something every two minutes", Params{5, 0.5, "same", 0}, events[:1], recipe{devices: experimentDevices(), when: published, queries: true}},
		{"castle-makers", "three devices of one maker that share their services, beside a sleep monitor, a camera and an assistant", Params{5, 4, "same", 0}, events, makers},
		{"full", "a lived-in home with twenty devices, a gateway, phones and computers", Params{1, 24, "same", 16}, slices.Concat(events, commandTask), full},
		{"evening", "home:full from six in the evening on", Params{2, 2, "same", 16}, events, evening},
		{"small", "an hour of five devices and a phone", Params{3, 1, "same", 0}, events, small},
	}
}

// routinePresets are homes that are watched until they give away who lives there.
func routinePresets() []Preset {
	tasks := []datasets.Task{datasets.TaskRoutine, datasets.TaskEvent, datasets.TaskDevice}

	// A month of a home is only as large as heartbeats and streams make it. The
	// other presets have all packets of the same people, to see what that costs.
	whole := recipe{
		devices: everyDevice(), people: []string{"phone", "phone", "tablet", "laptop", "pc"}, gateway: true,
		when: resident,
	}
	devices := whole
	devices.people = nil
	month := devices
	month.thin = traffic.Thinning{Beat: int64(20 * time.Minute), Stream: int64(5 * time.Second)}

	// The recording of the paper's figure 2A, from 22:40 on.
	night := recipe{
		devices: []string{"echo_dot", "nest_cam", "sense_sleep", "wemo_switch"},
		when:    oneNight, start: 22*time.Hour + 40*time.Minute,
	}

	return []Preset{
		{"castle_night", "a night of a sleep monitor, from 22:40: to bed at 0:30, up for a while at 6:30, for good at 9:15", Params{3, 12, "same", 0}, tasks[1:], night},
		{"routine", "a month of lived-in homes with twenty devices and a gateway: who is home, who sleeps; no phones or computers, streams cut short, heartbeats thinned to one in twenty minutes, so that rates read more of sleep", Params{12, 720, "same", 16}, tasks, month},
		{"routine-full", "three days of the same people, devices and events with all packets, phones and computers", Params{2, 72, "same", 16}, tasks, whole},
		{"routine-devices", "the same three days without phones and computers: beside home:routine what its thinning costs", Params{2, 72, "same", 16}, tasks, devices},
	}
}

func everyDevice() []string {
	return []string{
		"amazon_plug", "broadlink_plug", "camera_360", "echo_dot", "google_home", "hue_bridge", "huawei_bulb",
		"jd_plug", "mitu_storyteller", "nest_cam", "orvibo_plug", "sense_sleep", "smartthings_hub", "tmall_genie",
		"tplink_plug", "tuya_bulb", "tuya_plug", "wemo_switch", "xiaobai_camera", "xiaomi_hub",
	}
}
