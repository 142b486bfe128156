package traffic

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// command is a multiset of actions: how often each of the gateway's occurs.
type command []int

func (c command) total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// actionCounts is the command as the truth has it: sorted by name, no zeros.
func actionCounts(g *profile.Gateway, c command) []datasets.ActionCount {
	var out []datasets.ActionCount
	for i, k := range c {
		if k > 0 {
			out = append(out, datasets.ActionCount{Action: g.Actions[i].Name, Count: k})
		}
	}
	slices.SortFunc(out, func(a, b datasets.ActionCount) int { return strings.Compare(a.Action, b.Action) })
	return out
}

// actionBytes is the sum of the actions' sizes.
func (c command) actionBytes(g *profile.Gateway) int64 {
	n := int64(0)
	for i, k := range c {
		n += int64(k) * g.Actions[i].Bytes
	}
	return n
}

// messageSize draws the plaintext length of the command's message.
func messageSize(g *profile.Gateway, c command, r *rand.Rand) int64 {
	n := g.Content + c.actionBytes(g)
	if n >= g.LongMessage.From {
		n += g.LongMessage.Add
	}
	if int64(c.total()) >= g.LongList.From {
		n += g.LongList.Add
	}
	return n + g.Residual.Draw(r)
}

// sampleCommand draws a command: one action or more for as many different
// devices.
func sampleCommand(g *profile.Gateway, r *rand.Rand) command {
	devices := int(g.Plugs + g.Lamps)
	n := 1
	for n < devices && draw.Chance(r, g.ContinueP) {
		n++
	}

	// Plugs are the first numbers. They draw again what only lamp holders do, so
	// all actions that a device can do are equally likely.
	c := make(command, len(g.Actions))
	for _, dev := range r.Perm(devices)[:n] {
		lamp := int64(dev) >= g.Plugs
		for {
			a := int(r.Int64N(int64(len(g.Actions))))
			if lamp || g.Actions[a].Plug {
				c[a]++
				break
			}
		}
	}
	return c
}

// sessionCommands draws the commands of session number i of n: its share of the
// sampled ones, and one and two copies of each action, in random order.
func sessionCommands(g *profile.Gateway, i, n int, r *rand.Rand) []command {
	var out []command
	for k := range g.Repeats {
		if k%n != i {
			continue
		}
		for a := range g.Actions {
			for copies := 1; copies <= 2; copies++ {
				c := make(command, len(g.Actions))
				c[a] = copies
				out = append(out, c)
			}
		}
	}

	// These shares differ by at most one and sum to the total over all sessions.
	total := g.Known + g.Others
	for range total*(i+1)/n - total*i/n {
		out = append(out, sampleCommand(g, r))
	}
	r.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	return out
}

// PlayCommands sends the commands of session number i of n to the gateway d, 20
// to 60 s apart, until they or the recording end.
func (h *Home) PlayCommands(d *Device, i, n int) {
	r := h.Rand("commands")
	at := int64(0)
	for _, c := range sessionCommands(h.Gateway, i, n, r) {
		if at += draw.Between(r, 20*second, 60*second); at > h.End-20*second {
			break
		}
		h.sendCommand(d, c, at, habitual, r)
	}
}

// sendCommand plays one command, an event of the given activity: the message down, its acknowledgement, and a status
// report per action, a few of them lost or twice.
func (h *Home) sendCommand(d *Device, c command, at int64, activity string, r *rand.Rand) {
	g, loss := h.Gateway, d.loss
	d.loss = 0 // the sizes were calibrated without lost segments
	defer func() { d.loss = loss }()

	// A command is an event too, so that its packets have a cause in the truth.
	t := time.Duration(at)
	h.commands = append(h.commands, datasets.Command{Time: t, Device: int(d.owner), Actions: actionCounts(g, c)})
	s := &Script{r: r, cause: int32(len(h.events))}
	h.events = append(h.events, datasets.Event{Start: t, End: t, Device: int(d.owner), Activity: activity})
	d.play(s, at, nil)

	conn := s.connection("")
	s.sendMessage(conn, "S", conn.Header()+g.Record+messageSize(g, c, r), false)
	s.playStep(&g.ACK)

	for range c.total() {
		copies := 1
		switch {
		case draw.Chance(r, g.MissP):
			copies = 0
		case draw.Chance(r, g.ExtraP):
			copies = 2
		}
		for range copies {
			s.playStep(&g.Report)
		}
	}
	h.sendFromApp(c, at)
}

// sendFromApp plays what made the cloud send a command at a time: the message of
// the user's app, where that is in this home. It has a generator of its own, so
// that the gateway's traffic is the same with an app in the home and without.
func (h *Home) sendFromApp(c command, at int64) {
	i := slices.IndexFunc(h.Devices, func(d *Device) bool { return d.Type == "app" })
	if i < 0 {
		return
	}
	if h.appDraws == nil {
		h.appDraws = h.Rand("app")
	}

	g, r, d := h.Gateway, h.appDraws, h.Devices[i]
	at -= g.App.Forward.Draw(r)
	if at < 0 {
		return // sent before the recording began
	}
	loss := d.loss
	d.loss = 0 // as of the gateway
	s := &Script{r: r, cause: -1}
	d.play(s, at, nil)
	conn := s.connection("")
	s.sendMessage(conn, "C", conn.Header()+g.Record+g.App.Content+c.actionBytes(g)+g.App.Residual.Draw(r), false)
	s.playStep(&g.App.ACK)
	d.loss = loss
}
