package people

import (
	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
	"veilbench/datasets/home/traffic"
)

// Frames of bulk transfers: a full segment over TCP, and the datagrams that
// QUIC keeps to.
const (
	fullSegment  = 1514
	quicDatagram = 1392
)

// session plays one use of the device, with one app drawn by its habits.
func (c *computer) session(from, to int64) {
	switch c.apps.Draw(c.r) {
	case "video":
		c.video(from, to)
	case "call":
		c.talk(from, to, "call.example", &c.all.Call)
	case "game":
		c.talk(from, to, "play.example", &c.all.Game)
	case "download":
		c.download(from)
	case "message":
		for at := from; at < to; at += draw.Between(c.r, 2*second, 18*second) {
			c.conversation(at, c.site(), min(c.flowLength(), 2000))
		}
	default:
		for at := from; at < to; at += c.all.Think.Draw(c.r) {
			c.page(at, c.conversation)
		}
	}
}

// page fetches one web page: many flows to a few servers.
func (c *computer) page(at int64, fetch func(at int64, host string, packets int64)) {
	sites := []string{c.site(), c.site(), c.site(), c.site()}
	n := min(c.all.PageFlows.Draw(c.r), 120)
	for range n {
		fetch(at, sites[c.r.Int64N(4)], c.flowLength())
		at += draw.Between(c.r, 5*millisecond, 250*millisecond)
	}
}

// conversation is one flow of n packets in its larger direction: a single
// exchange, a short one, or a fetch over TLS or QUIC.
func (c *computer) conversation(at int64, host string, n int64) {
	sc := c.begin(at)
	switch {
	case n <= 1:
		sc.LookUp(host)
	case n < 6:
		// Nearly half of all flows are one packet, two thirds at most two: what
		// is too short for a handshake goes over UDP.
		conn := c.Connect(host, "udp", 443)
		for range n {
			sc.Frame(conn, datasets.Up, draw.Between(c.r, 67, 420), false)
			sc.Clock += conn.RTT + draw.Between(c.r, 500*microsecond, 5*millisecond)
			sc.Frame(conn, datasets.Down, draw.Between(c.r, 67, 600), false)
			sc.Clock += draw.Between(c.r, millisecond, 60*millisecond)
		}
	case draw.Chance(c.r, c.all.QUICShare):
		c.quic(sc, host, n)
	default:
		c.tls(sc, host, n)
	}
}

// tls fetches (or uploads) over a new TLS 1.3 connection; n counts the packets
// of the larger direction, its share of the set-up included.
func (c *computer) tls(sc *traffic.Script, host string, n int64) {
	conn := c.Connect(host, "tcp", 443)
	h := conn.Header()

	// A ClientHello padded to 517 bytes, the server's certificates in up to
	// three segments, the client's Finished.
	sc.OpenTCP(conn)
	sc.Frame(conn, datasets.Up, h+517, true)
	sc.Clock += conn.RTT + draw.Between(c.r, 500*microsecond, 3*millisecond)
	for range min(n-3, 2) {
		sc.Frame(conn, datasets.Down, fullSegment, true)
	}
	sc.Frame(conn, datasets.Down, h+draw.Between(c.r, 340, 1200), false)
	sc.Clock += draw.Between(c.r, 500*microsecond, 3*millisecond)
	sc.Frame(conn, datasets.Up, h+80, false)

	left := max(n-5, 0)
	data := datasets.Down
	if draw.Chance(c.r, c.all.UploadShare) {
		data = datasets.Up
	}
	for left > 0 {
		left -= c.exchange(sc, conn, data, left)
	}
	sc.CloseTCP(conn, false)
}

// exchange is one request on an open connection and segments of data, at most
// left, in either direction. It returns how many.
func (c *computer) exchange(sc *traffic.Script, conn *traffic.Conn, data datasets.Dir, left int64) int64 {
	sc.WaitAfterLast(draw.Between(c.r, millisecond, 80*millisecond))
	sc.Frame(conn, datasets.Up, draw.Between(c.r, 150, 900), false)
	sc.Clock += conn.RTT

	part := min(left, draw.Between(c.r, 1, 60))
	for i := range part {
		size := int64(fullSegment)
		if i == part-1 {
			size = draw.Between(c.r, conn.Header()+20, fullSegment)
		}
		sc.Frame(conn, data, size, false)
		sc.Clock += draw.Between(c.r, 60*microsecond, 500*microsecond)
	}

	// The server confirms an upload; a fetch is over with its last segment.
	if data == datasets.Up {
		sc.Frame(conn, datasets.Down, conn.Header()+draw.Between(c.r, 60, 300), false)
	}
	return part
}

// quicAcks sends the small datagrams that acknowledge others: one for the first
// two, then one for every fourth to tenth.
type quicAcks struct {
	c    *computer
	owed int64 // datagrams until the next
}

func (c *computer) newQUICAcks() quicAcks { return quicAcks{c, 2} }

func (a *quicAcks) received(sc *traffic.Script, conn *traffic.Conn) {
	if a.owed--; a.owed == 0 {
		sc.Frame(conn, datasets.Up, a.c.all.QUICAck.Draw(a.c.r), false)
		a.owed = draw.Between(a.c.r, 4, 10)
	}
}

// quic fetches n datagrams.
func (c *computer) quic(sc *traffic.Script, host string, n int64) {
	conn := c.Connect(host, "udp", 443)
	sc.Frame(conn, datasets.Up, quicDatagram, false)
	sc.Clock += conn.RTT
	acks := c.newQUICAcks()
	for i := range n {
		size := int64(quicDatagram)
		if i == n-1 {
			size = draw.Between(c.r, 67, quicDatagram)
		}
		sc.Frame(conn, datasets.Down, size, false)
		sc.Clock += draw.Between(c.r, 60*microsecond, 500*microsecond)
		acks.received(sc, conn)
	}
}

// video plays a film: a segment every few seconds, of a size that varies with
// the picture.
func (c *computer) video(from, to int64) {
	host := numbered("video", c.r.Int64N(6))
	sc := c.begin(from)
	sc.LookUp(host)
	conn := c.Connect(host, "tcp", 443)
	sc.OpenTCP(conn)

	bytes := c.all.VideoBPS.Draw(c.r) / 8 * c.all.VideoSegment
	for at := sc.Last; at < to; at += c.all.VideoSegment * second {
		sc.Clock = max(at, sc.Last)
		sc.Fetch(conn, draw.Between(c.r, 400, 700), bytes*draw.Between(c.r, 700, 1300)/1000, fullSegment)
	}
}

// talk is a call or a game: datagrams both ways at a steady rate.
func (c *computer) talk(from, to int64, host string, st *profile.Stream) {
	sc := c.begin(from)
	sc.LookUp(host)
	sc.BothWays(c.Connect(host, "udp", 3478), st, from, to)
}

// download fetches one large file.
func (c *computer) download(from int64) {
	sc := c.begin(from)
	sc.LookUp("files.example")
	conn := c.Connect("files.example", "tcp", 443)
	sc.OpenTCP(conn)
	sc.Fetch(conn, 500, c.all.DownloadBytes.Draw(c.r), fullSegment)
}
