// Package home generates recordings of smart homes from published figures:
// lengths, periods and time gaps of real devices, drawn from one seed in
// integers, so that the same seed gives the same bytes on every platform.
//
// Every table made on these data says so: an attack and the data share one
// model of the devices, so results are regression tests, not evidence.
package home

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Preset names a set of homes that can be generated.
type Preset struct {
	// Name is what follows "home:" in a data set's ID.
	Name string
	// Doc says what it is in one line.
	Doc string
	// Params holds the preset's defaults.
	Params Params
}

// Params are the settings of a preset; they are written behind its name, as
// in "event_signatures:homes=3,hours=2".
type Params struct {
	Homes    int     `help:"number of homes, each a group of its own"`
	Hours    float64 `help:"hours recorded in each home"`
	Firmware string  `help:"same: published firmware everywhere; mixed: each home draws one of three; unseen: no two homes alike"`
}

// Validate reports a setting out of range.
func (p Params) Validate() error {
	switch {
	case p.Homes < 1 || p.Homes > 200:
		return fmt.Errorf("homes=%d: want 1 to 200", p.Homes)
	case !(p.Hours > 0 && p.Hours <= 24*31):
		return fmt.Errorf("hours=%g: want above 0, at most 744", p.Hours)
	case p.Firmware != "same" && p.Firmware != "mixed" && p.Firmware != "unseen":
		return fmt.Errorf("firmware=%s: want same, mixed or unseen", p.Firmware)
	}
	return nil
}

// Presets lists what can be generated, in report order.
func Presets() []Preset {
	session := Params{Homes: 5, Hours: 8, Firmware: "same"}
	unseen := session
	unseen.Firmware = "unseen"
	return []Preset{
		{"event_signatures", "controlled sessions of a plug, two bulbs and a hub: every event at least 20 times per home", session},
		{"event_signatures-unseen", "the same sessions, no two homes with the same firmware", unseen},
		{"event_clips", "one clip per event of event_signatures, its device's packets alone", session},
		{"event_clips-unseen", "one clip per event of event_signatures-unseen", unseen},
	}
}

// Generate makes the data set with the given ID: a preset's name, with or
// without "home:" in front, and settings behind it. The same ID and seed give
// the same data. An unknown preset, an unknown setting or one out of range is
// an error.
func Generate(id string, seed uint64) (datasets.Dataset, error) {
	name, set, err := params.Split(strings.TrimPrefix(id, "home:"))
	if err != nil {
		return datasets.Dataset{}, err
	}
	p, err := find(name)
	if err != nil {
		return datasets.Dataset{}, err
	}
	ps, err := params.With(p.Params, set)
	if err != nil {
		return datasets.Dataset{}, fmt.Errorf("home:%s: %w", name, err)
	}
	ds, err := generate(p, ps, seed)
	if err != nil {
		return datasets.Dataset{}, fmt.Errorf("home:%s: %w", name, err)
	}
	ds.Name = canonical(p, ps)
	return ds, nil
}

// canonical is the data set's ID: the preset and the settings that differ
// from its defaults.
func canonical(p Preset, ps Params) string {
	var kv []string
	was := params.List(p.Params)
	for i, x := range params.List(ps) {
		if x.Value != was[i].Value {
			kv = append(kv, x.Key+"="+x.Value)
		}
	}
	id := "home:" + p.Name
	if len(kv) > 0 {
		id += ":" + strings.Join(kv, ",")
	}
	return id
}

func find(name string) (Preset, error) {
	var names []string
	for _, p := range Presets() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("unknown preset %q%s (has %s)", name, params.DidYouMean(name, names), strings.Join(names, ", "))
}

func generate(preset Preset, p Params, seed uint64) (datasets.Dataset, error) {
	prof, err := loadProfile()
	if err != nil {
		return datasets.Dataset{}, err
	}
	ids := []string{"hue_bridge", "huawei_bulb", "tplink_plug", "tuya_bulb"}
	ds := datasets.Dataset{
		Recorded: datasets.LAN, Tasks: []datasets.Task{datasets.Events, datasets.Device},
		RatePerDay: map[string]float64{}, Split: "group-kfold:k=5", Generated: true,
		Source: "generated from published figures of real devices (IoTEvents, PingPong, BehavIoT, CIC IoT 2022 and others; see the provenance marks in datasets/home/profile)",
	}
	var devs []*deviceProfile
	for _, id := range ids {
		d, err := prof.device(id)
		if err != nil {
			return ds, err
		}
		devs = append(devs, d)
	}
	for i := range p.Homes {
		h := &house{seed: seed, name: fmt.Sprintf("home-%02d", i+1), profile: prof, end: int64(p.Hours*3600) * second}
		for _, d := range devs {
			h.addDevice(d, h.firmwareOf(d, p.Firmware, i))
		}
		if err := h.happen(h.controlledSession(40*second, 80*second)); err != nil {
			return ds, err
		}
		for _, d := range h.devices {
			if err := d.background(); err != nil {
				return ds, err
			}
		}
		h.acknowledge()
		ds.Recordings = append(ds.Recordings, h.recording())
	}
	describe(&ds, devs)
	if strings.HasPrefix(preset.Name, "event_clips") {
		ds.Recordings = Clips(ds.Recordings, seed)
		ds.Tasks = []datasets.Task{datasets.Clip}
	}
	if p.Homes < 2 {
		ds.Split = "chronological"
	} else if p.Homes < 5 {
		ds.Split = datasets.Split("group-kfold:k=" + strconv.Itoa(p.Homes))
	}
	return ds, nil
}

// firmwareOf says which firmware a device of home number i runs.
func (h *house) firmwareOf(d *deviceProfile, mode string, i int) int {
	switch mode {
	case "mixed":
		return int(newRand(h.seed, h.name, d.ID, "firmware").Int64N(3))
	case "unseen":
		return i
	}
	return 0
}

// describe fills in rates and the groups of classes nobody can tell apart.
func describe(ds *datasets.Dataset, devs []*deviceProfile) {
	for _, d := range devs {
		group := map[string]string{}
		for _, e := range d.Events {
			ds.RatePerDay[datasets.EventClass(d.ID, e.Name)] = e.RatePerDay
			group[e.Name] = e.Name
		}
		for _, e := range d.Events {
			for _, s := range e.SameAs {
				group[e.Name] = min(group[e.Name], group[s])
				group[s] = group[e.Name]
			}
		}
		members := map[string][]string{}
		for _, e := range d.Events {
			members[group[e.Name]] = append(members[group[e.Name]], datasets.EventClass(d.ID, e.Name))
		}
		for _, e := range d.Events {
			if m := members[e.Name]; len(m) > 1 {
				slices.Sort(m)
				ds.Same = append(ds.Same, m)
			}
		}
	}
}
