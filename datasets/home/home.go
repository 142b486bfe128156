// Package home generates recordings of smart homes from published figures:
// lengths, periods and time gaps of real devices, drawn from one seed in
// integers, so that the same seed gives the same bytes on every platform.
//
// Every table made on these data says so: an attack and the data share one
// model of the devices, so results are regression tests, not evidence.
package home

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"veilbench/datasets"
	"veilbench/datasets/cite"
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

// Validate reports a setting out of range.
func (p Params) Validate() error {
	switch {
	case p.Homes < 1 || p.Homes > 200:
		return fmt.Errorf("homes=%d: want 1 to 200", p.Homes)
	case !(p.Hours > 0 && p.Hours <= 24*31):
		return fmt.Errorf("hours=%g: want above 0, at most 744", p.Hours)
	case p.Firmware != "same" && p.Firmware != "mixed" && p.Firmware != "unseen":
		return fmt.Errorf("firmware=%s: want same, mixed or unseen", p.Firmware)
	case p.Devices != 0 && (p.Devices < 4 || p.Devices > 100):
		return fmt.Errorf("devices=%d: want 4 to 100", p.Devices)
	}
	return nil
}

// Generate makes the data set with the given ID: a preset's name, with or
// without "home:" in front, and settings behind it. The same ID and seed give
// the same data. An unknown preset, an unknown setting or one out of range is
// an error.
func Generate(id string, seed uint64) (datasets.Dataset, error) {
	p, ps, err := resolve(id)
	if err != nil {
		return datasets.Dataset{}, err
	}
	ds, err := generate(p, ps, seed)
	if err != nil {
		return datasets.Dataset{}, fmt.Errorf("home:%s: %w", p.Name, err)
	}
	ds.Name = canonical(p, ps)
	return ds, nil
}

// Works are the publications and data whose figures the profiles of devices
// rest on; the profiles mark each figure with its source.
func Works() []cite.Work {
	return cite.Of("iotevent2022", "trimananda2020pingpong", "dong2020homemole", "junges2019gateway", "apthorpe2017castle",
		"miettinen2017sentinel", "behaviot", "cic-iot-2022")
}

// Resolve says what Generate would call the data set with the given ID and
// what tasks it would serve, without making it. Errors are those of Generate.
func Resolve(id string) (name string, tasks []datasets.Task, err error) {
	p, ps, err := resolve(id)
	if err != nil {
		return "", nil, err
	}
	return canonical(p, ps), slices.Clone(p.recipe.tasks), nil
}

func resolve(id string) (Preset, Params, error) {
	name, set, err := params.Split(strings.TrimPrefix(id, "home:"))
	if err != nil {
		return Preset{}, Params{}, err
	}
	p, err := find(name)
	if err != nil {
		return Preset{}, Params{}, err
	}
	ps, err := params.With(p.Params, set)
	if err != nil {
		return Preset{}, Params{}, fmt.Errorf("home:%s: %w", name, err)
	}
	if p.recipe.gateway != (ps.Devices > 0) {
		return Preset{}, Params{}, fmt.Errorf("home:%s: devices=%d: want a number where there is a gateway, and only there", name, ps.Devices)
	}
	return p, ps, nil
}

// Settings returns all settings of the data set with the given ID, those left
// at their defaults too, sorted by key. Errors are those of Generate.
func Settings(id string) ([]params.Param, error) {
	_, ps, err := resolve(id)
	if err != nil {
		return nil, err
	}
	return params.List(ps), nil
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

// generate makes the recordings of all homes, several at a time; each depends
// on the seed and its own name alone.
func generate(preset Preset, p Params, seed uint64) (datasets.Dataset, error) {
	prof, err := loadProfile()
	if err != nil {
		return datasets.Dataset{}, err
	}
	recs := make([][]datasets.Recording, p.Homes)
	errs := make([]error, p.Homes)
	var wg sync.WaitGroup
	free := make(chan struct{}, min(runtime.GOMAXPROCS(0), 4))
	for i := range p.Homes {
		wg.Add(1)
		go func() {
			defer wg.Done()
			free <- struct{}{}
			recs[i], errs[i] = preset.recipe.homeRecordings(prof, p, seed, i)
			<-free
		}()
	}
	wg.Wait()
	ds := datasets.Dataset{
		Recordings: slices.Concat(recs...), Recorded: datasets.LAN, Tasks: preset.recipe.tasks,
		RatePerDay: map[string]float64{}, Generated: true, Split: split(p.Homes),
		Source: "generated from published figures of real devices (IoTEvents, PingPong, BehavIoT, CIC IoT 2022 and others; see the provenance marks in datasets/home/profile)",
	}
	describe(&ds, preset.recipe.profiles(prof))
	return ds, errors.Join(errs...)
}

// split holds out whole homes; with one home there is nothing to hold out.
func split(homes int) datasets.Split {
	if homes < 2 {
		return "kfold:k=5"
	}
	return datasets.Split("group-kfold:k=" + strconv.Itoa(min(homes, 5)))
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
