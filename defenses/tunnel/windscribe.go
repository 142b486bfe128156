package tunnel

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Windscribe sends decoy traffic through a WireGuard tunnel of the home, as the
// "decoy traffic" of Windscribe's Android app does (DecoyTrafficController, TrafficTrend
// and FakeTrafficVolume, read in 2026): every few seconds a POST to an address inside
// the tunnel, whose size follows a trend. At a change of trend the volume a minute
// becomes the level's largest (3 in 4, for 60 to 180 s) or its least (1 in 4, for 2 to
// 60 s), or in 9 % of changes one between for a single step, and gets there in 1 to 9
// steps. It never looks at the traffic.
//
// Levels: low, 100 kB to 17.5 MB a minute every 16 to 19 s; medium, 1 to 80 MB every 5
// to 11 s; high, 10 to 160 MB every 1 to 7 s.
//
// Assumed: a POST carries what its interval makes of the volume a minute, and as much
// comes back; bodies are random, so nothing compresses; TCP over IPv4 with time stamps,
// an ACK for every second segment, answers after 30 ms; a POST crosses the line at
// RateMbitS each way, and when it takes longer than the interval the next waits for it.
// Windscribe runs on a phone; here the home's gateway does it for all.
type Windscribe struct {
	Level     string  `help:"low, medium or high"`
	RateMbitS float64 `help:"how fast a decoy crosses the line, each way"`
	Control   bool    `help:"send handshakes, rekeys and keepalives"`
}

var (
	_ defenses.Defense  = Windscribe{}
	_ defenses.Framer   = Windscribe{}
	_ defenses.Tunneler = Windscribe{}
)

// decoyLevel is bytes a minute at the least, how many times as many at most, and the
// seconds between POSTs.
type decoyLevel struct{ base, most, from, to float64 }

func decoyLevels() map[string]decoyLevel {
	return map[string]decoyLevel{
		"low":    {100e3, 175, 16, 19},
		"medium": {1e6, 80, 5, 11},
		"high":   {10e6, 16, 1, 7},
	}
}

// Info names the app's source, which is the only publication there is.
func (d Windscribe) Info() defenses.Info {
	return defenses.Info{
		Name: "windscribe", Doc: fmt.Sprintf("decoy POSTs in a WireGuard tunnel, level %s", d.Level),
		Place: defenses.AtGateway, Needs: []defenses.Party{defenses.TunnelEnd},
		Cite: "Windscribe Android app, decoytraffic; WireGuard", Works: cite.Of("windscribe", "wireguard"),
	}
}

// Validate refuses an unknown level, and rates at which a single decoy of the least
// volume would take hours.
func (d Windscribe) Validate() error {
	return cmp.Or(
		params.KeyOf("level", d.Level, decoyLevels()),
		params.Within("rate_mbit_s", d.RateMbitS, 0.1, 10_000),
	)
}

// FramingBytes is what WireGuard puts around an inner packet.
func (d Windscribe) FramingBytes() int { return int(wireguardFraming(0).fixed) }

// Apply sends all that leaves the home through one tunnel, with decoys between.
func (d Windscribe) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	f := wireguardFraming(0)
	leaves := shaping.NewAssembly(in, len(in.Packets)+len(in.Packets)/4)
	s := shaping.FindStreams(in, true)
	t := &covered(rng, in, s, true, f, d.Control, leaves)[0]
	decoys := decoyer{d: d, tunnel: t, level: decoyLevels()[d.Level], rng: defenses.Stream(rng)}
	decoys.begin()

	// Decoys and originals go in order of time, as what the tunnel has due of itself
	// depends on both.
	for i, p := range in.Packets {
		if s.Of[p.Flow] == shaping.NoStream {
			leaves.Whole(i, p)
			continue
		}
		if err := decoys.until(p.Time); err != nil {
			return defenses.Defended{}, err
		}
		split(p, in.Flows[p.Flow], f.mtu, func(inner, payload int32) {
			t.data(t.outer(p.Time, p.Dir, f.inside(inner)), int32(i), payload)
		})
	}
	if err := decoys.until(in.End); err != nil {
		return defenses.Defended{}, err
	}
	t.over()
	return leaves.Defended(coveredFlows(in, s, true, f)), nil
}

// decoyer makes decoys, one after the other.
type decoyer struct {
	d      Windscribe
	level  decoyLevel
	tunnel *tunnel
	rng    *rand.Rand

	next time.Duration // when the next POST begins
	// waiting are the packets of POSTs begun, in order of time; the first at have left.
	waiting []datasets.Packet
	at      int
	sent    int

	// The trend: the factor of the volume, where it goes and in how many steps, and how
	// long it stays.
	factor, target float64
	steps          int
	stay           time.Duration
}

// begin starts the first interval at a random point of it: the app ran before.
func (c *decoyer) begin() {
	c.factor, c.target = 1, 1
	c.next = time.Duration(c.rng.Float64() * float64(c.interval()))
}

func (c *decoyer) interval() time.Duration {
	return params.Seconds(c.level.from + c.rng.Float64()*(c.level.to-c.level.from))
}

// until sends what comes up to now. It fails when that is more than memory should hold.
func (c *decoyer) until(now time.Duration) error {
	for {
		for ; c.at < len(c.waiting) && c.waiting[c.at].Time <= now; c.at++ {
			c.tunnel.dummy(c.waiting[c.at])
		}
		if c.at < len(c.waiting) || c.next > now {
			return nil
		}
		if c.sent += len(c.waiting); c.sent > maxPadding {
			return fmt.Errorf("windscribe: more than %d decoy packets: take a shorter recording or a lower level", maxPadding)
		}
		c.waiting, c.at = c.waiting[:0], 0
		c.post()
	}
}

// post makes the packets of one POST and sets when the next begins.
func (c *decoyer) post() {
	interval := c.interval()
	c.trend(interval)
	bytes := c.level.base * c.factor * interval.Minutes()

	// Segments as large as the tunnel takes: 20 bytes of IP, 20 of TCP and 12 of its
	// time stamps are in each.
	const headers = shaping.TCP4Headers + 12
	mss := float64(c.tunnel.f.mtu - headers)
	n := max(1, int(bytes/mss+0.5))
	gap := time.Duration(float64(c.tunnel.f.size(c.tunnel.f.mtu)) * 8 / c.d.RateMbitS * 1e3)

	// The request, then as much back. What is far away answers later than what is in
	// the home, so ACKs of the request come among its later segments.
	at := c.next
	for sender, reply := range [2]time.Duration{datasets.Up: farReply, datasets.Down: 0} {
		dir := datasets.Dir(sender)
		for i := range n {
			c.packet(at, dir, c.tunnel.f.mtu)
			if i%2 == 1 || i == n-1 {
				c.packet(at+reply, 1-dir, headers)
			}
			at += gap
		}
		at += farReply
	}
	slices.SortStableFunc(c.waiting, func(a, b datasets.Packet) int { return cmp.Compare(a.Time, b.Time) })
	c.next = max(c.next+interval, at)
}

// packet appends an inner packet of n bytes of a POST.
func (c *decoyer) packet(at time.Duration, dir datasets.Dir, n int32) {
	c.waiting = append(c.waiting, c.tunnel.outer(at, dir, c.tunnel.f.inside(n)))
}

// trend moves the volume on by one POST.
func (c *decoyer) trend(interval time.Duration) {
	switch {
	case c.steps > 0:
		c.factor += (c.target - c.factor) / float64(c.steps)
		c.steps--
		return
	case c.stay > 0:
		c.stay -= interval
		return
	}

	// A change. How long the ramp takes is not part of how long the trend stays.
	seconds := func(from, to float64) time.Duration { return params.Seconds(from + c.rng.Float64()*(to-from)) }
	switch {
	case c.rng.Float64() >= 0.91:
		c.target, c.stay = 1+c.rng.Float64()*(c.level.most-1), 0
	case c.rng.IntN(4) < 3:
		c.target, c.stay = c.level.most, seconds(60, 180)
	default:
		c.target, c.stay = 1, seconds(2, 60)
	}
	c.steps = 1 + c.rng.IntN(9)
}
