// Package profile holds the published figures that generated homes are made
// of: the YAML files of this folder, and the types they are read into.
//
// Read this file first: what the files have in common and how they are loaded.
// Then device.go, event.go and people.go, one for each kind of entry, and
// figure.go, the numbers in them.
//
// A length l is the whole Ethernet frame without check sequence, 14 + IP
// length; a gap g is in seconds since the step before ("rtt": one round trip
// of the flow). d is C for device to server, S for server to device. A figure
// is a number (lengths: exact; gaps: a median), [lo, hi] (uniform, both ends
// included), {v: {value: weight}}, {dist: lognormal, med, p90[, max]},
// {dist: uniform, lo, hi} or {mean, jitter}. Pure TCP ACKs are not listed
// unless they say pure_ack; the generator adds them. prov marks provenance: c
// cited, r recalled, d derived, a assumed.
package profile

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed *.yaml
var files embed.FS

// Profile is the content of all files.
type Profile struct {
	// Sources says what the keys in provenance marks stand for.
	Sources    map[string]string     `yaml:"sources"`
	Devices    []*Device             `yaml:"devices"`
	Handshakes map[string]*Handshake `yaml:"handshakes"`
	// RTT holds the classes of round trip times.
	RTT map[string]*Span `yaml:"rtt_classes"`
	// Each of these is in one file.
	Gateway   *Gateway   `yaml:"gateway"`
	Household *Household `yaml:"household"`
	Computers *Computers `yaml:"non_iot"`
	Lives     *Lives     `yaml:"lives"`
}

// Load reads the files, once; who gets the Profile shares it and changes
// nothing in it. An error means that a file of this folder is broken: a key
// that no type knows, or a name that nothing bears.
func Load() (*Profile, error) { return load() }

var load = sync.OnceValues(func() (*Profile, error) {
	all := &Profile{Handshakes: map[string]*Handshake{}, RTT: map[string]*Span{}, Sources: map[string]string{}}
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}

	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		var one Profile
		if err := yaml.UnmarshalWithOptions(b, &one, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("profile/%s: %w", e.Name(), err)
		}

		all.Devices = append(all.Devices, one.Devices...)
		all.Gateway = cmp.Or(all.Gateway, one.Gateway)
		all.Household = cmp.Or(all.Household, one.Household)
		all.Computers = cmp.Or(all.Computers, one.Computers)
		all.Lives = cmp.Or(all.Lives, one.Lives)
		maps.Copy(all.Sources, one.Sources)
		maps.Copy(all.RTT, one.RTT)
		maps.Copy(all.Handshakes, one.Handshakes)
	}

	// Handshakes may be in a file that comes after the devices that name them,
	// so names are checked once all are there.
	slices.SortFunc(all.Devices, func(a, b *Device) int { return strings.Compare(a.ID, b.ID) })
	for _, d := range all.Devices {
		if err := d.complete(all.Handshakes); err != nil {
			return nil, fmt.Errorf("profile of %s: %w", d.ID, err)
		}
	}
	return all, nil
})

// complete fills what events copy from each other, and refuses what could not be
// played: who has a Profile need not check names again.
func (d *Device) complete(handshakes map[string]*Handshake) error {
	// An event copies from one above it only, so that a copy of a copy is whole
	// and there are no circles.
	byName := map[string]*Event{}
	for _, e := range d.Events {
		byName[e.Name] = e
		if e.SameStepsAs == "" {
			continue
		}
		from := byName[e.SameStepsAs]
		if from == nil {
			return fmt.Errorf("event %s copies unknown event %s", e.Name, e.SameStepsAs)
		}

		e.Steps, e.StepsByChannel, e.StepsByGeneration = from.Steps, from.StepsByChannel, from.StepsByGeneration
		if e.Firmware == nil {
			e.Firmware = from.Firmware
		}
		if e.Channels == nil {
			e.Channels, e.ChannelAlias = from.Channels, from.ChannelAlias
		}
	}

	for _, f := range d.Flows {
		if f.Handshake != "" && handshakes[f.Handshake] == nil {
			return fmt.Errorf("flow %s: unknown handshake %s", f.ID, f.Handshake)
		}
	}
	if len(d.Events) > 0 && len(d.Flows) == 0 {
		return errors.New("events without a flow")
	}

	var errs []error
	d.EachStep(func(e *Event, flow string, s *Step) { errs = append(errs, d.checkStep(e, flow, s, handshakes)) })
	return errors.Join(errs...)
}

// checkStep refuses a step of event e, nil for none, that names a flow, a handshake
// or a length which the device does not have.
func (d *Device) checkStep(e *Event, flow string, s *Step, handshakes map[string]*Handshake) error {
	sends := s.DNS == "" && s.Wait == nil && !s.Extra
	f := d.Flow(s.On(flow))
	switch {
	case sends && f == nil:
		return fmt.Errorf("no flow %q", s.On(flow))
	case s.Handshake != "" && handshakes[cmp.Or(s.Template, f.Handshake)] == nil:
		return fmt.Errorf("flow %s: unknown handshake %q", f.ID, cmp.Or(s.Template, f.Handshake))
	case s.L.Name != "" && (e == nil || len(e.Firmware) == 0 || s.L.Name != "req" && s.L.Name != "resp"):
		return fmt.Errorf("length %q is not defined", s.L.Name)
	}
	return nil
}

// Device returns the profile with the given ID; an unknown one is an error
// that names it.
func (p *Profile) Device(id string) (*Device, error) {
	for _, d := range p.Devices {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, fmt.Errorf("unknown device %q", id)
}
