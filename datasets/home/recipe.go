package home

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/people"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// schedule says how events come about.
type schedule uint8

const (
	controlled schedule = iota // one after another, gaps drawn from lo to hi
	perDevice                  // each device on its own, gaps drawn from lo to hi
	lived                      // by the people of the home, all days alike
	resident                   // by people of many kinds
	oneNight                   // by whoever sleeps in the home, one published night
	commands                   // a session of gateway commands
	habits                     // days of gateway commands that are habits, and others
	published                  // the experiments of A Smart Home is No Castle, one by one
)

// recipe is what the homes of a preset are made of.
type recipe struct {
	devices []string
	people  []string // phones and computers
	gateway bool
	app     bool // the user of the gateway commands it from within the home
	when    schedule
	lo, hi  time.Duration
	light   bool          // people's devices are used lightly, all the time
	longest time.Duration // after which somebody stops a stream, 0 never
	era     string        // generation of devices that have several
	router  bool          // the homes' routers answer look-ups
	alone   bool          // every device in a recording of its own
	clips   bool          // cut into one clip per event
	thin    traffic.Thinning
	start   time.Duration // time of day at which recordings start
	skip    time.Duration // of each recording that is left out, from its beginning on
	queries bool          // flows say which name a look-up asks for
	block   time.Duration // cut into recordings of this length, 0 not at all
}

// models returns the profiles of all devices of a home, one for each device. A
// name that no profile bears is an error.
func (rc *recipe) models(p *profile.Profile) ([]*profile.Device, error) {
	ids := slices.Concat(rc.devices, rc.people)
	if rc.gateway {
		ids = append(ids, "zigbee_gateway")
	}
	if rc.app {
		ids = append(ids, "gateway_app")
	}
	var out []*profile.Device
	for _, id := range ids {
		d, err := p.Device(id)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// recordings makes the recordings of home number i, counted from 0, with
// devices of the given models: one, or one for each device or event. All have
// the home's name as their group.
func (rc *recipe) recordings(prof *profile.Profile, models []*profile.Device, p Params, seed uint64, i int) []datasets.Recording {
	if rc.when == published {
		return rc.experiments(prof, models, p, seed, i)
	}
	sets := [][]*profile.Device{models}
	if rc.alone {
		sets = slices.Collect(slices.Chunk(models, 1))
	}

	// Devices recorded alone still share the home's name, and with it the
	// distances to servers and the firmware.
	var out []datasets.Recording
	for _, set := range sets {
		h := rc.home(prof, set, p, seed, i)
		rc.play(h, i, p.Homes)
		rec := h.Recording()
		if rc.alone {
			rec.ID += "/" + set[0].ID
		}
		if rc.skip > 0 {
			rec = rec.Cut([]time.Duration{rc.skip})[1]
		}
		out = append(out, rec)
	}

	if rc.clips {
		out = cutClips(out, clipLength, seed)
	}
	if rc.block > 0 {
		out = cutBlocks(out, rc.block)
	}
	return out
}

// cutBlocks cuts recordings into blocks of one length, so that a split can train
// and test within a home. IDs are the home's, the block's number and the rest of
// what the recording was called: in their order time comes first, so that a split
// by order trains on the past.
func cutBlocks(recs []datasets.Recording, length time.Duration) []datasets.Recording {
	var out []datasets.Recording
	for _, r := range recs {
		var at []time.Duration
		for t := length; t < r.Trace.End; t += length {
			at = append(at, t)
		}
		home, rest, alone := strings.Cut(r.ID, "/")
		for i, b := range r.Cut(at) {
			if b.ID = fmt.Sprintf("%s/block-%03d", home, i+1); alone {
				b.ID += "/" + rest
			}
			out = append(out, b)
		}
	}
	return out
}

// home is home number i with devices of the given models, before anything happens.
func (rc *recipe) home(prof *profile.Profile, models []*profile.Device, p Params, seed uint64, i int) *traffic.Home {
	h := &traffic.Home{
		Seed: seed, Name: rc.homeName(i), Profile: prof, Gateway: prof.Gateway.With(p.Devices),
		Era: rc.era, RouterDNS: rc.router, LongestStream: int64(rc.longest), Queries: rc.queries,
		End:  int64(rc.skip) + int64(p.Hours*3600)*int64(time.Second), // whole seconds
		Thin: rc.thin, Start: int64(rc.start),
	}
	for _, d := range models {
		h.AddDevice(d, firmwareOf(h, d, p.Firmware, i))
	}
	return h
}

// experiments makes a recording of each of the castle's experiments in home number
// i, in which streams last as long as the schedule says.
func (rc *recipe) experiments(prof *profile.Profile, models []*profile.Device, p Params, seed uint64, i int) []datasets.Recording {
	var out []datasets.Recording
	for _, e := range castleExperiments() {
		h := rc.home(prof, e.model(models), p, seed, i)
		h.StreamFor = int64(every)
		h.Play(e.triggers(h))
		h.Devices[0].Background()

		rec := h.Recording()
		rec.ID += "/" + e.name
		out = append(out, rec)
	}
	return out
}

// homeName numbers homes and sessions from 1.
func (rc *recipe) homeName(i int) string {
	if rc.when == commands {
		return fmt.Sprintf("session-%02d", i+1)
	}
	return fmt.Sprintf("home-%02d", i+1)
}

// firmwareOf says which firmware a device of home number i runs: the published
// one, one of three or, where no home may be like another, the home's own.
func firmwareOf(h *traffic.Home, d *profile.Device, mode string, i int) int {
	switch mode {
	case "mixed":
		return int(h.Rand(d.ID, "firmware").Int64N(3))
	case "unseen":
		return i
	}
	return 0
}

// play plays everything that happens in home number i of homes. The order is
// part of the data: packets of one time keep it.
func (rc *recipe) play(h *traffic.Home, i, homes int) {
	switch rc.when {
	case controlled:
		h.Play(people.Controlled(h, int64(rc.lo), int64(rc.hi)))
	case perDevice:
		h.Play(people.PerDevice(h, int64(rc.lo), int64(rc.hi)))
	case lived:
		h.Play(people.LivedIn(h))
	case resident:
		h.Play(people.Residents(h, i))
	case oneNight:
		h.Play(people.Night(h, i))
	case commands:
		h.PlayCommands(h.Devices[0], i, homes)
	case habits:
		h.PlayHabits(h.Devices[0], i, homes)
	}

	// In laboratories, people's devices are used at all hours.
	for _, d := range h.Devices {
		d.Background()
		switch {
		case !d.IsComputer():
		case rc.light:
			people.UseLightly(d)
		default:
			people.Use(d, rc.when == lived || rc.when == resident)
		}
	}
}
