package datasets

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// EthernetHeader is the part of Packet.Size below the IP packet.
const EthernetHeader = 14

// Dir is the direction of a packet as seen from the home.
type Dir uint8

// The directions of a packet.
const (
	Up   Dir = iota // home to Internet
	Down            // Internet to home
)

// String returns "up" or "down".
func (d Dir) String() string {
	if d == Up {
		return "up"
	}
	return "down"
}

// Packet is what an observer learns from one packet: 24 bytes, no label and
// no dummy flag, so that an attack cannot see truth even by mistake.
type Packet struct {
	// Time is the time since Trace.Start. A trace never runs backwards.
	Time time.Duration
	// Size is 14 + the length of the IP packet: VLAN tags, Ethernet fill and
	// other link headers do not count. For a frame that is not IP it is the
	// frame's length.
	Size int32
	// Payload is the number of bytes above TCP or UDP, else above IP, else
	// above the link header. Payload <= Size - 14 for IP packets.
	Payload int32
	// Flow indexes Trace.Flows.
	Flow int32
	// Dir says which way the packet goes.
	Dir Dir
}

// Flow is what the headers of a conversation show. It is comparable.
type Flow struct {
	// Proto is the IP protocol number (6 TCP, 17 UDP); 0 if not IP.
	Proto uint8
	// Local is the home side. Ports are 0 where the protocol has none.
	Local netip.AddrPort
	// Remote is the other side.
	Remote netip.AddrPort
	// Host is the remote's name as learned from DNS or TLS SNI; "" if unknown
	// or hidden.
	Host string
	// Query is the name that a look-up over plain DNS asks for, where the source
	// tells; "" for all other flows. A device may ask for more names than it talks
	// to.
	Query string `json:",omitempty"`
	// MAC is the hardware address of the home side; zero where it cannot be
	// seen (outside the home, raw IP captures).
	MAC MAC `json:"Link"` // the name in digests of data
	// Peer is the hardware address of the other side, where frames of IEEE
	// 802.15.4 show it to everybody near; zero on all other links.
	Peer MAC `json:",omitzero"`
	// LAN marks a flow that never leaves the home.
	LAN bool
}

// Radio says whether the frames of f are those of IEEE 802.15.4 (Zigbee, Thread):
// no IP is seen in them, and they stay between the devices of one home.
func (f Flow) Radio() bool { return f.Peer != MAC{} }

// Exposed says whether anybody but the people of the home can watch f: it leaves
// the home, or it is radio. What is not exposed needs no defense.
func (f Flow) Exposed() bool { return !f.LAN || f.Radio() }

// MAC is a 48-bit hardware address.
type MAC [6]byte

// String writes the address with colons, "" for the zero address.
func (m MAC) String() string {
	if m == (MAC{}) {
		return ""
	}
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// Trace is what can be seen of a recording. It is never modified once made:
// whoever wants another trace makes new slices.
type Trace struct {
	// Start is the wall-clock time of Time 0. An observer has a clock too, so
	// it belongs to the trace and not to the truth. Zero if unknown.
	Start time.Time
	// Packets are in order of Time.
	Packets []Packet
	// Flows are in order of first appearance for a trace fresh from a reader.
	Flows []Flow
	// End is when observing stopped, not the last packet. All clips of a
	// data set have one common End.
	End time.Duration
}

// Event is something that happened: a point (End == Start) or a state such as
// streaming, which is an interval.
type Event struct {
	Start, End time.Duration
	// Device indexes Labels.Devices.
	Device int
	// Activity is the name of what happened, such as "on".
	Activity string
}

// ActionCount is one kind of action in a command and how often it occurs.
type ActionCount struct {
	Action string
	Count  int
}

// Command is one message from a cloud service to a gateway.
type Command struct {
	Time time.Duration
	// Device indexes Labels.Devices: the gateway.
	Device int
	// Actions is the multiset of actions, sorted by Action, no zero counts.
	Actions []ActionCount
}

// Stay is a stretch of time in which the people of a home are in one state.
type Stay struct {
	// Start and End are times of the trace, Start < End.
	Start, End time.Duration
	// Home is how many people are at home, guests included: 0 nobody, -1 where
	// only that nobody knows.
	Home int
	// Asleep says that everybody at home sleeps; false if nobody is there.
	Asleep bool
}

// Labels is the truth about a trace. Defenses and models never see it.
type Labels struct {
	// Devices names the devices, sorted. Names hold no '/'.
	Devices []string
	// Owners holds, for each packet, an index into Devices, or -1 for nobody.
	// Nil if unknown.
	Owners []int32
	// Events are in order of Start.
	Events []Event
	// Cause holds, for each packet, the index of the event that caused it, or
	// -1 for none. Nil if unknown.
	Cause []int32
	// Commands are in order of Time.
	Commands []Command
	// Stays say who is home and who sleeps, in order and without overlap; of the
	// gaps nothing is known. Nil if unknown.
	Stays []Stay
}

// Recording is a trace with its truth.
type Recording struct {
	// ID is unique in its data set and stable between runs.
	ID string
	// Group is the home, day or session it was recorded in. An across split
	// never has one group on both sides.
	Group string
	// Behind names the real device that it was recorded behind, see WithDevice; "" for
	// traffic without one.
	Behind string
	Trace  Trace
	Labels Labels
}

// Task is a question an attack answers.
type Task string

// The tasks. Their values stand in results and on the command line.
const (
	TaskClip    Task = "clip"    // which activity is this whole trace?
	TaskEvent   Task = "event"   // what happened when?
	TaskDevice  Task = "device"  // whose packet is this?
	TaskCommand Task = "command" // which actions are in this command?
	TaskRoutine Task = "routine" // who is home, who sleeps, hour by hour?
	TaskDetect  Task = "detect"  // is a defense on in this hour, and which?
)

// DetectItem is how long an item of TaskDetect lasts: shorter recordings have none.
const DetectItem = time.Hour

// Tasks lists all tasks in report order.
func Tasks() []Task {
	return []Task{TaskEvent, TaskDevice, TaskCommand, TaskClip, TaskRoutine, TaskDetect}
}

// Class names that attacks and truth share beside the classes of the data.
const (
	Other   = "other"   // a burst that no event caused
	Unknown = "unknown" // the attack does not know
	Cover   = "cover"   // a packet that a defense made up
	Nobody  = "nobody"  // a packet that no known device owns
)

// OneHome ends the warning of a data set whose groups are parts of one recording:
// what is measured over them says nothing of another home.
const OneHome = "they share home, devices and network"

// Dataset is a set of recordings with what must be known to use them right.
type Dataset struct {
	// Name is the ID by which it was asked for, such as
	// "home:event_signatures" or "iotevents/12_27jdgn_cz".
	Name       string
	Recordings []Recording
	// Recorded says where the capture point was. An observer cannot be nearer
	// to the devices than that.
	Recorded Vantage
	// Tasks lists what the labels can serve.
	Tasks []Task
	// Same lists groups of event classes ("device/activity") that the source
	// says nobody can tell apart; scores merge each group.
	Same [][]string
	// RatePerDay is how often an event class happens in a lived-in home, for
	// base rates. Missing means unknown.
	RatePerDay map[string]float64
	// Unmonitored names devices whose events nobody labeled: an open world. They
	// are not in training; in test, what an attack takes them for is a false
	// alarm. Event task only.
	Unmonitored []string
	// Vague says that an event's End is how late after Start it may have
	// happened, where elsewhere an event that lasts is a state.
	Vague bool
	// Split is the split to use unless the user names one.
	Split Split
	// Generated marks data made by a model: every table printed on it says so.
	Generated bool
	// Preset and Settings say how generated data was made, but for the seed: what
	// kind of homes ("home:small"), and every parameter with its value, those left at their
	// defaults too, sorted by key. Name already tells data apart, so no digest
	// takes them in; they are for tables over a parameter. "" and nil for
	// recordings.
	Preset   string
	Settings []Setting
	// Question names the task of one's own that made this data set of another, "" for
	// none; Name tells the two apart.
	Question string
	// Source cites where the data comes from, one line.
	Source string
	// Doubts are what the loader found that a result may not rest on; package
	// doubt finds more. Warnings are other things that it did or found odd, in
	// order, without duplicates.
	Doubts   []Doubt
	Warnings []string
	// LabelZone is the zone that label times without one were taken for, "" where
	// all of them say it themselves.
	LabelZone string
}

// Serves says whether ds can be asked for a task: one of its own, or whether a
// defense is on, which needs no label and only an hour of traffic.
func (ds *Dataset) Serves(t Task) bool {
	return slices.Contains(ds.Tasks, t) ||
		t == TaskDetect && slices.ContainsFunc(ds.Recordings, func(r Recording) bool { return r.Trace.End >= DetectItem })
}

// Setting is one parameter of generated data, such as "homes" and "5".
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// EventClass is the class of an event in scores: "device/activity".
func EventClass(device, activity string) string { return device + "/" + activity }

// Class is the event class of e under l.
func (l *Labels) Class(e Event) string {
	return EventClass(l.Devices[e.Device], e.Activity)
}

// ClipClass is the class of a whole recording: that of its first event, or ""
// if it has none and so cannot serve as a clip.
func (r *Recording) ClipClass() string {
	if len(r.Labels.Events) == 0 {
		return ""
	}
	return r.Labels.Class(r.Labels.Events[0])
}
