package people

import (
	"strconv"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// lightComputer is a device that is used lightly for the whole recording.
type lightComputer struct {
	*computer
	light *profile.LightUse
	kept  map[string]*traffic.Conn // connections that last, by server
}

// UseLightly plays the whole recording of a phone or computer that is at hand
// but not at work. Devices without a profile of light use stay silent.
func UseLightly(d *traffic.Device) {
	use := &d.Home.Profile.Computers.Light
	c := newComputer(d, use.Profiles)
	if c == nil {
		return
	}
	l := &lightComputer{computer: c, light: use, kept: map[string]*traffic.Conn{}}
	for i := range c.use.KeptApps {
		l.keepAlive(i)
	}
	l.playSessions(false, l.session)
	l.playIdle(func(at int64) { l.fetch(at, l.site(), min(l.flowLength(), 100)) })
}

// session plays one use of the device, with one app drawn by its habits.
func (l *lightComputer) session(from, to int64) {
	switch l.apps.Draw(l.r) {
	case "chat":
		host := numbered("chat", l.r.Int64N(3))
		for at := from; at < to; at += l.light.ChatGap.Draw(l.r) {
			l.message(at, host)
		}
	case "feed":
		host := numbered("feed", l.r.Int64N(4))
		for at := from; at < to; at += l.light.FeedGap.Draw(l.r) {
			sc := l.begin(at)
			l.request(sc, l.keptConn(sc, host), l.light.ReplySegments.Draw(l.r))
		}
	default:
		for at := from; at < to; at += l.all.Think.Draw(l.r) {
			l.page(at, func(at int64, host string, n int64) { l.fetch(at, host, min(n, l.light.LongestFlow)) })
		}
	}
}

// fetch is one flow of n packets in its larger direction, in as many requests
// as that takes.
func (l *lightComputer) fetch(at int64, host string, n int64) {
	sc := l.begin(at)
	if n <= 1 {
		sc.LookUp(host)
		return
	}

	var conn *traffic.Conn
	if draw.Chance(l.r, l.all.QUICShare) {
		conn = l.Connect(host, "udp", 443)
		sc.Frame(conn, datasets.Up, quicDatagram, false)
		sc.Clock += conn.RTT
		sc.Frame(conn, datasets.Down, quicDatagram, false)
	} else {
		conn = l.Connect(host, "tcp", 443)
		n -= l.hello(sc, conn)
	}

	// Flows shorter than a TLS handshake are longer than asked for: n is below
	// 0 then, and nothing is requested.
	for n > 0 {
		part := min(n, l.light.ReplySegments.Draw(l.r))
		l.request(sc, conn, part)
		sc.WaitAfterLast(draw.Between(l.r, millisecond, 80*millisecond))
		n -= part
	}
	if conn.Proto == "tcp" {
		sc.CloseTCP(conn, true)
	}
}

// keptConn returns the device's lasting connection to a server, opened now if
// there is none.
func (l *lightComputer) keptConn(sc *traffic.Script, host string) *traffic.Conn {
	conn := l.kept[host]
	if conn == nil {
		conn = l.Connect(host, "tcp", 443)
		l.kept[host] = conn
		l.hello(sc, conn)
	}
	return conn
}

// hello opens a TLS connection: a whole 1.2 handshake, a resumed one or 1.3,
// with the lengths that names, tickets and chains of certificates give it. It
// returns the packets that came down.
func (l *lightComputer) hello(sc *traffic.Script, conn *traffic.Conn) int64 {
	sc.OpenTCP(conn)
	kind := l.r.Int64N(3)
	greeting := draw.Between(l.r, 180, 330)
	if kind > 0 {
		greeting = draw.Between(l.r, 500, 530) // padded to 512, or with a ticket
	}
	l.sendUp(sc, conn, greeting)
	sc.Clock += conn.RTT + draw.Between(l.r, 500*microsecond, 3*millisecond)

	// Two round trips the first, one the others. The client's last flight is key
	// exchange and Finished (126), Finished alone (51), or Finished as 1.3 wraps
	// it.
	down := int64(1)
	switch kind {
	case 0:
		down += l.sendFlight(sc, conn, draw.Between(l.r, 2600, 5400))
		sc.Clock += draw.Between(l.r, millisecond, 8*millisecond)
		l.sendUp(sc, conn, 126)
		sc.Clock += conn.RTT + draw.Between(l.r, 500*microsecond, 3*millisecond)
		down += l.sendFlight(sc, conn, 51+draw.Between(l.r, 0, 1)*draw.Between(l.r, 180, 230)) // with a ticket or without
	case 1:
		down += l.sendFlight(sc, conn, draw.Between(l.r, 130, 210))
		sc.Clock += draw.Between(l.r, 500*microsecond, 3*millisecond)
		l.sendUp(sc, conn, 51)
	default:
		down += l.sendFlight(sc, conn, draw.Between(l.r, 2200, 4600))
		sc.Clock += draw.Between(l.r, 500*microsecond, 3*millisecond)
		l.sendUp(sc, conn, draw.Between(l.r, 64, 80))
	}
	return down
}

// sendUp sends bytes of payload up in one frame.
func (l *lightComputer) sendUp(sc *traffic.Script, conn *traffic.Conn, bytes int64) {
	sc.Frame(conn, datasets.Up, conn.Header()+bytes, false)
}

// sendFlight sends bytes of a handshake down in full segments, which the client's
// next message acknowledges. It returns how many.
func (l *lightComputer) sendFlight(sc *traffic.Script, conn *traffic.Conn, bytes int64) int64 {
	n, room := int64(0), fullSegment-conn.Header()
	for ; bytes > 0; bytes -= room {
		sc.Frame(conn, datasets.Down, conn.Header()+min(bytes, room), true)
		sc.Clock += draw.Between(l.r, 60*microsecond, 400*microsecond)
		n++
	}
	return n
}

// request is one request on an open connection and a reply of n segments.
func (l *lightComputer) request(sc *traffic.Script, conn *traffic.Conn, n int64) {
	l.sendUp(sc, conn, l.light.RequestBytes.Draw(l.r))
	sc.WaitAfterLast(conn.RTT + l.light.Server.Draw(l.r))

	// Over TCP traffic adds the ACKs; those of QUIC look like other datagrams.
	full, udp := int64(fullSegment), conn.Proto == "udp"
	if udp {
		full = quicDatagram
	}
	acks := l.newQUICAcks()
	for i := range n {
		size := full
		if i == n-1 {
			size = conn.Header() + l.light.ReplyBytes.Draw(l.r)
		}
		sc.Frame(conn, datasets.Down, size, false)
		sc.Clock += draw.Between(l.r, 60*microsecond, 500*microsecond)
		if udp {
			acks.received(sc, conn)
		}
	}
}

// message is one message of a chat, written or received, and its receipt.
func (l *lightComputer) message(at int64, host string) {
	sc := l.begin(at)
	conn := l.keptConn(sc, host)
	there, back := datasets.Up, datasets.Down
	if draw.Chance(l.r, 0.5) {
		there, back = back, there
	}
	sc.Frame(conn, there, conn.Header()+l.light.RequestBytes.Draw(l.r), false)
	sc.WaitAfterLast(conn.RTT + l.light.Server.Draw(l.r))
	sc.Frame(conn, back, conn.Header()+l.light.KeepBytes.Draw(l.r), false)
}

// keepAlive plays the connection of app number i: small messages of its own two
// lengths at its own period.
func (l *lightComputer) keepAlive(i int) {
	// Lengths and period are drawn apart from the device's use, which may change
	// without them.
	r := l.Home.Rand(l.ID, "kept", strconv.Itoa(i))
	up, down := l.light.KeepBytes.Draw(r), l.light.KeepBytes.Draw(r)
	period := draw.Between(r, l.light.KeepPeriodS[0], l.light.KeepPeriodS[1]) * second
	conn := l.Connect(numbered("app", r.Int64N(200)), "tcp", 443)

	for at := draw.Between(r, 0, period); at < l.Home.End; at += period + draw.Between(r, -period/50, period/50) {
		sc := l.Begin(r, at)
		l.sendUp(sc, conn, up)
		sc.WaitAfterLast(conn.RTT + l.light.Server.Draw(r))
		sc.Frame(conn, datasets.Down, conn.Header()+down, false)
		if draw.Chance(r, 0.2) { // news for the app
			l.request(sc, conn, min(l.light.ReplySegments.Draw(r), 20))
		}
	}
}
