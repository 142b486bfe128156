// Package traffic makes the packets of one home: devices with their flows, what
// they send in events and between, and the ACKs, delays and losses of the
// network. What happens when is decided by its callers.
//
// Read this file first: a Home is filled with devices, plays what happens, and
// turns into a recording. device.go says how devices of one model differ
// between homes, script.go how the steps of a profile become frames.
//
// Times are nanoseconds since the recording's start, sizes are those of
// Ethernet frames without check sequence.
package traffic

import (
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// Units of time.
const (
	microsecond = int64(time.Microsecond)
	millisecond = int64(time.Millisecond)
	second      = int64(time.Second)
	hour        = int64(time.Hour)
)

// Home is one home while it is being generated. The exported fields but Devices
// are set before the first device is added. Every draw depends on Seed, Name
// and what it is for, so homes can be made in any order.
type Home struct {
	Seed uint64
	Name string
	// Profile is shared between homes, Gateway is this home's.
	Profile *profile.Profile
	Gateway *profile.Gateway
	// Era is the generation of devices that have several, "" for any.
	Era string
	// RouterDNS says that the home's router answers look-ups.
	RouterDNS bool
	// LongestStream is the time after which somebody stops a stream, 0 never.
	LongestStream int64
	// Start is the time of day, after the midnight of a Monday, at which the
	// recording starts.
	Start int64
	// StreamFor is how long every stream is, 0 as long as the profile says.
	StreamFor int64
	// Queries says that the flow of a look-up has the name that it asks for.
	Queries bool
	// End is when the recording ends; what would leave later is cut off.
	End int64
	// Thin leaves out what makes long recordings large.
	Thin Thinning
	// Stays are who is home when, for the truth; nil where nobody lives.
	Stays []datasets.Stay
	// Devices are those added so far, in order.
	Devices []*Device

	flows    []datasets.Flow
	index    map[datasets.Flow]int32 // into flows
	rtts     []int64                 // round trip time of each flow
	packets  []packet
	events   []datasets.Event
	commands []datasets.Command
	appDraws *rand.Rand // of the app that sends commands, nil before the first
}

// Thinning leaves packets out of recordings of many days. Events are drawn as
// without it, so what happens when stays what it was, and so do the packets of
// events but for streams. The zero Thinning leaves out nothing.
type Thinning struct {
	// Beat is how rare a heartbeat, look-up or clock is at least: of one that
	// is more frequent, every second, third, ... is played, the first at which
	// they are this far apart.
	Beat int64
	// Stream is how much of a stream is recorded; the state it shows lasts as
	// long as ever.
	Stream int64
}

// packet is a generated packet with its truth.
type packet struct {
	time          int64
	size, payload int32
	flow          int32  // index into Home.flows
	cause         int32  // index into Home.events, -1 none
	seq           uint32 // order of making, for packets of equal time
	owner         int16  // index into Home.Devices
	dir           datasets.Dir
	acked         bool // calls for no further ACK: listed set-up, pure ACK, UDP
}

func (h *Home) addPacket(p packet) {
	p.seq = uint32(len(h.packets))
	h.packets = append(h.packets, p)
}

// Rand returns a generator for one purpose in this home.
func (h *Home) Rand(purpose ...string) *rand.Rand {
	return draw.New(h.Seed, append([]string{h.Name}, purpose...)...)
}

// Trigger is an event that is to happen to a device of the home.
type Trigger struct {
	At     int64
	Device *Device
	Event  *profile.Event
}

// Play plays the triggers, which are in order of time. A device that is still
// busy with an event, such as a camera that is watched, does not react; its
// trigger leaves neither packets nor truth. Gateways draw a command for each.
func (h *Home) Play(list []Trigger) {
	rngs := map[*Device]*rand.Rand{}
	for _, t := range list {
		d := t.Device
		r := rngs[d]
		if r == nil {
			r = d.Rand("events")
			rngs[d] = r
		}
		switch {
		case t.At < d.busy:
		case d.Type == "gateway":
			h.sendCommand(d, sampleCommand(h.Gateway, r), t.At, habitual, r)
		default:
			h.playEvent(t, r)
		}
	}
}

// playEvent plays one event and what it brings with it.
func (h *Home) playEvent(t Trigger, r *rand.Rand) {
	d := t.Device
	s := &Script{r: r, cause: int32(len(h.events)), channel: d.channels[t.Event.Name].Draw(r), event: t.Event}

	// The packets name the event by its index, so its place is taken now; how
	// long it lasted shows only when it has been played.
	h.events = append(h.events, datasets.Event{})
	d.play(s, t.At, t.Event.StepsFor(s.channel, d.generation))
	d.busy = s.Last
	h.events[s.cause] = datasets.Event{
		Start: time.Duration(t.At), End: time.Duration(min(max(s.until, t.At), h.End)),
		Device: int(d.owner), Activity: t.Event.Name,
	}

	if up := t.Event.FollowUp; up.P > 0 && draw.Chance(r, up.P) {
		d.bringForward(up.Ref, s)
	}
	d.pollApp(s.channel, t.At, r)
}

// bringForward plays a periodic upload right after an event, as its effect.
func (d *Device) bringForward(id string, event *Script) {
	for i := range d.Periodic {
		if p := &d.Periodic[i]; p.ID == id {
			next := &Script{r: event.r, cause: event.cause, flow: p.Flow}
			d.play(next, event.Last+draw.Between(event.r, 200*millisecond, 2*second), p.Steps)
		}
	}
}

// pollApp plays the polling of the app through which an event at time t was
// triggered, if it was one: it was opened 2 to 8 s before, so the polls have no
// cause in the truth.
func (d *Device) pollApp(channel string, t int64, r *rand.Rand) {
	var p *profile.Periodic
	switch channel {
	case "wan_app":
		p = d.Poll
	case "lan_app":
		p = d.LANPoll
	}
	if p == nil {
		return
	}

	// The app may have been opened before the recording.
	at := t - draw.Between(r, 2*second, 8*second)
	for range p.Count.Draw(r) {
		if at >= 0 {
			d.play(&Script{r: r, cause: -1, flow: p.Flow}, at, p.Steps)
		}
		at += p.Period.Draw(r)
	}
}
