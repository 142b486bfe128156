package home

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// The figures of the generator live in profile/*.yaml; the types below are
// their form.
//
// A length l is the whole Ethernet frame without check sequence, 14 + IP
// length; a gap g is in seconds since the step before ("rtt": one round trip
// of the flow). d is C for device to server, S for server to device. A figure
// is a number (lengths: exact; gaps: a median), [lo, hi] (uniform, both ends
// included), {v: {value: weight}}, {dist: lognormal, med, p90[, max]},
// {dist: uniform, lo, hi} or {mean, jitter}. Pure TCP ACKs are not listed
// unless they say pure_ack; the generator adds them. prov marks provenance: c
// cited, r recalled, d derived, a assumed.

//go:embed profile/*.yaml
var profileFiles embed.FS

// profile is the content of all profile files.
type profile struct {
	Devices    []*deviceProfile              `yaml:"devices"`
	Handshakes map[string]*handshakeTemplate `yaml:"handshakes"`
	// RTT holds the classes of round trip times.
	RTT map[string]*span `yaml:"rtt_classes"`
}

// handshakeTemplate is a connection set-up from SYN to the end of TLS,
// its pure ACKs included.
type handshakeTemplate struct {
	TS    bool   `yaml:"ts"`
	Steps []step `yaml:"steps"`
	Prov  string `yaml:"prov"`
}

// deviceProfile is all that is known of one device model.
type deviceProfile struct {
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
	Type   string `yaml:"type"`
	Vendor string `yaml:"vendor"`
	// Label is the device's name in the data set of HomeMole, "" if absent.
	Label      string          `yaml:"label"`
	OUI        string          `yaml:"oui"`
	Timestamps any             `yaml:"tcp_timestamps"`
	Flows      []flowProfile   `yaml:"flows"`
	DNS        namesProfile    `yaml:"dns"`
	NTP        ntpProfile      `yaml:"ntp"`
	Periodic   []periodic      `yaml:"periodic"`
	Poll       *periodic       `yaml:"app_session_poll"`
	Events     []*eventProfile `yaml:"events"`
	ExtraACK   probability     `yaml:"extra_ack"`
	Grid       grid            `yaml:"length_grid"`
	// The checks are measured totals that tests hold generated data against.
	VolumeCheck map[string]any `yaml:"volume_check"`
	IdleCheck   map[string]any `yaml:"idle_check"`
	RateCheck   map[string]any `yaml:"rate_check"`
}

// flowProfile is one connection of a device.
type flowProfile struct {
	ID        string `yaml:"id"`
	Proto     string `yaml:"proto"`
	Port      uint16 `yaml:"port"`
	Host      string `yaml:"host"`
	TLS       string `yaml:"tls"`
	Mode      string `yaml:"mode"` // persistent or per_event
	Scope     string `yaml:"scope"`
	Handshake string `yaml:"handshake"`
	RTT       string `yaml:"rtt"`
	TS        *bool  `yaml:"ts"`
	Prov      string `yaml:"prov"`
}

// namesProfile says which names a device looks up how often.
type namesProfile struct {
	Names   []string `yaml:"names"`
	PeriodS float64  `yaml:"period_s"`
	Prov    string   `yaml:"prov"`
}

// ntpProfile says which time server a device asks how often.
type ntpProfile struct {
	Host    string  `yaml:"host"`
	PeriodS float64 `yaml:"period_s"`
	Prov    string  `yaml:"prov"`
}

// periodic is traffic that no event causes: heartbeats, uploads, polls.
type periodic struct {
	ID     string `yaml:"id"`
	Flow   string `yaml:"flow"`
	Period span   `yaml:"period_s"`
	Count  length `yaml:"count"`
	Steps  []step `yaml:"steps"`
	Prov   string `yaml:"prov"`
}

// eventProfile is one class of events.
type eventProfile struct {
	Name           string             `yaml:"name"`
	RatePerDay     float64            `yaml:"rate_per_day"`
	RateProv       string             `yaml:"rate_prov"`
	Channels       map[string]float64 `yaml:"channels"`
	ChannelsProv   string             `yaml:"channels_prov"`
	ChannelAlias   map[string]string  `yaml:"channel_alias"`
	Firmware       []variantFirmware  `yaml:"firmware_variants"`
	Steps          []step             `yaml:"steps"`
	StepsByChannel map[string][]step  `yaml:"steps_by_channel"`
	SameStepsAs    string             `yaml:"same_steps_as"`
	Variants       []variant          `yaml:"variants"`
	SameAs         []string           `yaml:"indistinguishable_from"`
	Prov           string             `yaml:"prov"`
}

// variantFirmware fills the named lengths of an event for one generation of
// the firmware.
type variantFirmware struct {
	ID        string `yaml:"id"`
	Handshake string `yaml:"handshake"`
	Req       length `yaml:"req"`
	Resp      length `yaml:"resp"`
	Extra     []step `yaml:"extra"`
	Prov      string `yaml:"prov"`
}

// variant is a small change of the steps that happens with probability P.
type variant struct {
	P     float64 `yaml:"p"`
	Split int     `yaml:"split"` // index of the step that comes in pieces
	Into  []int64 `yaml:"into"`
}

// probability is a probability with its provenance.
type probability struct {
	P    float64 `yaml:"p"`
	Prov string  `yaml:"prov"`
}

// grid says that all lengths of a device are base plus multiples of step.
type grid struct {
	Step int64  `yaml:"step"`
	Base int64  `yaml:"base"`
	Prov string `yaml:"prov"`
}

// step is one thing a script does; exactly one of D, Burst, Handshake,
// Close, DNS, Wait and Extra is set.
type step struct {
	D         string  `yaml:"d"`
	L         length  `yaml:"l"`
	G         span    `yaml:"g"`
	J         string  `yaml:"j"`
	Flow      string  `yaml:"flow"`
	Only      string  `yaml:"only"`
	P         float64 `yaml:"p"` // 0: always
	PureACK   bool    `yaml:"pure_ack"`
	Burst     *burst  `yaml:"burst"`
	Handshake string  `yaml:"handshake"`
	Close     string  `yaml:"close"`
	DNS       string  `yaml:"dns"`
	Wait      *span   `yaml:"wait"`
	Extra     bool    `yaml:"extra"`
	Prov      string  `yaml:"prov"`
}

// burst is a train of frames.
type burst struct {
	D       string `yaml:"d"`
	Count   length `yaml:"count"`
	L       length `yaml:"l"`
	G       span   `yaml:"g"`
	Flow    string `yaml:"flow"`
	PureACK bool   `yaml:"pure_ack"`
}

// loadProfile reads the embedded profile once.
var loadProfile = sync.OnceValues(func() (*profile, error) {
	all := &profile{Handshakes: map[string]*handshakeTemplate{}, RTT: map[string]*span{}}
	entries, err := profileFiles.ReadDir("profile")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := profileFiles.ReadFile("profile/" + e.Name())
		if err != nil {
			return nil, err
		}
		var one profile
		if err := yaml.UnmarshalWithOptions(b, &one, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("profile/%s: %w", e.Name(), err)
		}
		all.Devices = append(all.Devices, one.Devices...)
		for k, v := range one.RTT {
			all.RTT[k] = v
		}
		for k, h := range one.Handshakes {
			all.Handshakes[k] = h
		}
	}
	slices.SortFunc(all.Devices, func(a, b *deviceProfile) int { return strings.Compare(a.ID, b.ID) })
	for _, d := range all.Devices {
		if err := d.complete(all); err != nil {
			return nil, fmt.Errorf("profile of %s: %w", d.ID, err)
		}
	}
	return all, nil
})

// complete fills what events copy from each other and checks names.
func (d *deviceProfile) complete(p *profile) error {
	byName := map[string]*eventProfile{}
	for _, e := range d.Events {
		byName[e.Name] = e
		if e.SameStepsAs == "" {
			continue
		}
		from := byName[e.SameStepsAs]
		if from == nil {
			return fmt.Errorf("event %s copies unknown event %s", e.Name, e.SameStepsAs)
		}
		e.Steps, e.StepsByChannel = from.Steps, from.StepsByChannel
		if e.Channels == nil {
			e.Channels, e.ChannelAlias = from.Channels, from.ChannelAlias
		}
	}
	for _, f := range d.Flows {
		if f.Handshake != "" && p.Handshakes[f.Handshake] == nil {
			return fmt.Errorf("flow %s: unknown handshake %s", f.ID, f.Handshake)
		}
	}
	return nil
}

// stepsFor returns the steps of e when it is triggered through channel.
func (e *eventProfile) stepsFor(channel string) []step {
	if a, ok := e.ChannelAlias[channel]; ok {
		channel = a
	}
	if s, ok := e.StepsByChannel[channel]; ok {
		return s
	}
	return e.Steps
}

// device returns the profile with the given ID.
func (p *profile) device(id string) (*deviceProfile, error) {
	for _, d := range p.Devices {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, fmt.Errorf("unknown device %q", id)
}
