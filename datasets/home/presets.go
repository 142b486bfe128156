package home

import (
	"slices"

	"veilbench/datasets"
)

// Preset names a set of homes that can be generated.
type Preset struct {
	// Name is what follows "home:" in a data set's ID.
	Name string
	// Doc says what it is in one line.
	Doc string
	// Params holds the preset's defaults.
	Params Params

	recipe recipe
}

// schedule says how events come about.
type schedule uint8

const (
	controlled schedule = iota // one after another, gaps drawn from lo to hi seconds
	perDevice                  // each device on its own, gaps drawn from lo to hi seconds
	lived                      // by the people of the home
	commands                   // a session of gateway commands
)

// recipe is what a preset is made of.
type recipe struct {
	devices []string
	people  []string // phones and computers
	gateway bool
	when    schedule
	lo, hi  int64  // seconds
	light   bool   // people's devices are used lightly, all the time
	longest int64  // seconds after which somebody stops a stream, 0 never
	era     string // generation of devices that have several
	router  bool   // the homes' routers answer look-ups
	alone   bool   // every device in a recording of its own
	clips   bool   // cut into one clip per event
	tasks   []datasets.Task
}

// Presets lists what can be generated, in report order.
func Presets() []Preset {
	signatures := recipe{
		devices: []string{"hue_bridge", "huawei_bulb", "tplink_plug", "tuya_bulb"},
		when:    controlled, lo: 40, hi: 80,
		tasks: []datasets.Task{datasets.Events, datasets.Device},
	}
	ten := signatures
	ten.devices = []string{
		"amazon_plug", "hue_bridge", "huawei_bulb", "jd_plug", "smartthings_hub",
		"tplink_plug", "tuya_bulb", "tuya_plug", "wemo_switch", "xiaomi_hub",
	}
	clips := signatures
	clips.clips, clips.tasks = true, []datasets.Task{datasets.Clip}
	list := []Preset{
		{"event_signatures", "controlled sessions of a plug, two bulbs and a hub: every event at least 20 times per home", Params{5, 8, "same", 0}, signatures},
		{"event_signatures-unseen", "the same sessions, no two homes with the same firmware", Params{5, 8, "unseen", 0}, signatures},
		{"event_signatures-ten", "controlled sessions of ten devices", Params{5, 14, "same", 0}, ten},
		{"event_clips", "one clip per event of event_signatures, its device's packets alone", Params{5, 8, "same", 0}, clips},
		{"event_clips-unseen", "one clip per event of event_signatures-unseen", Params{5, 8, "unseen", 0}, clips},
	}
	return append(list, morePresets()...)
}

func morePresets() []Preset {
	device := []datasets.Task{datasets.Device}
	noise := recipe{
		devices: []string{
			"broadlink_plug", "camera_360", "echo_dot", "google_home", "mitu_storyteller",
			"orvibo_plug", "tmall_genie", "tplink_plug", "xiaobai_camera", "xiaomi_hub",
		},
		people: []string{"phone", "tablet", "laptop", "pc"},
		when:   perDevice, lo: 60, hi: 600, light: true, longest: 60, era: "2019", router: true, tasks: device,
	}
	ind := noise
	ind.alone = true
	rates := recipe{
		devices: []string{"echo_dot", "nest_cam", "sense_sleep", "wemo_switch"},
		when:    controlled, lo: 90, hi: 150, tasks: []datasets.Task{datasets.Events, datasets.Device},
	}
	gateway := recipe{gateway: true, when: commands, tasks: []datasets.Task{datasets.Gateway}}
	full := recipe{
		devices: everyDevice(), people: []string{"phone", "phone", "tablet", "laptop", "pc"}, gateway: true,
		when: lived, tasks: []datasets.Task{datasets.Events, datasets.Device, datasets.Gateway},
	}
	small := recipe{
		devices: []string{"amazon_plug", "echo_dot", "hue_bridge", "tplink_plug", "tuya_bulb"}, people: []string{"phone"},
		when: controlled, lo: 40, hi: 80, tasks: []datasets.Task{datasets.Events, datasets.Device},
	}
	return []Preset{
		{"homemole-ind", "ten smart-home devices and four others, each recorded alone", Params{10, 1, "same", 0}, ind},
		{"homemole-noise", "the same fourteen devices together: spoken to, watched, at hand", Params{10, 1.5, "same", 0}, noise},
		{"homemole-quick", "homemole-noise, a few minutes of it", Params{5, 0.25, "same", 0}, noise},
		{"rates", "a sleep monitor, a camera, a switch and an assistant, one action every two minutes", Params{5, 6, "same", 0}, rates},
		{"gateway", "five sessions of a gateway that gets 677 commands from its cloud", Params{5, 2, "same", 16}, gateway},
		{"full", "a lived-in home with twenty devices, a gateway, phones and computers", Params{1, 24, "same", 16}, full},
		{"small", "an hour of five devices and a phone", Params{3, 1, "same", 0}, small},
	}
}

func everyDevice() []string {
	return []string{
		"amazon_plug", "broadlink_plug", "camera_360", "echo_dot", "google_home", "hue_bridge", "huawei_bulb",
		"jd_plug", "mitu_storyteller", "nest_cam", "orvibo_plug", "sense_sleep", "smartthings_hub", "tmall_genie",
		"tplink_plug", "tuya_bulb", "tuya_plug", "wemo_switch", "xiaobai_camera", "xiaomi_hub",
	}
}

// profiles returns the device profiles of the recipe, without repeats.
func (rc *recipe) profiles(p *profile) []*deviceProfile {
	var out []*deviceProfile
	for _, id := range rc.ids() {
		if d, err := p.device(id); err == nil && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

func (rc *recipe) ids() []string {
	ids := slices.Concat(rc.devices, rc.people)
	if rc.gateway {
		ids = append(ids, "zigbee_gateway")
	}
	return ids
}

// homeRecordings makes the recordings of home number i.
func (rc *recipe) homeRecordings(prof *profile, p Params, seed uint64, i int) ([]datasets.Recording, error) {
	kind := "home"
	if rc.when == commands {
		kind = "session"
	}
	name := sessionName(kind, i)
	sets := [][]string{rc.ids()}
	if rc.alone {
		sets = nil
		for _, id := range rc.ids() {
			sets = append(sets, []string{id})
		}
	}
	var out []datasets.Recording
	for _, ids := range sets {
		h := &house{
			seed: seed, name: name, profile: prof, gateway: prof.Gateway.with(p.Devices), era: rc.era, routerDNS: rc.router, longest: rc.longest * second, end: int64(p.Hours*3600) * second,
			index: map[datasets.Flow]int32{},
		}
		for _, id := range ids {
			d, err := prof.device(id)
			if err != nil {
				return nil, err
			}
			h.addDevice(d, h.firmwareOf(d, p.Firmware, i))
		}
		if err := rc.fill(h, i, p.Homes); err != nil {
			return nil, err
		}
		rec := h.recording()
		if rc.alone {
			rec.ID += "/" + ids[0]
		}
		out = append(out, rec)
	}
	if rc.clips {
		out = Clips(out, clipLength, seed)
	}
	return out, nil
}

// fill plays everything that happens in the home.
func (rc *recipe) fill(h *house, i, homes int) error {
	var list []trigger
	switch rc.when {
	case controlled:
		list = h.controlledSession(rc.lo*second, rc.hi*second)
	case perDevice:
		list = h.restless(rc.lo*second, rc.hi*second)
	case lived:
		list = h.livedIn()
	case commands:
		if err := h.commandSession(h.devices[0], i, homes); err != nil {
			return err
		}
	}
	if err := h.happen(list); err != nil {
		return err
	}
	for _, d := range h.devices {
		if err := d.background(); err != nil {
			return err
		}
		switch {
		case !d.isPerson():
		case rc.light:
			d.surfLightly()
		default:
			d.surf(rc.when == lived)
		}
	}
	h.acknowledge()
	return nil
}
