package profile

import "cmp"

// Event is one class of events.
type Event struct {
	Name           string             `yaml:"name"`
	RatePerDay     float64            `yaml:"rate_per_day"`
	RateProv       string             `yaml:"rate_prov"`
	Channels       map[string]float64 `yaml:"channels"`
	ChannelsProv   string             `yaml:"channels_prov"`
	ChannelAlias   map[string]string  `yaml:"channel_alias"`
	Firmware       []Firmware         `yaml:"firmware_variants"`
	Steps          []Step             `yaml:"steps"`
	StepsByChannel map[string][]Step  `yaml:"steps_by_channel"`
	// StepsByGeneration are the steps of different generations of the device.
	StepsByGeneration map[string][]Step `yaml:"steps_by_generation"`
	// Scale multiplies the counts of bursts; 0 is 1.
	Scale float64 `yaml:"scale"`
	// FollowUp is a periodic upload that the event can bring forward.
	FollowUp    FollowUp  `yaml:"follow_up"`
	SameStepsAs string    `yaml:"same_steps_as"`
	Variants    []Variant `yaml:"variants"`
	SameAs      []string  `yaml:"indistinguishable_from"`
	Prov        string    `yaml:"prov"`
}

// Firmware fills the named lengths of an event for one generation of
// the firmware.
type Firmware struct {
	ID        string `yaml:"id"`
	Handshake string `yaml:"handshake"`
	Req       Length `yaml:"req"`
	Resp      Length `yaml:"resp"`
	Extra     []Step `yaml:"extra"`
	Prov      string `yaml:"prov"`
}

// Variant is a small change of the steps that happens with probability P.
// Do is swap (steps At and At+1), split (step At comes as frames of lengths
// L), merge (steps At and At+1 come as one frame of length L) or repeat (steps
// At and At+1 come twice).
type Variant struct {
	P   float64 `yaml:"p"`
	Do  string  `yaml:"do"`
	At  int     `yaml:"at"`
	L   []int64 `yaml:"l"`
	Not string  `yaml:"not"` // a channel without this variant
}

// FollowUp names a periodic entry and how often an event starts it.
type FollowUp struct {
	P    float64 `yaml:"p"`
	Ref  string  `yaml:"ref"`
	Prov string  `yaml:"prov"`
}

// StepsFor returns the steps of e when it is triggered through channel on a
// device of the given generation. Those of the channel go before those of the
// generation, and those before the steps of all others.
func (e *Event) StepsFor(channel, generation string) []Step {
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

// Handshake is a connection set-up from SYN to the end of TLS, its pure ACKs
// included.
type Handshake struct {
	TS    bool   `yaml:"ts"`
	Steps []Step `yaml:"steps"`
	Prov  string `yaml:"prov"`
}

// Step is one thing a script does; exactly one of D, Burst, Stream, Handshake,
// Connect, Close, FIN, DNS, Wait and Extra is set.
type Step struct {
	D       string  `yaml:"d"`
	L       Length  `yaml:"l"`
	G       Span    `yaml:"g"`
	J       string  `yaml:"j"` // digit: the length drifts by a digit
	Flow    string  `yaml:"flow"`
	Only    string  `yaml:"only"` // only on this channel
	P       float64 `yaml:"p"`    // 0: always
	PureACK bool    `yaml:"pure_ack"`
	Burst   *Burst  `yaml:"burst"`
	Stream  *Stream `yaml:"stream"`
	// Handshake opens a per-event flow with its template or the one named by
	// Template, Connect with the three TCP frames alone.
	Handshake string `yaml:"handshake"`
	Template  string `yaml:"template"`
	Connect   string `yaml:"connect"`
	// Close ends a TLS connection, FIN a plain one.
	Close string `yaml:"close"`
	FIN   string `yaml:"fin"`
	DNS   string `yaml:"dns"`
	Wait  *Span  `yaml:"wait"`
	// Extra stands for the frames that this firmware generation sends here.
	Extra bool   `yaml:"extra"`
	Prov  string `yaml:"prov"`
}

// On is the flow of the step, which is played on the given one if it names none.
func (s *Step) On(flow string) string {
	switch {
	case s.Burst != nil:
		return cmp.Or(s.Burst.Flow, flow)
	case s.Stream != nil:
		return cmp.Or(s.Stream.Flow, flow)
	}
	return cmp.Or(s.Handshake, s.Connect, s.Close, s.FIN, s.Flow, flow)
}

// Burst is a train of frames. ACKFrame answers every ACKEvery-th (0: second)
// frame with a pure ACK of that length; 0 leaves it to the usual rules.
type Burst struct {
	D        string `yaml:"d"`
	Count    Length `yaml:"count"`
	L        Length `yaml:"l"`
	G        Span   `yaml:"g"`
	Flow     string `yaml:"flow"`
	PureACK  bool   `yaml:"pure_ack"`
	ACKFrame int64  `yaml:"ack_frame"`
	ACKEvery int64  `yaml:"ack_every"`
}

// Stream is a state with a duration: frames both ways at given rates, or
// chunks that are asked for one by one. It goes on for LingerS after the user
// has stopped it.
type Stream struct {
	UpPPS    float64 `yaml:"up_packets_per_s"`
	UpLen    Length  `yaml:"up_len"`
	DownPPS  float64 `yaml:"down_packets_per_s"`
	DownLen  Length  `yaml:"down_len"`
	ACKs     bool    `yaml:"acks"` // the frames down are pure ACKs
	DownBPS  float64 `yaml:"down_bytes_per_s"`
	Chunk    float64 `yaml:"chunk_bytes"`
	Frame    int64   `yaml:"frame"`
	Duration Span    `yaml:"duration_s"`
	LingerS  Span    `yaml:"linger_s"`
	Flow     string  `yaml:"flow"`
}
