package traffic

import (
	"cmp"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// Conn is an open connection of a device, or a conversation over UDP.
type Conn struct {
	*profile.Flow
	// RTT is its round trip time in nanoseconds; that of the Flow is a class.
	RTT int64

	flow       int32 // index into Home.flows
	timestamps bool  // frames carry TCP time stamps
}

// Header is the size of a frame of the connection that carries no payload:
// Ethernet, IP and UDP or TCP, the latter with 12 bytes of time stamps or not.
func (c *Conn) Header() int64 {
	switch {
	case c.Proto == "udp":
		return 42
	case c.timestamps:
		return 66
	}
	return 54
}

// newConn starts a new connection of the flow: a new local port. No packet
// leaves yet.
func (d *Device) newConn(f *profile.Flow) *Conn {
	c := &Conn{Flow: f, timestamps: d.Timestamps, RTT: d.rtts[f.ID]}
	if f.TS != nil {
		c.timestamps = *f.TS
	}
	port := f.Port
	if f.Port2019 != 0 && d.Home.Era == "2019" {
		port = f.Port2019
	}

	if f.Scope == "lan" {
		c.flow = d.lanFlow(f)
	} else {
		c.flow = d.newFlow(f.Proto, serverAddress(f.Host), port, f.Host, c.RTT)
	}
	return c
}

// Connect starts a conversation with a server that no profile names, proto
// being "tcp" or "udp". The server is as far from the home each time. No packet
// leaves yet.
func (d *Device) Connect(host, proto string, port uint16) *Conn {
	rtt := d.rtts[host]
	if rtt == 0 {
		rtt = d.Home.roundTrip("cdn", d.Home.Rand("site", host))
		d.rtts[host] = rtt
	}
	return &Conn{
		Flow: &profile.Flow{ID: host, Proto: proto, Host: host},
		flow: d.newFlow(proto, serverAddress(host), port, host, rtt), timestamps: d.Timestamps, RTT: rtt,
	}
}

// openTLS opens a per-event connection. The template of the step goes before
// the flow's, and that of a published firmware before both.
func (s *Script) openTLS(id, template string) {
	c := s.openFlow(id)
	template = cmp.Or(template, c.Handshake)
	if fw := s.published(); fw != nil {
		template = cmp.Or(fw.Handshake, template)
	}
	s.setUp(c, template)
}

// openFlow opens a connection that is the script's alone.
func (s *Script) openFlow(id string) *Conn {
	c := s.device.newConn(s.device.Flow(id))
	s.conns[id] = c
	return c
}

// setUp plays a connection set-up; its pure ACKs are listed in the template.
func (s *Script) setUp(c *Conn, template string) {
	t := s.device.Home.Profile.Handshakes[template]
	c.timestamps = t.TS
	for i := range t.Steps {
		st := &t.Steps[i]
		s.Clock += s.drawGap(&st.G, c, st.D)
		n := st.L.Draw(s.r)
		switch {
		case i < 2: // SYN and its answer carry options, no payload
			s.sendFrame(c, direction(st.D), n, 0, true)
			continue
		case n > c.Header() && n < 1388:
			// Another firmware has other names and keys in its messages. Full
			// segments stay full, ACKs empty, and no message shrinks below the 7
			// bytes of a TLS alert.
			n = max(n+s.device.handshakeShift(i), c.Header()+7)
		}
		s.sendMessage(c, st.D, n, true)
	}
	s.prev = "S"
}

// OpenTCP plays SYN, its answer and the ACK.
func (s *Script) OpenTCP(c *Conn) {
	n := c.Header() + 12 // options: 66 without time stamps
	if c.timestamps {
		n = c.Header() + 8 // 74 with
	}
	s.sendFrame(c, datasets.Up, n, 0, true)
	s.Clock += c.RTT
	s.sendFrame(c, datasets.Down, n, 0, true)
	s.Clock += draw.Between(s.r, 500*microsecond, 2*millisecond)
	s.sendFrame(c, datasets.Up, c.Header(), 0, true)
	s.prev = "S"
}

// closeFlow ends the connection of the flow.
func (s *Script) closeFlow(id string, tls bool) {
	s.CloseTCP(s.connection(id), tls)
	delete(s.conns, id)
}

// CloseTCP plays the end of a connection, after whatever still flows: a
// close_notify of 31 bytes if it is TLS, FIN both ways, ACKs.
func (s *Script) CloseTCP(c *Conn, tls bool) {
	h := c.Header()
	s.WaitAfterLast(draw.Between(s.r, 500*microsecond, 4*millisecond))
	if tls {
		s.sendMessage(c, "C", h+31, true)
		s.Clock += draw.Between(s.r, 100*microsecond, millisecond)
	}
	s.sendFrame(c, datasets.Up, h, 0, true)
	s.Clock += c.RTT
	s.sendFrame(c, datasets.Down, h, 0, true)
	s.sendFrame(c, datasets.Down, h, 0, true)
	s.Clock += draw.Between(s.r, 500*microsecond, 3*millisecond)
	s.sendFrame(c, datasets.Up, h, 0, true)
}
