package home

import (
	"fmt"
	"strings"

	"veilbench/datasets"
)

// handshake opens a per-event connection with the template of the event's
// step, of the firmware or of the flow.
func (s *script) handshake(id, template string) error {
	f, err := s.d.flowNamed(id)
	if err != nil {
		return err
	}
	if template == "" {
		template = f.Handshake
	}
	if fw := s.generation(); fw != nil && fw.Handshake != "" {
		template = fw.Handshake
	}
	c := s.d.open(f)
	s.open[id] = c
	return s.setUp(c, template)
}

// setUp plays a connection set-up; its pure ACKs are listed.
func (s *script) setUp(c *conn, template string) error {
	t := s.d.home.profile.Handshakes[template]
	if t == nil {
		return fmt.Errorf("flow %s: unknown handshake %q", c.ID, template)
	}
	c.ts = t.TS
	for i := range t.Steps {
		st := &t.Steps[i]
		s.clock += s.gap(&st.G.value, c, st.D)
		n := st.L.draw(s.r)
		switch {
		case i < 2: // SYN and its answer carry options, no payload
			s.put(c, direction(st.D), n, 0, true)
			continue
		case n > c.header() && n < 1388:
			n = max(n+s.d.handshakeShift(i), c.header()+7)
		}
		s.emit(c, st.D, n, true)
	}
	s.prev = "S"
	return nil
}

// connect opens a plain TCP connection: SYN, its answer, ACK.
func (s *script) connect(id string) error {
	f, err := s.d.flowNamed(id)
	if err != nil {
		return err
	}
	c := s.d.open(f)
	s.open[id] = c
	s.syn(c)
	return nil
}

func (s *script) syn(c *conn) {
	n := c.header() + 12 // 66 without time stamps
	if c.ts {
		n = c.header() + 8 // 74 with
	}
	s.put(c, datasets.Up, n, 0, true)
	s.clock += c.rtt
	s.put(c, datasets.Down, n, 0, true)
	s.clock += between(s.r, 500_000, 2_000_000)
	s.put(c, datasets.Up, c.header(), 0, true)
	s.prev = "S"
}

// close ends a connection: close_notify of 31 bytes if it is TLS, FIN both
// ways, ACKs.
func (s *script) close(id string, tls bool) error {
	c, err := s.connection(id)
	if err != nil {
		return err
	}
	s.end(c, tls)
	delete(s.open, id)
	return nil
}

func (s *script) end(c *conn, tls bool) {
	h := c.header()
	s.clock = max(s.clock, s.last) + between(s.r, 500_000, 4_000_000)
	if tls {
		s.emit(c, "C", h+31, true)
		s.clock += between(s.r, 100_000, 1_000_000)
	}
	s.put(c, datasets.Up, h, 0, true)
	s.clock += c.rtt
	s.put(c, datasets.Down, h, 0, true)
	s.put(c, datasets.Down, h, 0, true)
	s.clock += between(s.r, 500_000, 3_000_000)
	s.put(c, datasets.Up, h, 0, true)
}

// reconnect plays the closing and the opening of the device's persistent
// connections.
func (d *device) reconnect() error {
	for i := range d.Flows {
		f := &d.Flows[i]
		list := d.lasting[f.ID]
		for k := 1; k < len(list); k++ {
			s := &script{d: d, r: newRand(d.home.seed, d.home.name, d.ID, d.addr.String(), "reconnect", f.ID), cause: -1}
			at := list[k].from - 2*second
			s.clock, s.last, s.open = at, at, map[string]*conn{}
			s.end(list[k-1].conn, f.TLS != "")
			s.clock = max(list[k].from, s.last)
			if f.TLS == "" || strings.HasPrefix(f.TLS, "none") {
				s.syn(list[k].conn)
				continue
			}
			if err := s.setUp(list[k].conn, reopening(f, list[k].ts)); err != nil {
				return err
			}
		}
	}
	return nil
}

// reopening is the template that persistent connections are opened with.
func reopening(f *flowProfile, ts bool) string {
	switch {
	case f.Handshake != "":
		return f.Handshake
	case ts:
		return "tls12_generic"
	}
	return "tls12_hue"
}

// lookup resolves a name: at the router if that answers, else at the access
// provider's resolver; some devices insist on a public one.
func (s *script) lookup(name string) {
	var c *conn
	switch {
	case s.d.DNS.Public:
		c = s.datagrams(s.d.newFlow("udp", serverAddress("public resolver"), 53, "", 0))
	case s.d.home.routerDNS:
		c = s.datagrams(s.d.lanFlow(&flowProfile{Proto: "udp", Port: 53, Remote: "192.168.1.1"}))
	default:
		c = s.datagrams(s.d.newFlow("udp", resolver(), 53, "", 0))
	}
	query := 60 + int64(len(name))
	sizes := value{form: choice, total: 100, choices: []weighted{{138, 25}, {145, 15}, {161, 20}, {173, 15}, {209, 15}, {221, 10}}}
	answer := max(sizes.draw(newRand(0, "dns", name)), query+16)
	s.clock += between(s.r, 200_000, 2_000_000)
	s.emit(c, "C", query, true)
	s.clock += min(scaleExp2(10_000_000, normal(s.r)*125_766), 2*second)
	s.emit(c, "S", answer, true)
	s.prev = "S"
}

// askTime is one exchange with a time server.
func (s *script) askTime(host string) {
	c := s.datagrams(s.d.newFlow("udp", serverAddress(host), 123, host, 0))
	s.emit(c, "C", 90, true)
	s.clock += min(scaleExp2(30_000_000, normal(s.r)*51_136), second)
	s.emit(c, "S", 90, true)
}

// renewLease is one exchange with the home's DHCP server.
func (s *script) renewLease() {
	f := &flowProfile{Proto: "udp", Port: 67, Remote: "192.168.1.1", Scope: "lan"}
	c := s.datagrams(s.d.lanFlow(f))
	s.emit(c, "C", between(s.r, 342, 358), true)
	s.clock += between(s.r, 2_000_000, 20_000_000)
	s.emit(c, "S", between(s.r, 342, 363), true)
}

// datagrams is a connectionless flow.
func (s *script) datagrams(flow int32) *conn {
	return &conn{flowProfile: &flowProfile{Proto: "udp"}, flow: flow}
}
