package home

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"veilbench/datasets"
)

// gatewayProfile is the model of a gateway's command messages: "Identification
// of IoT User Actions in Encrypted Traffic" (Junges, François, Festor 2019).
// |s| = content + sum of nb_i |a_i| + epsilon. The sizes are assumed and
// calibrated to the published scores.
type gatewayProfile struct {
	Plugs       int64         `yaml:"plugs"`
	Lamps       int64         `yaml:"lamps"`
	Content     int64         `yaml:"content_bytes"`
	Record      int64         `yaml:"record_bytes"`
	Actions     []actionBytes `yaml:"actions"`
	LongList    threshold     `yaml:"long_list"`
	LongMessage threshold     `yaml:"long_message"`
	Residual    length        `yaml:"residual"`
	ContinueP   float64       `yaml:"continue_p"`
	ACK         step          `yaml:"ack"`
	Report      step          `yaml:"report"`
	MissP       float64       `yaml:"miss_p"`
	ExtraP      float64       `yaml:"extra_p"`
	Known       int           `yaml:"known_commands"`
	Others      int           `yaml:"other_commands"`
	Repeats     int           `yaml:"repeats"`
}

// actionBytes is the size of an action in a message; Plug says whether plugs
// can do it beside lamps.
type actionBytes struct {
	Name  string `yaml:"name"`
	Bytes int64  `yaml:"bytes"`
	Plug  bool   `yaml:"plug"`
}

// threshold adds bytes from a value on.
type threshold struct {
	From int64 `yaml:"from"`
	Add  int64 `yaml:"add"`
}

// command is a multiset of actions: how often each occurs.
type command []int

func (c command) total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// label is the command as the truth has it.
func (g *gatewayProfile) label(c command) []datasets.ActionCount {
	var out []datasets.ActionCount
	for i, k := range c {
		if k > 0 {
			out = append(out, datasets.ActionCount{Action: g.Actions[i].Name, Count: k})
		}
	}
	slices.SortFunc(out, func(a, b datasets.ActionCount) int { return strings.Compare(a.Action, b.Action) })
	return out
}

// size is the plaintext length of the command's message.
func (g *gatewayProfile) size(c command, r *rand.Rand) int64 {
	n := g.Content
	for i, k := range c {
		n += int64(k) * g.Actions[i].Bytes
	}
	if n >= g.LongMessage.From {
		n += g.LongMessage.Add
	}
	if int64(c.total()) >= g.LongList.From {
		n += g.LongList.Add
	}
	return n + g.Residual.draw(r)
}

// with returns the model of a gateway with the given number of devices; 0 takes
// the published ones.
func (g *gatewayProfile) with(devices int) *gatewayProfile {
	out := *g
	if devices > 0 {
		out.Lamps = max(2, int64(devices)/4) // published: 4 of 16; two, so that two copies of each action can be sent
		out.Plugs = int64(devices) - out.Lamps
	}
	return &out
}

// sample draws a command: one action or more for as many different devices.
func (g *gatewayProfile) sample(r *rand.Rand) command {
	devices := int(g.Plugs + g.Lamps)
	n := 1
	for n < devices && chance(r, ppm(g.ContinueP)) {
		n++
	}
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

// sessionCommands are the commands of session number i of n: its share of the
// sampled ones, and one and two copies of each action, in random order.
func (g *gatewayProfile) sessionCommands(i, n int, r *rand.Rand) []command {
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
	total := g.Known + g.Others
	for range total*(i+1)/n - total*i/n {
		out = append(out, g.sample(r))
	}
	r.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	return out
}

// commandSession sends commands 20 to 60 s apart, until they or the recording
// end.
func (h *house) commandSession(d *device, session, sessions int) error {
	r := newRand(h.seed, h.name, "commands")
	at := int64(0)
	for _, c := range h.gateway.sessionCommands(session, sessions, r) {
		if at += between(r, 20*second, 60*second); at > h.end-20*second {
			break
		}
		if err := h.send(d, c, at, r); err != nil {
			return err
		}
	}
	return nil
}

// send plays one command: the message down, its acknowledgement, and a status
// report per action, a few of them lost or twice.
func (h *house) send(d *device, c command, at int64, r *rand.Rand) error {
	g, loss := h.gateway, d.lossPPM
	d.lossPPM = 0 // the sizes were calibrated without lost segments
	defer func() { d.lossPPM = loss }()
	t := time.Duration(at)
	h.commands = append(h.commands, datasets.Command{Time: t, Device: int(d.owner), Actions: g.label(c)})
	s := &script{r: r, cause: int32(len(h.events))}
	h.events = append(h.events, datasets.Event{Start: t, End: t, Device: int(d.owner), Activity: "command"})
	if err := d.play(s, at, nil); err != nil {
		return err
	}
	conn, err := s.connection("")
	if err != nil {
		return err
	}
	s.emit(conn, "S", conn.header()+g.Record+g.size(c, r), false)
	if err := s.step(&g.ACK); err != nil {
		return err
	}
	for range c.total() {
		copies := 1
		switch {
		case chance(r, ppm(g.MissP)):
			copies = 0
		case chance(r, ppm(g.ExtraP)):
			copies = 2
		}
		for range copies {
			if err := s.step(&g.Report); err != nil {
				return err
			}
		}
	}
	return nil
}

// sessionName numbers recordings from 1.
func sessionName(kind string, i int) string {
	n := strconv.Itoa(i + 1)
	if len(n) < 2 {
		n = "0" + n
	}
	return kind + "-" + n
}
