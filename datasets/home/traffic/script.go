package traffic

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// Script plays the steps of an event, a heartbeat or a conversation of one
// device. It has a clock of its own: each step moves it on and puts frames on
// the wire, a little later than the clock says, as networks do.
type Script struct {
	// Clock is where the figures put the last step.
	Clock int64
	// Last is when the last packet really left.
	Last int64

	device   *Device
	r        *rand.Rand
	until    int64  // when the state the script shows ends, 0 for a point
	mute     int64  // from when on packets are left out, 0 never
	cause    int32  // index into Home.events, -1 none
	channel  string // through which the event was triggered
	flow     string // where steps that name no flow go
	event    *profile.Event
	conns    map[string]*Conn // those of this script alone, by flow
	prev     string           // direction of the last data step
	ackDrawn bool             // whether to send an extra ACK was drawn
}

// Begin returns a script of the device that starts at time t, draws from r and
// belongs to no event.
func (d *Device) Begin(r *rand.Rand, t int64) *Script {
	s := &Script{r: r, cause: -1}
	s.start(d, t)
	return s
}

func (s *Script) start(d *Device, t int64) {
	s.device, s.Clock, s.Last, s.until, s.conns = d, t, t, 0, map[string]*Conn{}
}

// WaitAfterLast moves the clock to the given time after the last packet, if
// frames have queued behind the clock, else after the clock.
func (s *Script) WaitAfterLast(wait int64) { s.Clock = max(s.Clock, s.Last) + wait }

// play runs the steps from time t on.
func (d *Device) play(s *Script, t int64, steps []profile.Step) {
	s.start(d, t)
	if s.flow == "" && len(d.Flows) > 0 {
		s.flow = d.Flows[0].ID
	}
	if s.event != nil {
		steps = s.vary(steps)
	}
	s.playSteps(steps)
}

// vary returns the steps with at most one of the event's small changes; steps
// itself, which is the profile's, stays as it is.
func (s *Script) vary(steps []profile.Step) []profile.Step {
	for _, v := range s.event.Variants {
		if v.Not == s.channel && v.Not != "" || !draw.Chance(s.r, v.P) || v.At >= len(steps) {
			continue
		}

		out := slices.Clone(steps)
		switch v.Do {
		case "swap":
			out[v.At], out[v.At+1] = out[v.At+1], out[v.At]
		case "split":
			// Both parts keep the gap of the whole.
			var parts []profile.Step
			for _, n := range v.L {
				part := steps[v.At]
				part.L.Value = draw.Fixed(n)
				parts = append(parts, part)
			}
			out = slices.Replace(out, v.At, v.At+1, parts...)
		case "merge":
			out[v.At].L.Value, out[v.At].J = draw.Fixed(v.L[0]), ""
			out = slices.Delete(out, v.At+1, v.At+2)
		case "repeat":
			out = slices.Insert(out, v.At+2, steps[v.At:v.At+2]...)
		}
		return out
	}
	return steps
}

func (s *Script) playSteps(steps []profile.Step) {
	for i := range steps {
		st := &steps[i]
		if st.Only != "" && st.Only != s.channel || st.P > 0 && !draw.Chance(s.r, st.P) {
			continue
		}
		s.playStep(st)
	}
}

// playStep does what the one field that is set in the step says.
func (s *Script) playStep(st *profile.Step) {
	switch {
	case st.Wait != nil:
		s.Clock += st.Wait.Draw(s.r)
	case st.DNS != "":
		s.LookUp(st.DNS)
	case st.Handshake != "":
		s.openTLS(st.Handshake, st.Template)
	case st.Connect != "":
		s.OpenTCP(s.openFlow(st.Connect))
	case st.Close != "":
		s.closeFlow(st.Close, true)
	case st.FIN != "":
		s.closeFlow(st.FIN, false)
	case st.Burst != nil:
		s.playBurst(st.Burst)
	case st.Stream != nil:
		s.playStream(st.Stream)
	case st.D != "":
		s.playMessage(st)

	// What is extra is known of published firmware alone.
	case st.Extra && s.published() != nil:
		s.playSteps(s.published().Extra)
	}
}

// published is the published firmware of the event's device, nil if there is
// only one.
func (s *Script) published() *profile.Firmware {
	if s.event == nil || len(s.event.Firmware) == 0 {
		return nil
	}
	return &s.event.Firmware[s.device.firmware%len(s.event.Firmware)]
}

// connection returns the connection that steps of the flow use: the script's
// own if it opened one, else the device's lasting one, else a new one.
func (s *Script) connection(id string) *Conn {
	id = cmp.Or(id, s.flow)
	if c := s.conns[id]; c != nil {
		return c
	}
	if c := s.device.lastingAt(id, s.Clock); c != nil {
		return c
	}
	return s.openFlow(id)
}

// playMessage plays a step that is one message.
func (s *Script) playMessage(st *profile.Step) {
	c, l := s.connection(st.Flow), st.L.Value
	switch st.L.Name {
	case "req":
		l = s.published().Req.Value
	case "resp":
		l = s.published().Resp.Value
	}
	n := s.device.shifted(c.ID, st.D, l.Draw(s.r))
	if st.J == "digit" {
		n += s.digitDrift(c)
	}
	s.Clock += s.drawGap(&st.G, c, st.D)

	// Some devices acknowledge a command before they answer it, instead of
	// letting the answer carry the ACK: drawn once an event, at its first
	// answer.
	if !s.ackDrawn && s.event != nil && s.prev == "S" && st.D == "C" && s.device.ExtraACK.P > 0 {
		s.ackDrawn = true
		if draw.Chance(s.r, s.device.ExtraACK.P) {
			s.sendFrame(c, datasets.Up, c.Header(), 0, true)
		}
	}

	s.sendMessage(c, st.D, n, st.PureACK)
	s.prev = st.D
}

// drawGap draws the time since the last step. Replies measured in one laboratory
// are moved by the difference between its server's distance and this home's;
// gaps below 20 ms are no round trips.
func (s *Script) drawGap(g *profile.Span, c *Conn, dir string) int64 {
	if g.RTT {
		return c.RTT * draw.Between(s.r, 970, 1080) / 1000
	}
	n := g.Draw(s.r)
	if dir == "S" && s.prev == "C" && g.Median() >= 20*millisecond {
		if class, ok := s.device.Home.Profile.RTT[c.Flow.RTT]; ok {
			n = max(n+c.RTT-class.Median(), c.RTT)
		}
	}
	return n
}

// digitDrift is how many digits more or less a number inside a message has: it
// moves slowly, so it is drawn once an hour for each connection.
func (s *Script) digitDrift(c *Conn) int64 {
	n := draw.Hash("digit", s.device.Home.Name, s.device.ID, c.ID, string([]byte{byte(s.Clock / hour)})) % 100
	switch {
	case n < 90:
		return 0
	case n < 97:
		return 1
	}
	return -1
}
