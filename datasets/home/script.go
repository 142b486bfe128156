package home

import (
	"fmt"
	"math/rand/v2"

	"veilbench/datasets"
)

// script plays the steps of an event or a heartbeat of one device.
type script struct {
	d       *device
	r       *rand.Rand
	clock   int64 // where the figures put the last step
	last    int64 // when the last packet really left
	cause   int32
	channel string
	flow    string // where steps that name no flow go
	event   *eventProfile
	open    map[string]*conn // connections of this script alone
	prev    string           // direction of the last data step
	pulled  bool             // the extra ACK was sent
}

// play runs the steps from time t on and returns the time of the last packet.
func (d *device) play(s script, t int64, steps []step) (int64, error) {
	s.d, s.clock, s.last, s.open = d, t, t, map[string]*conn{}
	if s.flow == "" && len(d.Flows) > 0 {
		s.flow = d.Flows[0].ID
	}
	if err := s.steps(steps); err != nil {
		return 0, fmt.Errorf("%s: %w", d.ID, err)
	}
	return s.last, nil
}

func (s *script) steps(steps []step) error {
	var cut *variant
	if s.event != nil {
		for i := range s.event.Variants {
			if v := &s.event.Variants[i]; cut == nil && chance(s.r, int64(v.P*million+0.5)) {
				cut = v
			}
		}
	}
	for i := range steps {
		st := &steps[i]
		if st.Only != "" && st.Only != s.channel || st.P > 0 && !chance(s.r, int64(st.P*million+0.5)) {
			continue
		}
		if cut != nil && cut.Split == i {
			for _, n := range cut.Into {
				piece := *st
				piece.L.value = plain(n)
				if err := s.step(&piece); err != nil {
					return err
				}
			}
			continue
		}
		if err := s.step(st); err != nil {
			return err
		}
	}
	return nil
}

func (s *script) step(st *step) error {
	switch {
	case st.Wait != nil:
		s.clock += st.Wait.draw(s.r)
	case st.DNS != "":
		s.lookup(st.DNS)
	case st.Handshake != "":
		return s.handshake(st.Handshake)
	case st.Close != "":
		return s.close(st.Close)
	case st.Extra:
		if fw := s.generation(); fw != nil {
			return s.steps2(fw.Extra)
		}
	case st.Burst != nil:
		return s.burst(st.Burst)
	case st.D != "":
		return s.frame(st)
	}
	return nil
}

func (s *script) steps2(steps []step) error {
	for i := range steps {
		if err := s.step(&steps[i]); err != nil {
			return err
		}
	}
	return nil
}

// generation is the published firmware of the event's device, nil if there is
// only one.
func (s *script) generation() *variantFirmware {
	if s.event == nil || len(s.event.Firmware) == 0 {
		return nil
	}
	return &s.event.Firmware[s.d.firmware%len(s.event.Firmware)]
}

// connection returns the connection that steps of the flow use: the script's
// own if it opened one, else the device's lasting one.
func (s *script) connection(id string) (*conn, error) {
	if id == "" {
		id = s.flow
	}
	if c := s.open[id]; c != nil {
		return c, nil
	}
	c := s.d.conns[id]
	if c != nil {
		return c, nil
	}
	c, err := s.d.open(id, false)
	if err != nil {
		return nil, err
	}
	c.ts = s.d.timestamps(c.flowProfile)
	if c.Mode == "per_event" {
		s.open[id] = c
	} else {
		s.d.conns[id] = c
	}
	return c, nil
}

func (s *script) frame(st *step) error {
	c, err := s.connection(st.Flow)
	if err != nil {
		return err
	}
	l := &st.L.value
	if l.form == named {
		if l = s.named(l.name); l == nil {
			return fmt.Errorf("length %q is not defined", st.L.name)
		}
	}
	n := s.d.shifted(c.ID, st.D, l.draw(s.r))
	if st.J == "digit" {
		n += s.digit(c)
	}
	s.clock += s.gap(&st.G.value, c, st.D)
	if !s.pulled && s.event != nil && s.prev == "S" && st.D == "C" && s.d.ExtraACK.P > 0 {
		s.pulled = true
		if chance(s.r, int64(s.d.ExtraACK.P*million+0.5)) {
			s.emit(c, "C", c.header(), true)
		}
	}
	s.emit(c, st.D, n, st.PureACK)
	s.prev = st.D
	return nil
}

func (s *script) named(name string) *value {
	fw := s.generation()
	switch {
	case fw == nil:
		return nil
	case name == "req":
		return &fw.Req.value
	case name == "resp":
		return &fw.Resp.value
	}
	return nil
}

// gap draws the time since the last step. Replies measured in one laboratory
// are moved by the difference between its server's distance and this home's.
func (s *script) gap(g *value, c *conn, dir string) int64 {
	if g.form == rtt {
		return c.rtt * between(s.r, 970, 1080) / 1000
	}
	n := g.draw(s.r)
	if dir == "S" && s.prev == "C" && g.form == lognorm && g.med >= 20_000_000 {
		if class, ok := s.d.home.profile.RTT[c.RTT]; ok {
			n = max(n+c.rtt-class.med, c.rtt)
		}
	}
	return n
}

// digit is the drift of a decimal number inside a message: it moves slowly, so
// it is drawn once an hour for each connection.
func (s *script) digit(c *conn) int64 {
	hour := byte(s.clock / (3600 * second))
	n := hash("digit", s.d.home.name, s.d.ID, c.ID, string([]byte{hour})) % 100
	switch {
	case n < 90:
		return 0
	case n < 97:
		return 1
	}
	return -1
}

func (s *script) burst(b *burst) error {
	c, err := s.connection(b.Flow)
	if err != nil {
		return err
	}
	for range b.Count.draw(s.r) {
		s.clock += s.gap(&b.G.value, c, b.D)
		s.emit(c, b.D, s.d.shifted(c.ID, b.D, b.L.draw(s.r)), b.PureACK)
	}
	s.prev = b.D
	return nil
}

// emit sends one frame, cut at the path's longest frame, with the jitter of
// the access network; packets of a script never overtake each other.
func (s *script) emit(c *conn, dir string, size int64, pure bool) {
	h := c.header()
	limit := s.d.maxFrame - h
	for left := max(size-h, 0); ; {
		n := min(left, limit)
		s.put(c, dir, h+n, n, pure || c.Proto == "udp")
		if left -= n; left <= 0 {
			return
		}
	}
}

func (s *script) put(c *conn, dir string, size, payload int64, acked bool) {
	t := max(s.clock+accessJitter(s.r), s.last+between(s.r, 12_000, 60_000))
	s.last = t
	p := packet{time: t, size: int32(size), payload: int32(payload), flow: c.flow,
		owner: s.d.owner, cause: s.cause, dir: direction(dir), acked: acked}
	s.d.home.packets = append(s.d.home.packets, p)
	if payload > 0 && !acked && chance(s.r, s.d.lossPPM) {
		p.time += retransmission(s.r)
		s.d.home.packets = append(s.d.home.packets, p)
	}
}

// accessJitter is the contention of the wireless link: median 0.8 ms, 4 ms at
// the 90th percentile (assumed).
func accessJitter(r *rand.Rand) int64 {
	return min(scaleExp2(800_000, normal(r)*118_738), 60_000_000)
}

// retransmission is the time until a lost segment is sent again: median 0.3 s,
// 1 s at the 90th percentile (cited).
func retransmission(r *rand.Rand) int64 {
	return min(scaleExp2(300_000_000, normal(r)*88_821), 5*second)
}

func direction(d string) datasets.Dir {
	if d == "S" {
		return datasets.Down
	}
	return datasets.Up
}

// handshake opens a per-event connection with its template.
func (s *script) handshake(id string) error {
	c, err := s.d.open(id, false)
	if err != nil {
		return err
	}
	name := c.Handshake
	if fw := s.generation(); fw != nil && fw.Handshake != "" {
		name = fw.Handshake
	}
	t := s.d.home.profile.Handshakes[name]
	if t == nil {
		return fmt.Errorf("flow %s has no handshake", id)
	}
	c.ts = t.TS
	s.open[id] = c
	for i := range t.Steps {
		st := &t.Steps[i]
		s.clock += s.gap(&st.G.value, c, st.D)
		n := st.L.draw(s.r)
		switch {
		case i < 2: // SYN and its answer carry options, no payload
			s.put(c, st.D, n, 0, true)
			continue
		case n > c.header() && n < 1388:
			n = max(n+s.d.handshakeShift(i), c.header()+7)
		}
		s.emit(c, st.D, n, true)
	}
	s.prev = "S"
	return nil
}

// close ends a connection: close_notify of 31 bytes, FIN both ways, ACKs.
func (s *script) close(id string) error {
	c, err := s.connection(id)
	if err != nil {
		return err
	}
	h := c.header()
	s.clock += between(s.r, 500_000, 4_000_000)
	s.emit(c, "C", h+31, true)
	s.clock += between(s.r, 100_000, 1_000_000)
	s.put(c, "C", h, 0, true)
	s.clock += c.rtt
	s.put(c, "S", h, 0, true)
	s.put(c, "S", h, 0, true)
	s.clock += between(s.r, 500_000, 3_000_000)
	s.put(c, "C", h, 0, true)
	delete(s.open, id)
	return nil
}

// lookup resolves a name at the access provider's resolver.
func (s *script) lookup(name string) {
	flow := s.d.newFlow("udp", resolver(), 53, "", false)
	c := &conn{flowProfile: &flowProfile{Proto: "udp"}, flow: flow}
	query := 60 + int64(len(name))
	sizes := value{form: choice, total: 100, choices: []weighted{{138, 25}, {145, 15}, {161, 20}, {173, 15}, {209, 15}, {221, 10}}}
	answer := max(sizes.draw(newRand(0, "dns", name)), query+16)
	s.clock += between(s.r, 200_000, 2_000_000)
	s.emit(c, "C", query, true)
	s.clock += min(scaleExp2(10_000_000, normal(s.r)*125_752), 2*second)
	s.emit(c, "S", answer, true)
	s.prev = "S"
}

// askTime is one exchange with a time server.
func (s *script) askTime(host string) {
	flow := s.d.newFlow("udp", serverAddress(host), 123, host, false)
	c := &conn{flowProfile: &flowProfile{Proto: "udp"}, flow: flow}
	s.emit(c, "C", 90, true)
	s.clock += min(scaleExp2(30_000_000, normal(s.r)*51_137), second)
	s.emit(c, "S", 90, true)
}
