package profile

import "slices"

// Device is all that is known of one device model.
type Device struct {
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
	Type   string `yaml:"type"`
	Vendor string `yaml:"vendor"`
	// Label is the device's name in the data set of HomeMole, "" if absent.
	Label      string     `yaml:"label"`
	OUI        string     `yaml:"oui"`
	Timestamps bool       `yaml:"tcp_timestamps"`
	Flows      []Flow     `yaml:"flows"`
	DNS        Lookups    `yaml:"dns"`
	NTP        Clock      `yaml:"ntp"`
	Periodic   []Periodic `yaml:"periodic"`
	// Poll is the app's polling through the cloud while somebody has it open,
	// LANPoll the same inside the home.
	Poll     *Periodic   `yaml:"app_session_poll"`
	LANPoll  *Periodic   `yaml:"lan_session_poll"`
	Events   []*Event    `yaml:"events"`
	ExtraACK Probability `yaml:"extra_ack"`
	Grid     Grid        `yaml:"length_grid"`
	// The checks are measured totals that tests hold generated data against.
	VolumeCheck map[string]any `yaml:"volume_check"`
	IdleCheck   map[string]any `yaml:"idle_check"`
	RateCheck   map[string]any `yaml:"rate_check"`
	ShareCheck  map[string]any `yaml:"share_check"`
}

// Flow is one connection of a device.
type Flow struct {
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

// Lookups says which names a device looks up how often.
type Lookups struct {
	Names   []string `yaml:"names"`
	PeriodS float64  `yaml:"period_s"`
	Public  bool     `yaml:"public"` // asks a public resolver, not the home's
	Prov    string   `yaml:"prov"`
}

// Clock says which time server a device asks how often.
type Clock struct {
	Host    string  `yaml:"host"`
	PeriodS float64 `yaml:"period_s"`
	Prov    string  `yaml:"prov"`
}

// Periodic is traffic that no event causes: heartbeats, uploads, polls.
type Periodic struct {
	ID     string `yaml:"id"`
	Flow   string `yaml:"flow"`
	Period Span   `yaml:"period_s"`
	Count  Length `yaml:"count"`
	Steps  []Step `yaml:"steps"`
	Prov   string `yaml:"prov"`
}

// Probability is a probability with its provenance.
type Probability struct {
	P    float64 `yaml:"p"`
	Prov string  `yaml:"prov"`
}

// Grid says that all lengths of a device are base plus multiples of step.
type Grid struct {
	Step int64  `yaml:"step"`
	Base int64  `yaml:"base"`
	Prov string `yaml:"prov"`
}

// IsComputer says whether the device is a phone, a tablet or a computer, which
// people use themselves and no profile scripts.
func (d *Device) IsComputer() bool { return d.Label == computers }

// computers is the label of all phones, tablets and computers: one class.
const computers = "non_iot"

// Event returns the device's event class of that name, nil if it has none.
func (d *Device) Event(name string) *Event {
	for _, e := range d.Events {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Flow returns the device's connection with the given ID, nil if it has none.
func (d *Device) Flow(id string) *Flow {
	for i := range d.Flows {
		if d.Flows[i].ID == id {
			return &d.Flows[i]
		}
	}
	return nil
}

// EachStep calls f for every step that the device may play, in no particular
// order: with its event, nil in the background, and the flow of steps that name
// none.
func (d *Device) EachStep(f func(e *Event, flow string, s *Step)) {
	all := func(e *Event, flow string, steps []Step) {
		for i := range steps {
			f(e, flow, &steps[i])
		}
	}
	for i := range d.Periodic {
		all(nil, d.Periodic[i].Flow, d.Periodic[i].Steps)
	}
	for _, p := range []*Periodic{d.Poll, d.LANPoll} {
		if p != nil {
			all(nil, p.Flow, p.Steps)
		}
	}

	// Events begin on the first flow.
	for _, e := range d.Events {
		first := d.Flows[0].ID
		all(e, first, e.Steps)
		for _, s := range e.StepsByChannel {
			all(e, first, s)
		}
		for _, s := range e.StepsByGeneration {
			all(e, first, s)
		}
		for i := range e.Firmware {
			all(e, first, e.Firmware[i].Extra)
		}
	}
}

// Generations lists the generations that the device's events tell apart,
// sorted; nil if there is only one.
func (d *Device) Generations() []string {
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
