package home

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"veilbench/datasets"
)

// nonIoTProfile describes phones, tablets, laptops and computers.
type nonIoTProfile struct {
	FlowPackets   [][2]float64     `yaml:"flow_packets"`
	QUICShare     float64          `yaml:"quic_share"`
	QUICAck       length           `yaml:"quic_ack"`
	UploadShare   float64          `yaml:"upload_share"`
	PageFlows     length           `yaml:"page_flows"`
	Think         span             `yaml:"think_s"`
	VideoSegment  int64            `yaml:"video_segment_s"`
	VideoBPS      length           `yaml:"video_bps"`
	Call          stream           `yaml:"call"`
	Game          stream           `yaml:"game"`
	DownloadBytes length           `yaml:"download_bytes"`
	Profiles      []*personProfile `yaml:"profiles"`
	Light         lightProfile     `yaml:"light"`
}

// personProfile says how one such device is used.
type personProfile struct {
	ID               string             `yaml:"id"`
	SessionsPerDay   float64            `yaml:"sessions_per_day"`
	Session          span               `yaml:"session_s"`
	IdleFlowsPerHour int64              `yaml:"idle_flows_per_hour"`
	Apps             map[string]float64 `yaml:"apps"`
	// KeptApps is how many apps of a lightly used device hold a connection open.
	KeptApps int `yaml:"kept_apps"`
}

// surfer plays the use of one device that is no smart-home device.
type surfer struct {
	*device
	n    *nonIoTProfile
	use  *personProfile
	r    *rand.Rand
	cdf  []cdfPoint
	apps []weightedName
}

// cdfPoint is a share of flows, in millionths, of at most packets; log2 is
// log2(packets / packets of the point before) * 65536.
type cdfPoint struct{ packets, share, log2 int64 }

// surf plays the device's whole recording; its uses keep to the hours of
// people's activity if byHour is set. Devices without such a profile stay
// silent.
func (d *device) surf(byHour bool) {
	s := &surfer{device: d, n: d.home.profile.NonIoT, r: newRand(d.home.seed, d.home.name, d.ID, d.addr.String(), "surf")}
	for _, u := range s.n.Profiles {
		if u.ID == d.ID {
			s.use = u
		}
	}
	if s.use == nil {
		return
	}
	s.cdf = flowTable(s.n.FlowPackets)
	s.apps = habits(s.use.Apps, s.r)
	s.sessions(byHour, s.session)
	s.idle(func(at int64) { s.conversation(at, s.site(), min(s.flowLength(), 100)) })
}

// sessions plays the uses of the device, one after another.
func (s *surfer) sessions(byHour bool, play func(from, to int64)) {
	days := float64(s.home.end) / float64(24*3600*second)
	want := int64(s.use.SessionsPerDay * days * million)
	var starts []int64
	for ; want > 0 && (want >= million || chance(s.r, want)); want -= million {
		at := between(s.r, 0, s.home.end)
		if byHour {
			at -= at % (24 * 3600 * second)
			at += hourOfDay(s.home.profile.Household.HourWeights, s.r)
		}
		starts = append(starts, at)
	}
	slices.Sort(starts)
	free := int64(0)
	for _, at := range starts {
		at = max(at, free)
		free = at + s.use.Session.draw(s.r)
		play(at, min(free, s.home.end))
	}
}

// idle plays what the device does on its own.
func (s *surfer) idle(play func(at int64)) {
	hour := int64(3600 * second)
	for at := int64(0); at < s.home.end && s.use.IdleFlowsPerHour > 0; at += between(s.r, 0, 2*hour/s.use.IdleFlowsPerHour) {
		play(at)
	}
}

// flowTable prepares the published distribution of flow lengths.
func flowTable(points [][2]float64) []cdfPoint {
	var out []cdfPoint
	for i, p := range points {
		c := cdfPoint{packets: int64(p[0]), share: ppm(p[1])}
		if i > 0 {
			c.log2 = int64(math.Round(math.Log2(p[0]/points[i-1][0]) * 65536))
		}
		out = append(out, c)
	}
	return out
}

// flowLength draws the packets of a flow in one direction, on a straight line
// in the logarithm between the published points.
func (s *surfer) flowLength() int64 {
	u := s.r.Int64N(million)
	for i, c := range s.cdf {
		if u >= c.share {
			continue
		}
		if i == 0 {
			return c.packets
		}
		before := s.cdf[i-1]
		part := (u - before.share) * 65536 / (c.share - before.share)
		// A length n stands for everything above n-1, so round up.
		x := scaleExp2(before.packets<<20, part*c.log2)
		return min((x>>20)+1, c.packets)
	}
	return 1
}

// site draws a server; a few are visited often.
func (s *surfer) site() string {
	n := min(s.r.Int64N(60), s.r.Int64N(60))
	return "site" + strconv.FormatInt(n, 10) + ".example"
}

func (s *surfer) app() string {
	var total int64
	for _, a := range s.apps {
		total += a.weight
	}
	n := s.r.Int64N(total)
	for _, a := range s.apps {
		if n -= a.weight; n < 0 {
			return a.name
		}
	}
	return "web"
}

// session plays one use of the device.
func (s *surfer) session(from, to int64) {
	switch s.app() {
	case "video":
		s.video(from, to)
	case "call":
		s.talk(from, to, "call.example", &s.n.Call)
	case "game":
		s.talk(from, to, "play.example", &s.n.Game)
	case "download":
		s.download(from)
	case "message":
		for at := from; at < to; at += between(s.r, 2*second, 18*second) {
			s.conversation(at, s.site(), min(s.flowLength(), 2000))
		}
	default:
		for at := from; at < to; at += s.n.Think.draw(s.r) {
			s.page(at)
		}
	}
}

// page fetches one web page: many flows to a few servers.
func (s *surfer) page(at int64) {
	sites := []string{s.site(), s.site(), s.site(), s.site()}
	n := min(s.n.PageFlows.draw(s.r), 120)
	for range n {
		s.conversation(at, sites[s.r.Int64N(4)], s.flowLength())
		at += between(s.r, 5_000_000, 250_000_000)
	}
}

// begin returns a script for one conversation of the device.
func (s *surfer) begin(at int64) *script {
	return &script{d: s.device, r: s.r, clock: at, last: at, cause: -1}
}

// server opens a connection to a named server.
func (s *surfer) server(host, proto string, port uint16) *conn {
	rtt := s.rtts[host]
	if rtt == 0 {
		rtt = s.home.roundTrip("cdn", newRand(s.home.seed, s.home.name, "site", host))
		s.rtts[host] = rtt
	}
	return &conn{
		flowProfile: &flowProfile{ID: host, Proto: proto, Host: host},
		flow:        s.newFlow(proto, serverAddress(host), port, host, rtt), ts: s.Timestamps, rtt: rtt,
	}
}

// conversation is one flow of n packets in its larger direction: a single
// exchange, a short one, or a fetch over TLS or QUIC.
func (s *surfer) conversation(at int64, host string, n int64) {
	sc := s.begin(at)
	switch {
	case n <= 1:
		sc.lookup(host)
	case n < 6:
		c := s.server(host, "udp", 443)
		for range n {
			sc.full(c, datasets.Up, between(s.r, 67, 420), false)
			sc.clock += c.rtt + between(s.r, 500_000, 5_000_000)
			sc.full(c, datasets.Down, between(s.r, 67, 600), false)
			sc.clock += between(s.r, 1_000_000, 60_000_000)
		}
	case chance(s.r, ppm(s.n.QUICShare)):
		s.quic(sc, host, n)
	default:
		s.tls(sc, host, n)
	}
}

// tls fetches (or uploads) n segments over a new TLS 1.3 connection.
func (s *surfer) tls(sc *script, host string, n int64) {
	c := s.server(host, "tcp", 443)
	h := c.header()
	sc.syn(c)
	sc.full(c, datasets.Up, h+517, true)
	sc.clock += c.rtt + between(s.r, 500_000, 3_000_000)
	for range min(n-3, 2) {
		sc.full(c, datasets.Down, 1514, true)
	}
	sc.full(c, datasets.Down, h+between(s.r, 340, 1200), false)
	sc.clock += between(s.r, 500_000, 3_000_000)
	sc.full(c, datasets.Up, h+80, false)
	left := max(n-5, 0)
	data, back := datasets.Down, datasets.Up
	if chance(s.r, ppm(s.n.UploadShare)) {
		data, back = back, data
	}
	for left > 0 {
		sc.clock = max(sc.clock, sc.last) + between(s.r, 1_000_000, 80_000_000)
		sc.full(c, datasets.Up, between(s.r, 150, 900), false)
		sc.clock += c.rtt
		part := min(left, between(s.r, 1, 60))
		for i := range part {
			size := int64(1514)
			if i == part-1 {
				size = between(s.r, h+20, 1514)
			}
			sc.full(c, data, size, false)
			sc.clock += between(s.r, 60_000, 500_000)
		}
		if data == datasets.Up {
			sc.full(c, back, h+between(s.r, 60, 300), false)
		}
		left -= part
	}
	sc.end(c, false)
}

// quic fetches n datagrams; every fourth to tenth is answered by a small one.
func (s *surfer) quic(sc *script, host string, n int64) {
	c := s.server(host, "udp", 443)
	sc.full(c, datasets.Up, 1392, false)
	sc.clock += c.rtt
	answer := int64(2)
	for i := range n {
		size := int64(1392)
		if i == n-1 {
			size = between(s.r, 67, 1392)
		}
		sc.full(c, datasets.Down, size, false)
		sc.clock += between(s.r, 60_000, 500_000)
		if answer--; answer == 0 {
			sc.full(c, datasets.Up, s.n.QUICAck.draw(s.r), false)
			answer = between(s.r, 4, 10)
		}
	}
}

// video plays a film: a segment every few seconds.
func (s *surfer) video(from, to int64) {
	host := "video" + strconv.FormatInt(s.r.Int64N(6), 10) + ".example"
	sc := s.begin(from)
	sc.lookup(host)
	c := s.server(host, "tcp", 443)
	sc.syn(c)
	bytes := s.n.VideoBPS.draw(s.r) / 8 * s.n.VideoSegment
	for at := sc.last; at < to; at += s.n.VideoSegment * second {
		sc.clock = max(at, sc.last)
		sc.fetch(c, between(s.r, 400, 700), bytes*between(s.r, 700, 1300)/1000, 1514)
	}
}

// talk is a call or a game: datagrams both ways at a steady rate.
func (s *surfer) talk(from, to int64, host string, st *stream) {
	sc := s.begin(from)
	sc.lookup(host)
	c := s.server(host, "udp", 3478)
	start := sc.last
	sc.train(c, datasets.Up, &st.UpLen, ppm(st.UpPPS), to, false, false)
	sc.clock, sc.last = from, start
	sc.train(c, datasets.Down, &st.DownLen, ppm(st.DownPPS), to, false, false)
}

// download fetches one large file.
func (s *surfer) download(from int64) {
	sc := s.begin(from)
	sc.lookup("files.example")
	c := s.server("files.example", "tcp", 443)
	sc.syn(c)
	sc.fetch(c, 500, s.n.DownloadBytes.draw(s.r), 1514)
}

// NonIoT is the label of all phones, tablets and computers: one class.
const NonIoT = "non_iot"

// isPerson says whether a device is a phone or computer.
func (d *deviceProfile) isPerson() bool { return d.Label == NonIoT }
