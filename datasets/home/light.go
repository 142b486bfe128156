package home

import (
	"strconv"

	"veilbench/datasets"
)

// lightProfile describes people's devices at hand but not at work: chats,
// pages, feeds, and apps that keep in touch with their servers. HomeMole's
// recordings are like that; see people.yaml for how that is known.
type lightProfile struct {
	RequestBytes  length           `yaml:"request_bytes"`
	ReplyBytes    length           `yaml:"reply_bytes"`
	ReplySegments length           `yaml:"reply_segments"`
	Server        span             `yaml:"server_s"`
	ChatGap       span             `yaml:"chat_gap_s"`
	FeedGap       span             `yaml:"feed_gap_s"`
	KeepBytes     length           `yaml:"keep_bytes"`
	KeepPeriodS   [2]int64         `yaml:"keep_period_s"`
	LongestFlow   int64            `yaml:"longest_flow"`
	Profiles      []*personProfile `yaml:"profiles"`
}

// light plays a device that is used lightly for the whole recording.
type light struct {
	*surfer
	use  *lightProfile
	kept map[string]*conn // connections that last, by server
}

// surfLightly plays the device's whole recording; devices without such a
// profile stay silent.
func (d *device) surfLightly() {
	n := d.home.profile.NonIoT
	for _, u := range n.Light.Profiles {
		if u.ID != d.ID {
			continue
		}
		s := &surfer{device: d, n: n, use: u, r: newRand(d.home.seed, d.home.name, d.ID, d.addr.String(), "surf")}
		s.cdf = flowTable(n.FlowPackets)
		s.apps = habits(u.Apps, s.r)
		l := &light{surfer: s, use: &n.Light, kept: map[string]*conn{}}
		for i := range u.KeptApps {
			l.keepAlive(i)
		}
		s.sessions(false, l.session)
		s.idle(func(at int64) { l.fetch(at, l.site(), min(l.flowLength(), 100)) })
	}
}

// session plays one use of the device.
func (l *light) session(from, to int64) {
	switch l.app() {
	case "chat":
		host := "chat" + strconv.FormatInt(l.r.Int64N(3), 10) + ".example"
		for at := from; at < to; at += l.use.ChatGap.draw(l.r) {
			l.message(at, host)
		}
	case "feed":
		host := "feed" + strconv.FormatInt(l.r.Int64N(4), 10) + ".example"
		for at := from; at < to; at += l.use.FeedGap.draw(l.r) {
			sc := l.begin(at)
			l.request(sc, l.keep(sc, host), l.use.ReplySegments.draw(l.r))
		}
	default:
		for at := from; at < to; at += l.n.Think.draw(l.r) {
			l.page(at)
		}
	}
}

// page fetches one web page: many flows to a few servers, some of which carry
// several fetches.
func (l *light) page(at int64) {
	sites := []string{l.site(), l.site(), l.site(), l.site()}
	n := min(l.n.PageFlows.draw(l.r), 120)
	for range n {
		l.fetch(at, sites[l.r.Int64N(4)], min(l.flowLength(), l.use.LongestFlow))
		at += between(l.r, 5_000_000, 250_000_000)
	}
}

// fetch is one flow of n packets in its larger direction, in as many requests
// as that takes.
func (l *light) fetch(at int64, host string, n int64) {
	sc := l.begin(at)
	if n <= 1 {
		sc.lookup(host)
		return
	}
	var c *conn
	if chance(l.r, ppm(l.n.QUICShare)) {
		c = l.server(host, "udp", 443)
		sc.full(c, datasets.Up, 1392, false)
		sc.clock += c.rtt
		sc.full(c, datasets.Down, 1392, false)
	} else {
		c = l.server(host, "tcp", 443)
		n -= l.hello(sc, c)
	}
	for n > 0 {
		part := min(n, l.use.ReplySegments.draw(l.r))
		l.request(sc, c, part)
		sc.clock = max(sc.clock, sc.last) + between(l.r, 1_000_000, 80_000_000)
		n -= part
	}
	if c.Proto == "tcp" {
		sc.end(c, true)
	}
}

// keep returns the device's lasting connection to a server, opened now if
// there is none.
func (l *light) keep(sc *script, host string) *conn {
	c := l.kept[host]
	if c == nil {
		c = l.server(host, "tcp", 443)
		l.kept[host] = c
		l.hello(sc, c)
	}
	return c
}

// hello opens a TLS connection: a whole 1.2 handshake, a resumed one or 1.3,
// with the lengths that names, tickets and chains of certificates give it. It
// returns the packets that came down.
func (l *light) hello(sc *script, c *conn) int64 {
	h := c.header()
	sc.syn(c)
	down := int64(1)
	answer := func(bytes int64) {
		for ; bytes > 0; bytes -= 1514 - h {
			sc.full(c, datasets.Down, h+min(bytes, 1514-h), true)
			sc.clock += between(l.r, 60_000, 400_000)
			down++
		}
	}
	kind := l.r.Int64N(3)
	greeting := between(l.r, 180, 330)
	if kind > 0 {
		greeting = between(l.r, 500, 530) // padded to 512, or with a ticket
	}
	sc.full(c, datasets.Up, h+greeting, false)
	sc.clock += c.rtt + between(l.r, 500_000, 3_000_000)
	switch kind {
	case 0:
		answer(between(l.r, 2600, 5400))
		sc.clock += between(l.r, 1_000_000, 8_000_000)
		sc.full(c, datasets.Up, h+126, false)
		sc.clock += c.rtt + between(l.r, 500_000, 3_000_000)
		answer(51 + between(l.r, 0, 1)*between(l.r, 180, 230))
	case 1:
		answer(between(l.r, 130, 210))
		sc.clock += between(l.r, 500_000, 3_000_000)
		sc.full(c, datasets.Up, h+51, false)
	default:
		answer(between(l.r, 2200, 4600))
		sc.clock += between(l.r, 500_000, 3_000_000)
		sc.full(c, datasets.Up, h+between(l.r, 64, 80), false)
	}
	return down
}

// request is one request on an open connection and a reply of n segments.
func (l *light) request(sc *script, c *conn, n int64) {
	h := c.header()
	sc.full(c, datasets.Up, h+l.use.RequestBytes.draw(l.r), false)
	sc.clock = max(sc.clock, sc.last) + c.rtt + l.use.Server.draw(l.r)
	long := int64(1514)
	if c.Proto == "udp" {
		long = 1392
	}
	answer := int64(2)
	for i := range n {
		if i < n-1 {
			sc.full(c, datasets.Down, long, false)
		} else {
			sc.full(c, datasets.Down, h+l.use.ReplyBytes.draw(l.r), false)
		}
		sc.clock += between(l.r, 60_000, 500_000)
		if answer--; c.Proto == "udp" && answer == 0 {
			sc.full(c, datasets.Up, l.n.QUICAck.draw(l.r), false)
			answer = between(l.r, 4, 10)
		}
	}
}

// message is one message of a chat, written or received, and its receipt.
func (l *light) message(at int64, host string) {
	sc := l.begin(at)
	c := l.keep(sc, host)
	there, back := datasets.Up, datasets.Down
	if chance(l.r, million/2) {
		there, back = back, there
	}
	h := c.header()
	sc.full(c, there, h+l.use.RequestBytes.draw(l.r), false)
	sc.clock = max(sc.clock, sc.last) + c.rtt + l.use.Server.draw(l.r)
	sc.full(c, back, h+l.use.KeepBytes.draw(l.r), false)
}

// keepAlive plays one app's connection: small messages of its own two lengths
// at its own period.
func (l *light) keepAlive(i int) {
	r := newRand(l.home.seed, l.home.name, l.ID, "kept", strconv.Itoa(i))
	up, down := l.use.KeepBytes.draw(r), l.use.KeepBytes.draw(r)
	period := between(r, l.use.KeepPeriodS[0], l.use.KeepPeriodS[1]) * second
	host := "app" + strconv.FormatInt(r.Int64N(200), 10) + ".example"
	c := l.server(host, "tcp", 443)
	h := c.header()
	for at := between(r, 0, period); at < l.home.end; at += period + between(r, -period/50, period/50) {
		sc := &script{d: l.device, r: r, clock: at, last: at, cause: -1}
		sc.full(c, datasets.Up, h+up, false)
		sc.clock = max(sc.clock, sc.last) + c.rtt + l.use.Server.draw(r)
		sc.full(c, datasets.Down, h+down, false)
		if chance(r, million/5) { // news for the app
			l.request(sc, c, min(l.use.ReplySegments.draw(r), 20))
		}
	}
}
