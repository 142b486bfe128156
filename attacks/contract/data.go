package contract

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// data is a task made so that every class has sizes, counts and volumes of
// its own.
type data struct {
	training attacks.Training
	test     []attacks.Labeled
	chance   float64 // expected score when the labels mean nothing
}

// groups is how many homes train.
const groups = 3

var devices = [...]string{"bulb", "camera", "plug"}

// makeData makes training and test examples of a task, the same each time. With
// shuffled set the labels have nothing to do with the traffic.
func makeData(task datasets.Task, shuffled bool) data {
	rng := rand.New(rand.NewPCG(11, 7))
	d := data{training: attacks.Training{Task: task}}
	switch task {
	case datasets.TaskClip:
		d.clips(rng, shuffled)
	case datasets.TaskCommand:
		d.gateway(rng, shuffled)
	case datasets.TaskRoutine:
		d.routines(rng, shuffled)
	case datasets.TaskDetect:
		d.hours(rng, shuffled)
	default:
		d.homes(rng, shuffled)
	}
	slices.Sort(d.training.Classes)
	return d
}

// home is a trace in the making.
type home struct {
	recs   []record
	flows  []datasets.Flow
	labels datasets.Labels
}

// record is a packet with the device that owns it.
type record struct {
	p     datasets.Packet
	owner int32
}

// newHome is a home without traffic: one flow a device, with the addresses that
// every home has, and ports that are its own.
func newHome(number int) *home {
	h := &home{labels: datasets.Labels{Devices: slices.Clone(devices[:])}}
	for i, name := range devices {
		h.flows = append(h.flows, datasets.Flow{
			Proto:  6,
			Local:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 0, byte(10 + i)}), uint16(40000+100*number+i)),
			Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + i)}), uint16(443+1000*i)),
			Host:   name + ".example.net",
			MAC:    datasets.MAC{2, 0, 0, 0, 0, byte(i + 1)},
		})
	}
	return h
}

// send adds a packet: payload behind 54 bytes of Ethernet, IPv4 and TCP headers.
func (h *home) send(at time.Duration, device int, dir datasets.Dir, payload int32) {
	h.recs = append(h.recs, record{
		datasets.Packet{Time: at, Size: payload + 54, Payload: payload, Flow: int32(device), Dir: dir}, int32(device),
	})
}

// exchange is rounds of request and reply, and the ACK that ends them.
func (h *home) exchange(at time.Duration, device int, request, reply int32, rounds int) {
	for range rounds {
		h.send(at, device, datasets.Up, request)
		h.send(at+10*time.Millisecond, device, datasets.Down, reply)
		at += 20 * time.Millisecond
	}
	h.send(at, device, datasets.Up, 0)
}

// trace is what was sent, in order of time, up to end, with its labels.
func (h *home) trace(end time.Duration) (datasets.Trace, datasets.Labels) {
	slices.SortStableFunc(h.recs, func(a, b record) int { return cmp.Compare(a.p.Time, b.p.Time) })
	t := datasets.Trace{Start: time.Unix(1_700_000_000, 0).UTC(), Flows: h.flows, End: end}
	l := h.labels
	l.Owners, t.Packets = nil, nil
	for _, r := range h.recs {
		t.Packets = append(t.Packets, r.p)
		l.Owners = append(l.Owners, r.owner)
	}
	slices.SortFunc(l.Events, func(a, b datasets.Event) int { return cmp.Compare(a.Start, b.Start) })
	return t, l
}

// activities are the event classes of the made homes: request, reply, rounds.
var activities = [...]struct {
	device         int
	name           string
	request, reply int32
	rounds         int
}{
	{0, "off", 211, 407, 1},
	{0, "on", 223, 1011, 4},
	{2, "off", 611, 131, 2},
	{2, "on", 733, 817, 8},
}

// homes makes the data of the event and device tasks: homes that train and two
// more that test.
func (d *data) homes(rng *rand.Rand, shuffled bool) {
	if d.training.Task == datasets.TaskDevice {
		d.training.Classes = slices.Clone(devices[:])
		d.chance = 1. / 3
	} else {
		for _, a := range activities {
			d.training.Classes = append(d.training.Classes, datasets.EventClass(devices[a.device], a.name))
		}
		// Detections at random: about 40 events a home, each within 5 s of its
		// class in 10 s of the 600 s between events of one class.
		d.chance = 0.1
	}
	for g := range groups + 2 {
		e := d.oneHome(rng, g, shuffled)
		if g < groups {
			d.training.Examples = append(d.training.Examples, e)
		} else {
			d.test = append(d.test, e)
		}
	}
}

// oneHome has 40 events about a minute apart and a heartbeat of every device.
func (d *data) oneHome(rng *rand.Rand, number int, shuffled bool) attacks.Labeled {
	h := newHome(number)
	var end time.Duration
	for i := range 40 {
		// i/4 keeps an activity from coming every four minutes, which guess-clock
		// would find.
		a := activities[(i+i/4)%len(activities)]
		at := time.Duration(i)*time.Minute + 10*time.Second + time.Duration(rng.Int64N(int64(20*time.Second)))
		end = at + time.Minute
		h.exchange(at, a.device, a.request, a.reply, a.rounds)
		h.labels.Events = append(h.labels.Events, datasets.Event{Start: at, End: at, Device: a.device, Activity: a.name})
	}
	for i := range devices {
		for at := time.Duration(i+1) * time.Second; at < end; at += 17 * time.Second {
			h.exchange(at, i, int32(31+8*i), int32(47+8*i), 1)
		}
	}

	// Shuffled labels lie at any time: at the times of the traffic they would
	// still tell when something happens.
	if shuffled {
		for i := range h.labels.Events {
			e := &h.labels.Events[i]
			a := activities[rng.IntN(len(activities))]
			e.Start = time.Duration(rng.Int64N(int64(end)))
			e.End, e.Device, e.Activity = e.Start, a.device, a.name
		}
	}
	e := attacks.Labeled{Group: fmt.Sprintf("home%d", number)}
	e.Trace, e.Labels = h.trace(end)
	if shuffled {
		for i := range e.Labels.Owners {
			e.Labels.Owners[i] = int32(rng.IntN(len(devices)))
		}
	}
	return e
}

// clips makes ten clips of each of four activities in each of three sessions,
// and ten of each for the test.
func (d *data) clips(rng *rand.Rand, shuffled bool) {
	d.chance = 1. / float64(len(activities))
	for _, a := range activities {
		d.training.Classes = append(d.training.Classes, datasets.EventClass(devices[a.device], a.name))
	}
	for g := range groups + 1 {
		for i := range 10 * len(activities) {
			a := activities[i%len(activities)]
			h := newHome(g)
			h.exchange(time.Duration(rng.Int64N(int64(time.Second))), a.device, a.request, a.reply, a.rounds)
			said := a
			if shuffled {
				said = activities[rng.IntN(len(activities))]
			}

			// The trace is that of a, the label that of said; all clips are of one
			// length, so that only packets tell them apart.
			h.labels.Events = []datasets.Event{{Device: said.device, Activity: said.name}}
			e := attacks.Labeled{Group: fmt.Sprintf("session%d", g), Class: datasets.EventClass(devices[said.device], said.name)}
			e.Trace, e.Labels = h.trace(10 * time.Second)
			if g < groups {
				d.training.Examples = append(d.training.Examples, e)
			} else {
				d.test = append(d.test, e)
			}
		}
	}
}

// hours makes ten hours without and ten with a defense for each of three homes and
// for one more to test on: it sends a dummy packet of one size every seven seconds or
// so.
func (d *data) hours(rng *rand.Rand, shuffled bool) {
	d.chance = 0.5
	d.training.Classes = []string{"off", "on"}
	for g := range groups + 1 {
		for i := range 20 {
			h := newHome(g)
			for range 40 {
				a := activities[rng.IntN(len(activities))]
				h.exchange(time.Duration(rng.Int64N(int64(59*time.Minute))), a.device, a.request, a.reply, a.rounds)
			}
			on := i % 2
			for at := 7 * time.Second; on == 1 && at < time.Hour; at += 6*time.Second + time.Duration(rng.Int64N(int64(2*time.Second))) {
				h.send(at, 0, datasets.Dir(rng.IntN(2)), 700)
			}

			// The traffic stays, the label is a coin's.
			if shuffled {
				on = rng.IntN(2)
			}

			e := attacks.Labeled{Group: fmt.Sprintf("home%d", g), Class: d.training.Classes[on]}
			e.Trace, e.Labels = h.trace(time.Hour)
			if g < groups {
				d.training.Examples = append(d.training.Examples, e)
			} else {
				d.test = append(d.test, e)
			}
		}
	}
}

// actionBytes are sizes whose small sums are all different.
var actionBytes = [...]struct {
	name  string
	bytes int32
}{{"dim", 61}, {"off", 149}, {"on", 370}}

// headerBytes is what a command has beside its actions.
const headerBytes = 120

// gateway makes one session per group: each action once and twice, five times
// over, then thirty commands of up to three different actions.
func (d *data) gateway(rng *rand.Rand, shuffled bool) {
	for _, a := range actionBytes {
		d.training.Classes = append(d.training.Classes, a.name)
	}
	d.chance = 0.2
	for g := range groups + 1 {
		e := session(rng, g, shuffled)
		if g < groups {
			d.training.Examples = append(d.training.Examples, e)
		} else {
			d.test = append(d.test, e)
		}
	}
}

// session is one example of the command task: commands half a minute apart, and
// a status report for each action of each.
func session(rng *rand.Rand, number int, shuffled bool) attacks.Labeled {
	// Once and twice each, so that sizes can be learned the published way.
	var all [][3]int
	for range 5 {
		for i := range actionBytes {
			for n := 1; n <= 2; n++ {
				var c [3]int
				c[i] = n
				all = append(all, c)
			}
		}
	}
	for range 30 {
		c := [3]int{rng.IntN(3), rng.IntN(3), rng.IntN(3)}
		c[rng.IntN(3)]++ // no empty command
		all = append(all, c)
	}

	h := newHome(number)
	for i, counts := range all {
		at := time.Duration(i)*30*time.Second + 5*time.Second
		size := int32(headerBytes)
		c := datasets.Command{Time: at}
		for j, n := range counts {
			size += int32(n) * actionBytes[j].bytes
			if n > 0 {
				c.Actions = append(c.Actions, datasets.ActionCount{Action: actionBytes[j].name, Count: n})
			}
		}
		h.message(at, size)
		for j, n := range counts {
			for k := range n {
				h.send(at+time.Duration(300+40*j+10*k)*time.Millisecond, 0, datasets.Up, 90)
			}
		}
		h.labels.Commands = append(h.labels.Commands, c)
	}

	// Actions are exchanged among commands: the times stay, the sizes lie.
	if shuffled {
		rng.Shuffle(len(all), func(i, j int) {
			c := h.labels.Commands
			c[i].Actions, c[j].Actions = c[j].Actions, c[i].Actions
		})
	}
	e := attacks.Labeled{Group: fmt.Sprintf("session%d", number)}
	e.Trace, e.Labels = h.trace(time.Duration(len(all)+1) * 30 * time.Second)
	return e
}

// message is application data from the cloud in frames of at most 1514 bytes,
// and the ACK of each.
func (h *home) message(at time.Duration, size int32) {
	for size > 0 {
		n := min(size, 1460)
		h.send(at, 0, datasets.Down, n)
		h.send(at+time.Millisecond, 0, datasets.Up, 0)
		size -= n
		at += 2 * time.Millisecond
	}
}

// renumber returns the examples with hosts, addresses and hardware addresses
// that occur nowhere in training.
func renumber(examples []attacks.Labeled) []attacks.Labeled {
	out := slices.Clone(examples)
	for i := range out {
		flows := slices.Clone(out[i].Trace.Flows)
		for j := range flows {
			flows[j].Local = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 8, byte(7 + j)}), 51000+uint16(j))
			flows[j].Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(7 + j)}), flows[j].Remote.Port())
			flows[j].Host = ""
			flows[j].MAC = datasets.MAC{2, 9, 9, 9, 9, byte(j)}
		}
		out[i].Trace.Flows = flows
	}
	return out
}
