package home

import (
	"cmp"
	"embed"
	"fmt"
	"maps"
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
	// Sources says what the keys in provenance marks stand for.
	Sources    map[string]string             `yaml:"sources"`
	Devices    []*deviceProfile              `yaml:"devices"`
	Handshakes map[string]*handshakeTemplate `yaml:"handshakes"`
	// RTT holds the classes of round trip times.
	RTT map[string]*span `yaml:"rtt_classes"`
	// Gateway, Household and NonIoT are in one file each.
	Gateway   *gatewayProfile   `yaml:"gateway"`
	Household *householdProfile `yaml:"household"`
	NonIoT    *nonIoTProfile    `yaml:"non_iot"`
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
	Label      string        `yaml:"label"`
	OUI        string        `yaml:"oui"`
	Timestamps bool          `yaml:"tcp_timestamps"`
	Flows      []flowProfile `yaml:"flows"`
	DNS        namesProfile  `yaml:"dns"`
	NTP        ntpProfile    `yaml:"ntp"`
	Periodic   []periodic    `yaml:"periodic"`
	// Poll is the app's polling through the cloud while somebody has it open,
	// LANPoll the same inside the home.
	Poll     *periodic       `yaml:"app_session_poll"`
	LANPoll  *periodic       `yaml:"lan_session_poll"`
	Events   []*eventProfile `yaml:"events"`
	ExtraACK probability     `yaml:"extra_ack"`
	Grid     grid            `yaml:"length_grid"`
	// The checks are measured totals that tests hold generated data against.
	VolumeCheck map[string]any `yaml:"volume_check"`
	IdleCheck   map[string]any `yaml:"idle_check"`
	RateCheck   map[string]any `yaml:"rate_check"`
	ShareCheck  map[string]any `yaml:"share_check"`
}

// flowProfile is one connection of a device.
type flowProfile struct {
	ID        string `yaml:"id"`
	Proto     string `yaml:"proto"`
	Port      uint16 `yaml:"port"`
	Port2019  uint16 `yaml:"port_2019"` // of the generation of 2019, if another
	Host      string `yaml:"host"`
	TLS       string `yaml:"tls"`
	Mode      string `yaml:"mode"`   // persistent or per_event
	Scope     string `yaml:"scope"`  // lan: never leaves the home
	Remote    string `yaml:"remote"` // address of the other side of a lan flow
	Serves    bool   `yaml:"serves"` // the other side opened the connection
	Handshake string `yaml:"handshake"`
	RTT       string `yaml:"rtt"`
	TS        *bool  `yaml:"ts"`
	Prov      string `yaml:"prov"`
}

// namesProfile says which names a device looks up how often.
type namesProfile struct {
	Names   []string `yaml:"names"`
	PeriodS float64  `yaml:"period_s"`
	Public  bool     `yaml:"public"` // asks a public resolver, not the home's
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
	// StepsByGeneration are the steps of different generations of the device.
	StepsByGeneration map[string][]step `yaml:"steps_by_generation"`
	// Scale multiplies the counts of bursts; 0 is 1.
	Scale float64 `yaml:"scale"`
	// FollowUp is a periodic upload that the event can bring forward.
	FollowUp    followUp  `yaml:"follow_up"`
	SameStepsAs string    `yaml:"same_steps_as"`
	Variants    []variant `yaml:"variants"`
	SameAs      []string  `yaml:"indistinguishable_from"`
	Prov        string    `yaml:"prov"`
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
// Do is swap (steps At and At+1), split (step At comes as frames of lengths
// L), merge (steps At and At+1 come as one frame of length L) or repeat (steps
// At and At+1 come twice).
type variant struct {
	P   float64 `yaml:"p"`
	Do  string  `yaml:"do"`
	At  int     `yaml:"at"`
	L   []int64 `yaml:"l"`
	Not string  `yaml:"not"` // a channel without this variant
}

// followUp names a periodic entry and how often an event starts it.
type followUp struct {
	P    float64 `yaml:"p"`
	Ref  string  `yaml:"ref"`
	Prov string  `yaml:"prov"`
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

// step is one thing a script does; exactly one of D, Burst, Stream, Handshake,
// Connect, Close, FIN, DNS, Wait and Extra is set.
type step struct {
	D       string  `yaml:"d"`
	L       length  `yaml:"l"`
	G       span    `yaml:"g"`
	J       string  `yaml:"j"` // digit: the length drifts by a digit
	Flow    string  `yaml:"flow"`
	Only    string  `yaml:"only"` // only on this channel
	P       float64 `yaml:"p"`    // 0: always
	PureACK bool    `yaml:"pure_ack"`
	Burst   *burst  `yaml:"burst"`
	Stream  *stream `yaml:"stream"`
	// Handshake opens a per-event flow with its template or the one named by
	// Template, Connect with the three TCP frames alone.
	Handshake string `yaml:"handshake"`
	Template  string `yaml:"template"`
	Connect   string `yaml:"connect"`
	// Close ends a TLS connection, FIN a plain one.
	Close string `yaml:"close"`
	FIN   string `yaml:"fin"`
	DNS   string `yaml:"dns"`
	Wait  *span  `yaml:"wait"`
	// Extra stands for the frames that this firmware generation sends here.
	Extra bool   `yaml:"extra"`
	Prov  string `yaml:"prov"`
}

// burst is a train of frames. ACKFrame answers every ACKEvery-th (0: second)
// frame with a pure ACK of that length; 0 leaves it to the usual rules.
type burst struct {
	D        string `yaml:"d"`
	Count    length `yaml:"count"`
	L        length `yaml:"l"`
	G        span   `yaml:"g"`
	Flow     string `yaml:"flow"`
	PureACK  bool   `yaml:"pure_ack"`
	ACKFrame int64  `yaml:"ack_frame"`
	ACKEvery int64  `yaml:"ack_every"`
}

// stream is a state with a duration: frames both ways at given rates, or
// chunks that are asked for one by one. It goes on for LingerS after the user
// has stopped it.
type stream struct {
	UpPPS    float64 `yaml:"up_packets_per_s"`
	UpLen    length  `yaml:"up_len"`
	DownPPS  float64 `yaml:"down_packets_per_s"`
	DownLen  length  `yaml:"down_len"`
	ACKs     bool    `yaml:"acks"` // the frames down are pure ACKs
	DownBPS  float64 `yaml:"down_bytes_per_s"`
	Chunk    float64 `yaml:"chunk_bytes"`
	Frame    int64   `yaml:"frame"`
	Duration span    `yaml:"duration_s"`
	LingerS  span    `yaml:"linger_s"`
	Flow     string  `yaml:"flow"`
}

// loadProfile reads the embedded profile once.
var loadProfile = sync.OnceValues(func() (*profile, error) {
	all := &profile{Handshakes: map[string]*handshakeTemplate{}, RTT: map[string]*span{}, Sources: map[string]string{}}
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
		all.Gateway = cmp.Or(all.Gateway, one.Gateway)
		all.Household = cmp.Or(all.Household, one.Household)
		all.NonIoT = cmp.Or(all.NonIoT, one.NonIoT)
		maps.Copy(all.Sources, one.Sources)
		maps.Copy(all.RTT, one.RTT)
		maps.Copy(all.Handshakes, one.Handshakes)
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
		e.Steps, e.StepsByChannel, e.StepsByGeneration = from.Steps, from.StepsByChannel, from.StepsByGeneration
		if e.Firmware == nil {
			e.Firmware = from.Firmware
		}
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

// stepsFor returns the steps of e when it is triggered through channel on a
// device of the given generation.
func (e *eventProfile) stepsFor(channel, generation string) []step {
	if a, ok := e.ChannelAlias[channel]; ok {
		channel = a
	}
	if s, ok := e.StepsByChannel[channel]; ok {
		return s
	}
	if s, ok := e.StepsByGeneration[generation]; ok {
		return s
	}
	return e.Steps
}

// generations lists the generations the device's events know, sorted.
func (d *deviceProfile) generations() []string {
	var out []string
	for _, e := range d.Events {
		for g := range e.StepsByGeneration { // sorted below
			if !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	slices.Sort(out)
	return out
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
