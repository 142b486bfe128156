package home

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"veilbench/datasets"
)

// script plays the steps of an event or a heartbeat of one device.
type script struct {
	d       *device
	r       *rand.Rand
	clock   int64 // where the figures put the last step
	last    int64 // when the last packet really left
	until   int64 // when the state the script shows ends, 0 for a point
	cause   int32
	channel string
	flow    string // where steps that name no flow go
	event   *eventProfile
	open    map[string]*conn // connections of this script alone
	prev    string           // direction of the last data step
	pulled  bool             // the extra ACK was drawn
}

// play runs the steps from time t on.
func (d *device) play(s *script, t int64, steps []step) error {
	s.d, s.clock, s.last, s.until, s.open = d, t, t, 0, map[string]*conn{}
	if s.flow == "" && len(d.Flows) > 0 {
		s.flow = d.Flows[0].ID
	}
	if s.event != nil {
		steps = s.vary(steps)
	}
	if err := s.steps(steps); err != nil {
		return fmt.Errorf("%s: %w", d.ID, err)
	}
	return nil
}

// vary returns the steps with at most one of the event's small changes.
func (s *script) vary(steps []step) []step {
	for _, v := range s.event.Variants {
		if v.Not == s.channel && v.Not != "" || !chance(s.r, ppm(v.P)) || v.At >= len(steps) {
			continue
		}
		out := slices.Clone(steps)
		switch v.Do {
		case "swap":
			out[v.At], out[v.At+1] = out[v.At+1], out[v.At]
		case "split":
			var parts []step
			for _, n := range v.L {
				part := steps[v.At]
				part.L.value = plain(n)
				parts = append(parts, part)
			}
			out = slices.Replace(out, v.At, v.At+1, parts...)
		case "merge":
			out[v.At].L.value, out[v.At].J = plain(v.L[0]), ""
			out = slices.Delete(out, v.At+1, v.At+2)
		case "repeat":
			out = slices.Insert(out, v.At+2, steps[v.At:v.At+2]...)
		}
		return out
	}
	return steps
}

func ppm(p float64) int64 { return int64(p*million + 0.5) }

func (s *script) steps(steps []step) error {
	for i := range steps {
		st := &steps[i]
		if st.Only != "" && st.Only != s.channel || st.P > 0 && !chance(s.r, ppm(st.P)) {
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
		return s.handshake(st.Handshake, st.Template)
	case st.Connect != "":
		return s.connect(st.Connect)
	case st.Close != "":
		return s.close(st.Close, true)
	case st.FIN != "":
		return s.close(st.FIN, false)
	case st.Extra:
		if fw := s.generation(); fw != nil {
			return s.steps(fw.Extra)
		}
	case st.Burst != nil:
		return s.burst(st.Burst)
	case st.Stream != nil:
		return s.stream(st.Stream)
	case st.D != "":
		return s.frame(st)
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
	if c := s.d.at(id, s.clock); c != nil {
		return c, nil
	}
	f, err := s.d.flowNamed(id)
	if err != nil {
		return nil, err
	}
	c := s.d.open(f)
	s.open[id] = c
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
		if chance(s.r, ppm(s.d.ExtraACK.P)) {
			s.put(c, datasets.Up, c.header(), 0, true)
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
	n := b.Count.draw(s.r)
	if s.event != nil && s.event.Scale > 0 {
		n = n * ppm(s.event.Scale) / million
	}
	every := max(b.ACKEvery, 1)
	if b.ACKEvery == 0 {
		every = 2
	}
	dir, back := direction(b.D), datasets.Up
	if dir == datasets.Up {
		back = datasets.Down
	}
	for i := range n {
		if i > 0 || s.prev != "" { // the first packet of an event is its trigger
			s.clock += s.gap(&b.G.value, c, b.D)
		}
		s.full(c, dir, s.d.shifted(c.ID, b.D, b.L.draw(s.r)), b.PureACK || b.ACKFrame > 0)
		if b.ACKFrame > 0 && (i+1)%every == 0 {
			s.put(c, back, b.ACKFrame, 0, true)
		}
	}
	s.prev = b.D
	return nil
}

// emit sends one message, cut at the path's longest frame.
func (s *script) emit(c *conn, dir string, size int64, acked bool) {
	h := c.header()
	limit := s.d.maxFrame - h
	for left := max(size-h, 0); ; {
		n := min(left, limit)
		s.put(c, direction(dir), h+n, n, acked)
		if left -= n; left <= 0 {
			return
		}
	}
}

// full sends one frame of a bulk transfer, as long as the path allows.
func (s *script) full(c *conn, dir datasets.Dir, size int64, acked bool) {
	h := c.header()
	size = max(min(size, s.d.maxFrame), h)
	s.put(c, dir, size, size-h, acked)
}

// put sends one frame with the jitter of the access network; but for a few,
// packets of a script do not overtake each other.
func (s *script) put(c *conn, dir datasets.Dir, size, payload int64, acked bool) {
	t := max(s.clock+accessJitter(s.r), s.last+between(s.r, 12_000, 60_000))
	s.last = t
	if chance(s.r, 500) { // one packet in two thousand is late and may be overtaken
		t += between(s.r, 1_000_000, 6_000_000)
	}
	p := packet{
		time: t, size: int32(size), payload: int32(payload), flow: c.flow,
		owner: s.d.owner, cause: s.cause, dir: dir, acked: acked || c.Proto == "udp",
	}
	s.d.home.add(p)
	if payload > 0 && !p.acked && chance(s.r, s.d.lossPPM) {
		p.time += retransmission(s.r)
		s.d.home.add(p)
	}
}

func (h *house) add(p packet) {
	p.seq = uint32(len(h.packets))
	h.packets = append(h.packets, p)
}

// accessJitter is the contention of the wireless link: median 0.8 ms, 4 ms at
// the 90th percentile (assumed).
func accessJitter(r *rand.Rand) int64 {
	return min(scaleExp2(800_000, normal(r)*118_734), 60_000_000)
}

// retransmission is the time until a lost segment is sent again: median 0.3 s,
// 1 s at the 90th percentile (cited).
func retransmission(r *rand.Rand) int64 {
	return min(scaleExp2(300_000_000, normal(r)*88_822), 5*second)
}

func direction(d string) datasets.Dir {
	if d == "S" {
		return datasets.Down
	}
	return datasets.Up
}
