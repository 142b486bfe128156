package tunnel

import (
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/defenses/shaping"
)

// control makes the packets that a tunnel sends of itself, forward in time. The
// home began the tunnel before the trace starts, at a random point of the rekey
// interval. The far end answers after 30 ms. No data waits for a handshake, as a
// rekey runs beside the old keys, but where WireGuard's are dead.
//
//   - wireguard: a handshake is an initiation of 148 bytes, a response of 92 and a
//     keepalive of 32 by whoever began. It is begun anew by the one who began the last
//     one: when he sends anything under keys of more than 120 s, or gets something
//     under keys of more than 165 s. Behind 180 s keys are dead: whoever has something
//     to send begins, and it waits for the response and stands for the keepalive.
//     Whoever has received data and not sent anything for 10 s sends a keepalive.
//     TestRealSignals holds all this to the real one.
//   - openvpn-*: a ping of 16 inner bytes from each side that has not sent for
//     10 s ("keepalive 10 60"), and every hour a renegotiation of four control
//     packets each way, sizes assumed. Over TCP also the outer connection's
//     ACKs: for every second segment, or 40 ms after the last.
//   - esp-*: dead peer detection of 80 bytes each way after 30 s without
//     anything from the far end, and with NAT traversal a keepalive of 1 byte
//     up after 20 s without sending. They go over the tunnel's flow, which is
//     exact for esp-gcm-natt and a simplification for the others, where IKE
//     has a flow of its own. Sizes of the detection are assumed.
type control struct {
	t    *tunnel
	kind string
	// wireguard and overTCP are the kinds in which data matters for more than when
	// it was: asked for every packet.
	wireguard, overTCP bool
	// sent and got are when a direction last carried anything, and data.
	sent, got [2]time.Duration
	// due is when a direction's keepalive is to be sent; 0: none.
	due [2]time.Duration
	// keys is when keys were made, which may be before the trace, and begun who began
	// WireGuard's handshake.
	keys  time.Duration
	begun datasets.Dir
	// unacked counts the segments of a direction since its last ACK, the
	// newest at got.
	unacked [2]int
	// quiet is a time before which nothing is due: most packets come before it, and
	// ask no further.
	quiet time.Duration
}

const (
	farReply   = 30 * time.Millisecond
	delayedACK = 40 * time.Millisecond
	// WireGuard's keys are too old for who began to send, or to get anything, under
	// them, and for anybody.
	sentKeys, gotKeys, deadKeys = 120 * time.Second, 165 * time.Second, 180 * time.Second
)

// newControl begins a tunnel of that kind some time before the trace: the ages of
// its keys and of the last packet each way are drawn, as a trace that always
// began with a handshake would give its start away.
func newControl(kind string, t *tunnel, rng *rand.Rand) *control {
	c := &control{t: t, kind: kind, wireguard: kind == "wireguard", overTCP: kind == "openvpn-tcp", quiet: -shaping.Never}
	c.keys = -time.Duration(rng.Int64N(int64(c.rekey())))
	for d := range c.sent {
		c.sent[d] = -time.Duration(rng.Int64N(int64(10 * time.Second)))
	}
	return c
}

// rekey is the age at which keys are replaced.
func (c *control) rekey() time.Duration {
	if c.kind == "wireguard" {
		return sentKeys
	}
	return time.Hour
}

// data notes that data goes at now, after whatever was due before. It returns when the
// data go: later than now where they wait for new keys.
func (c *control) data(now time.Duration, dir datasets.Dir) time.Duration {
	c.until(now)
	other := 1 - dir
	switch {
	case c.wireguard:
		if now-c.keys > deadKeys {
			c.shake(now, dir)
			now += farReply
		}

		// Data is as good as a keepalive for its sender, and the other side owes
		// one from the first packet that it has not answered. Directions change
		// too often to be guessed by a processor, so nothing here branches on them.
		owed := c.due[other]
		if owed == 0 {
			owed = now + 10*time.Second
		}
		c.due[other], c.due[dir] = owed, 0
		c.quiet = min(c.quiet, owed)
		if now-c.keys > sentKeys {
			c.renew(now, dir)
		}
	case c.overTCP:
		c.unacked[other] = 0 // the segment acknowledges
		if c.unacked[dir]++; c.unacked[dir] == 2 {
			c.ack(now, dir)
		}
		c.quiet = min(c.quiet, now+delayedACK)
	}
	c.sent[dir], c.got[dir] = now, now
	return now
}

// renew makes new keys of WireGuard where something that goes at now in direction dir
// finds them old, in time for nothing to wait. The new ones are confirmed by a keepalive,
// as no data waited for them.
func (c *control) renew(now time.Duration, dir datasets.Dir) {
	old := gotKeys
	if dir == c.begun {
		old = sentKeys
	}
	if now-c.keys > old {
		c.shake(now, c.begun)
		c.t.signal(now+farReply, c.begun, 32)
	}
}

// shake makes new keys of WireGuard, begun at now by who sends in direction by. Keys grow
// old only by use: an idle tunnel makes no handshake. Both messages stand for the
// keepalives that their senders owe.
func (c *control) shake(now time.Duration, by datasets.Dir) {
	answered := now + farReply
	if by == datasets.Down {
		answered = now // by the gateway, where all is seen
	}
	c.t.signal(now, by, 148)
	c.t.signal(answered, 1-by, 92)
	c.keys, c.begun = now+farReply, by
	c.due = [2]time.Duration{}
}

// until sends what is due up to now.
func (c *control) until(now time.Duration) {
	for now >= c.quiet {
		next, ok := c.next()
		if !ok || next.at > now {
			// Data that comes puts off what is due, but for the two things that
			// data sets going: those move quiet back.
			c.quiet = shaping.Never
			if ok {
				c.quiet = next.at
			}
			return
		}
		c.send(next)
	}
}

// timer is something due at a time, for one direction where it has one.
type timer struct {
	at   time.Duration
	what signal
	dir  datasets.Dir
}

// signal is what a tunnel sends of itself.
type signal uint8

const (
	keepalive signal = iota
	ping
	lateACK
	renegotiation
	natKeepalive
	peerDetection
)

// next is what is due first, false for nothing. Everything due is worked out anew
// from the state, so that no timer has to be stopped when data comes.
func (c *control) next() (first timer, ok bool) {
	consider := func(at time.Duration, what signal, dir datasets.Dir) {
		if !ok || at < first.at {
			first, ok = timer{at, what, dir}, true
		}
	}

	for d := range c.due {
		dir := datasets.Dir(d)
		switch c.kind {
		case "wireguard":
			if c.due[d] != 0 {
				consider(c.due[d], keepalive, dir)
			}
		case "openvpn-udp", "openvpn-udp-cbc", "openvpn-tcp":
			consider(c.sent[d]+10*time.Second, ping, dir)
			if c.unacked[d] > 0 {
				// A segment that no second one follows is acknowledged late.
				consider(c.got[d]+delayedACK, lateACK, dir)
			}
		}
	}

	switch c.kind {
	case "openvpn-udp", "openvpn-udp-cbc", "openvpn-tcp":
		consider(c.keys+c.rekey(), renegotiation, datasets.Up)
	case "esp-gcm-natt":
		consider(c.sent[datasets.Up]+20*time.Second, natKeepalive, datasets.Up)
		fallthrough
	case "esp-gcm", "esp-cbc":
		consider(c.sent[datasets.Down]+30*time.Second, peerDetection, datasets.Up)
	}
	return first, ok
}

// send sends what is due.
func (c *control) send(t timer) {
	// What is sent counts as the last thing that its direction carried, or it would
	// be due again at once.
	switch t.what {
	case keepalive:
		at := t.at
		if at-c.keys > deadKeys {
			c.shake(at, t.dir)
			at += farReply
		}
		c.t.signal(at, t.dir, 32)
		c.due[t.dir], c.sent[t.dir] = 0, at
		c.renew(at, t.dir)
	case ping:
		c.t.signal(t.at, t.dir, c.t.f.inside(16))
		c.sent[t.dir] = t.at
	case lateACK:
		c.ack(t.at, t.dir)
	case renegotiation:
		c.renegotiate(t.at)
	case natKeepalive:
		c.t.signal(t.at, datasets.Up, 1)
		c.sent[datasets.Up] = t.at
	case peerDetection:
		c.t.signal(t.at, datasets.Up, 80)
		c.t.signal(t.at+farReply, datasets.Down, 80)
		c.sent[datasets.Down], c.sent[datasets.Up] = t.at+farReply, t.at
	}
}

// ack acknowledges the segments of dir with an empty packet the other way. For
// those that went up it comes from the far end and passes the gateway later.
func (c *control) ack(t time.Duration, dir datasets.Dir) {
	c.unacked[dir] = 0
	if dir == datasets.Up {
		t += farReply
	}
	c.t.signal(t, 1-dir, 0)
}

// renegotiate exchanges a hello and certificates for new keys.
func (c *control) renegotiate(t time.Duration) {
	for i, size := range []int32{290, 1180, 1180, 220} {
		at := t + time.Duration(2*i)*farReply
		c.t.signal(at, datasets.Up, size)
		c.t.signal(at+farReply, datasets.Down, size)
	}
	c.keys = t
}
