package tunnel

import (
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/defenses/shaping"
)

// control makes the packets that a tunnel sends of itself, forward in time. The
// home began the tunnel before the trace starts, at a random point of the rekey
// interval. The far end answers after 30 ms. No data waits for a handshake: a
// rekey runs beside the old keys.
//
//   - wireguard: initiation of 148 bytes up and response of 92 down when data
//     goes up and the keys are older than 120 s (165 s when it goes down), and
//     a keepalive of 32 bytes by whoever has received data and not sent any
//     for 10 s.
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
	// sent and got are when a direction last carried anything, and data.
	sent, got [2]time.Duration
	// due is when a direction's keepalive is to be sent; 0: none.
	due [2]time.Duration
	// keys is when keys were made, which may be before the trace.
	keys time.Duration
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
)

// newControl begins a tunnel of that kind some time before the trace: the ages of
// its keys and of the last packet each way are drawn, as a trace that always
// began with a handshake would give its start away.
func newControl(kind string, t *tunnel, rng *rand.Rand) *control {
	c := &control{t: t, kind: kind, quiet: -shaping.Never}
	c.keys = -time.Duration(rng.Int64N(int64(c.rekey())))
	for d := range c.sent {
		c.sent[d] = -time.Duration(rng.Int64N(int64(10 * time.Second)))
	}
	return c
}

// rekey is the age at which keys are replaced.
func (c *control) rekey() time.Duration {
	if c.kind == "wireguard" {
		return 120 * time.Second
	}
	return time.Hour
}

// data notes that data goes at now, after whatever was due before.
func (c *control) data(now time.Duration, dir datasets.Dir) {
	c.until(now)
	other := 1 - dir
	switch c.kind {
	case "wireguard":
		// Keys grow old only by use: an idle tunnel makes no handshake.
		age := now - c.keys
		if dir == datasets.Up && age > c.rekey() || dir == datasets.Down && age > 165*time.Second {
			c.t.signal(now, datasets.Up, 148)
			c.t.signal(now+farReply, datasets.Down, 92)
			c.keys = now
		}

		// Data is as good as a keepalive for its sender, and the other side owes
		// one from the first packet that it has not answered.
		c.due[dir] = 0
		if c.due[other] == 0 {
			c.due[other] = now + 10*time.Second
			c.quiet = min(c.quiet, c.due[other])
		}
	case "openvpn-tcp":
		c.unacked[other] = 0 // the segment acknowledges
		if c.unacked[dir]++; c.unacked[dir] == 2 {
			c.ack(now, dir)
		}
		c.quiet = min(c.quiet, now+delayedACK)
	}
	c.sent[dir], c.got[dir] = now, now
}

// until sends what is due up to now.
func (c *control) until(now time.Duration) {
	for now >= c.quiet {
		at, send := c.next()
		if send == nil || at > now {
			// Data that comes puts off what is due, but for the two things that
			// data sets going: those move quiet back.
			c.quiet = shaping.Never
			if send != nil {
				c.quiet = at
			}
			return
		}
		send(at)
	}
}

// next is what is due first and when, nil for nothing. Everything due is worked
// out anew from the state, so that no timer has to be stopped when data comes.
func (c *control) next() (at time.Duration, send func(time.Duration)) {
	consider := func(t time.Duration, f func(time.Duration)) {
		if send == nil || t < at {
			at, send = t, f
		}
	}

	for d := range c.due {
		dir := datasets.Dir(d)
		switch c.kind {
		case "wireguard":
			if c.due[d] != 0 {
				consider(c.due[d], func(t time.Duration) {
					c.t.signal(t, dir, 32)
					c.due[d], c.sent[d] = 0, t
				})
			}
		case "openvpn-udp", "openvpn-udp-cbc", "openvpn-tcp":
			consider(c.sent[d]+10*time.Second, func(t time.Duration) {
				c.t.signal(t, dir, c.t.f.size(16)-c.t.f.outer())
				c.sent[d] = t
			})
			if c.unacked[d] > 0 {
				// A segment that no second one follows is acknowledged late.
				consider(c.got[d]+delayedACK, func(t time.Duration) { c.ack(t, dir) })
			}
		}
	}

	switch c.kind {
	case "openvpn-udp", "openvpn-udp-cbc", "openvpn-tcp":
		consider(c.keys+c.rekey(), c.renegotiate)
	case "esp-gcm-natt":
		consider(c.sent[datasets.Up]+20*time.Second, func(t time.Duration) {
			c.t.signal(t, datasets.Up, 1)
			c.sent[datasets.Up] = t
		})
		fallthrough
	case "esp-gcm", "esp-cbc":
		consider(c.sent[datasets.Down]+30*time.Second, func(t time.Duration) {
			c.t.signal(t, datasets.Up, 80)
			c.t.signal(t+farReply, datasets.Down, 80)
			c.sent[datasets.Down], c.sent[datasets.Up] = t+farReply, t
		})
	}
	return at, send
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
