// Package home generates recordings of smart homes from published figures:
// lengths, periods and time gaps of real devices, drawn from one seed in
// integers, so that the same seed gives the same bytes on every platform.
//
// Every table made on these data says so: an attack and the data share one
// model of the devices, so results are regression tests, not evidence.
//
// Read this file first: what can be asked for, and Generate. presets.go lists
// the presets and recipe.go makes the recordings of a home from one. Below,
// profile holds the published figures, traffic makes packets of them, people
// says who does what when, and draw makes the random draws. export.go writes
// captures for other tools.
package home

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/parallel"
	"veilbench/datasets/params"
)

// Params are the settings of a preset; they are written behind its name, as
// in "event_signatures:homes=3,hours=2".
type Params struct {
	Homes    int     `help:"number of homes, each a group of its own"`
	Hours    float64 `help:"hours recorded in each home"`
	Firmware string  `help:"same: published firmware everywhere; mixed: each home draws one of three; unseen: no two homes alike"`
	Devices  int     `help:"plugs and lamp holders at the gateway, of which a quarter, but at least two, are lamp holders; 0 without a gateway"`
}

// Validate refuses no or more than 200 homes, no time or more than a month (31
// days), a firmware that is none of same, mixed and unseen, and gateways of
// less than 4 or more than 100 devices. The error names the key.
func (p Params) Validate() error {
	var hours error
	if !(p.Hours > 0 && p.Hours <= 24*31) {
		hours = fmt.Errorf("hours=%g: want above 0, at most %d", p.Hours, 24*31)
	}
	return cmp.Or(
		params.Within("homes", p.Homes, 1, 200), hours,
		params.OneOf("firmware", p.Firmware, "same", "mixed", "unseen"),
		params.ZeroOrWithin("devices", p.Devices, 4, 100),
	)
}

// Generate makes the data set with the given ID: a preset's name, with or
// without "home:" in front, and settings behind it. The same ID and seed give
// the same data. An unknown preset, an unknown setting or one out of range is
// an error; so is the end of ctx, after which no further home is begun.
func Generate(ctx context.Context, id string, seed uint64) (datasets.Dataset, error) {
	preset, p, err := resolve(id)
	if err != nil {
		return datasets.Dataset{}, err
	}
	prof, err := profile.Load()
	if err != nil {
		return datasets.Dataset{}, err
	}
	models, err := preset.recipe.models(prof)
	if err != nil {
		return datasets.Dataset{}, fmt.Errorf("home:%s: %w", preset.Name, err)
	}

	// Each home depends on the seed and its own name alone, so they are made in
	// any order. One in the making holds its packets twice, so there are four at
	// most however many cores there are.
	recs := make([][]datasets.Recording, p.Homes)
	err = parallel.For(ctx, min(runtime.GOMAXPROCS(0), 4), p.Homes, func(_, i int) error {
		recs[i] = preset.recipe.recordings(prof, models, p, seed, i)
		return nil
	})
	if err != nil {
		return datasets.Dataset{}, err
	}

	ds := datasets.Dataset{
		Name: canonicalID(preset, p), Preset: "home:" + preset.Name,
		Recordings: slices.Concat(recs...), Recorded: datasets.LAN, Tasks: preset.Tasks,
		RatePerDay: map[string]float64{}, Generated: true, Split: preset.recipe.split(p.Homes),
		Source: "generated from published figures of real devices (IoTEvents, PingPong, BehavIoT, CIC IoT 2022 and others; see the provenance marks in datasets/home/profile)",
	}
	for _, x := range params.List(p) {
		ds.Settings = append(ds.Settings, datasets.Setting{Key: x.Key, Value: x.Value})
	}
	describeClasses(&ds, models)
	return ds, nil
}

// resolve reads an ID into a preset and its settings, defaults filled in.
func resolve(id string) (Preset, Params, error) {
	name, set, err := params.Split(strings.TrimPrefix(id, "home:"))
	if err != nil {
		return Preset{}, Params{}, err
	}
	preset, err := findPreset(name)
	if err != nil {
		return Preset{}, Params{}, err
	}
	p, err := params.With(preset.Params, set)
	if err != nil {
		return Preset{}, Params{}, fmt.Errorf("home:%s: %w", name, err)
	}
	if preset.recipe.gateway != (p.Devices > 0) {
		return Preset{}, Params{}, fmt.Errorf("home:%s: devices=%d: want a number where there is a gateway, and only there", name, p.Devices)
	}
	return preset, p, nil
}

func findPreset(name string) (Preset, error) {
	all := Presets()
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	if i := slices.Index(names, name); i >= 0 {
		return all[i], nil
	}
	return Preset{}, fmt.Errorf("unknown preset %q%s (has %s)", name, params.DidYouMean(name, names), strings.Join(names, ", "))
}

// canonicalID is the data set's ID: the preset and the settings that differ
// from its defaults.
func canonicalID(preset Preset, p Params) string {
	var kv []string
	usual := params.List(preset.Params)
	for i, x := range params.List(p) {
		if x.Value != usual[i].Value {
			kv = append(kv, x.Key+"="+x.Value)
		}
	}
	id := "home:" + preset.Name
	if len(kv) > 0 {
		id += ":" + strings.Join(kv, ",")
	}
	return id
}

// split holds out whole homes; with one home there is nothing to hold out. Blocks
// of a session are there to be held out by time.
func (rc *recipe) split(homes int) datasets.Split {
	if rc.block > 0 {
		return "fixed-80-20"
	}
	if homes < 2 {
		return "kfold:k=5"
	}
	return datasets.Split("group-kfold:k=" + strconv.Itoa(min(homes, 5)))
}

// describeClasses fills in how often events happen and which groups of classes
// nobody can tell apart.
func describeClasses(ds *datasets.Dataset, models []*profile.Device) {
	seen := map[string]bool{} // models, of which a home may have several devices
	for _, d := range models {
		if seen[d.ID] {
			continue
		}
		seen[d.ID] = true

		// A group goes by the least name among its members, which SameAs joins
		// one pair at a time.
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

// Works are the publications and data whose figures the profiles of devices
// rest on; the profiles mark each figure with its source.
func Works() []cite.Work {
	return cite.Of("iotevent2022", "trimananda2020pingpong", "dong2020homemole", "junges2019gateway", "apthorpe2017castle",
		"miettinen2017sentinel", "behaviot", "cic-iot-2022")
}
