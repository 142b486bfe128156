package rate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Constant sends packets of one size at a fixed rate in each direction: the
// traffic as far as it fits, dummies where nothing waits. Streams are UDP
// tunnels, so the headers of the originals travel inside.
//
// Per device (independent link padding) each device has a stream of its own to
// the far end, with clocks of its own; per home one stream at the gateway
// carries all.
//
// With a QuietS of 0 a stream runs from the first moment to the trace's End and
// until everything has left (Apthorpe et al., A Smart Home is No Castle, section
// 6). Otherwise it runs in sessions, as in website fingerprinting: from the first
// packet, until QuietS have passed without a packet, nothing waits, MinS are over
// and each direction has sent a multiple of Multiple; the next packet begins
// another. The publications stop when the page has loaded, which no defense can
// know.
type Constant struct {
	SizeBytes     int     `help:"size of every IP packet"`
	IntervalS     float64 `help:"time between packets of a stream up"`
	IntervalDownS float64 `help:"the same down; 0: as interval_s"`
	QuietS        float64 `help:"silence that ends a session; 0: there are none, it never ends"`
	MinS          float64 `help:"least length of a session"`
	Multiple      int     `help:"a session's packets in a direction are a multiple of it"`
	Geometric     bool    `help:"a session goes on for 0, 1, 2, ... multiples more, with probability 1/2, 1/4, 1/8, ..."`
	Per           string  `help:"device or home: what has a stream of its own"`
}

var (
	_ defenses.Defense   = Constant{}
	_ defenses.Presetter = Constant{}
	_ defenses.DrawIDer  = Constant{}
)

// NewConstant is a rate for each device that never ends, at 10 kB/s each way.
func NewConstant() Constant {
	return Constant{SizeBytes: 1000, IntervalS: 0.1, Multiple: 1, Per: "device"}
}

// Presets are BuFLO (d, rho, tau are size_bytes, interval_s, min_s) and Tamaraw
// (rho out and in, L are interval_s, interval_down_s, multiple), published and
// for the rates of smart homes. The publications give no silence that ends a
// session: 2 s is ours.
func (Constant) Presets() []defenses.Preset {
	preset := func(name, doc string, size int, up, down, least float64, multiple int) defenses.Preset {
		return defenses.Preset{Name: name, Doc: doc, Defense: Constant{
			SizeBytes: size, IntervalS: up, IntervalDownS: down, QuietS: 2, MinS: least, Multiple: multiple,
			Geometric: name == "tamaraw-front", Per: "device",
		}}
	}
	return []defenses.Preset{
		preset("buflo", "Dyer et al. 2012, section 7: d 1500, rho 20 ms, tau 10 s", 1500, 0.02, 0, 10, 1),
		preset("tamaraw", "Cai et al. 2014, L 100; the size is recalled", 750, 0.04, 0.012, 0, 100),
		preset("tamaraw-front", "Tamaraw as the FRONT repository has it: L 50 and a geometric number of blocks more", 750, 0.04, 0.012, 0, 50),
		preset("tamaraw-wfes", "Tamaraw as the wfes repository has it: L 750", 750, 0.04, 0.012, 0, 750),
		preset("tamaraw-live", "Tamaraw as WFDefProxy runs it on live Tor", 750, 0.012, 0.004, 0, 200),
		preset("tamaraw-qcsd", "Tamaraw as QCSD runs it from the client", 1250, 0.02, 0.005, 0, 300),
		preset("buflo-home", "BuFLO at 5 kB/s, at least 5 s", 512, 0.1, 0, 5, 1),
		preset("tamaraw-home", "Tamaraw at 5 kB/s, L 20", 512, 0.1, 0, 0, 20),
	}
}

// DrawID is the ID of when presets were variants.
func (d Constant) DrawID() string {
	// A parameter of then has the value 0 unless it was set by hand; this one was
	// not there.
	geometric := fmt.Sprintf("geometric=%v,", d.Geometric)
	return strings.Replace(shaping.VariantID(d, NewConstant(), "plain",
		"size_bytes", "interval_s", "interval_down_s", "min_s", "quiet_s", "multiple"), geometric, "", 1)
}

// Info names the publication that the parameters make it: a session that has
// only a least length is BuFLO's, one padded to a multiple Tamaraw's. Its place
// depends on Per.
func (d Constant) Info() defenses.Info {
	i := defenses.Info{
		Name: "constant-rate", Place: shaping.PlaceOf(d.Per), Needs: []defenses.Party{defenses.TunnelEnd},
		Doc: fmt.Sprintf("packets of %d bytes every %v s up and %v s down", d.SizeBytes, d.IntervalS, d.downS()),
	}
	switch {
	case d.QuietS == 0:
		i.Cite, i.Works = "Apthorpe et al. 2017, section 6", cite.Of("apthorpe2017castle")
	case d.Multiple == 1:
		i.Cite, i.Works = "Dyer et al. 2012, section 7 (BuFLO)", cite.Of("dyer2012peekaboo")
	default:
		i.Cite, i.Works = "Cai et al. 2014 (Tamaraw)", cite.Of("cai2014tamaraw")
	}
	return i
}

// Validate refuses packets without room for a byte or above the MTU, intervals
// below 10 µs or above an hour, and a multiple of 0, which no count reaches.
func (d Constant) Validate() error {
	return cmp.Or(
		params.Within("size_bytes", d.SizeBytes, shaping.UDP4Headers+1, shaping.MTU),
		params.Within("interval_s", d.IntervalS, 1e-5, 3600),
		params.ZeroOrWithin("interval_down_s", d.IntervalDownS, 1e-5, 3600),
		params.ZeroOrWithin("quiet_s", d.QuietS, 1e-3, 86400),
		params.Within("min_s", d.MinS, 0, 86400),
		params.Within("multiple", d.Multiple, 1, 1_000_000),
		shaping.CheckPer(d.Per),
	)
}

// Apply takes all that leaves the home into streams of equal packets at fixed
// times; an original leaves when it fits, in as many packets as it takes. It
// fails with ErrSaturated when the rate cannot carry the traffic.
func (d Constant) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	shared := d.Per == shaping.PerHome
	if d.QuietS > 0 {
		return pace(rng, in, shared, int32(d.SizeBytes), d.sessions)
	}

	s := shaping.FindStreams(in, shared)
	flows := tunnels(in, s, shared)
	ticks := make([]ticker, 2*len(s.First))
	interval := d.intervals()
	for i := range ticks {
		// The phases do not depend on the traffic.
		every := interval[i%2]
		ticks[i] = ticker{next: time.Duration(rng.Int64N(int64(every))), interval: every}
	}
	return shape(in, s, flows, int32(d.SizeBytes), ticks)
}

// downS is the time between packets down in seconds.
func (d Constant) downS() float64 { return cmp.Or(d.IntervalDownS, d.IntervalS) }

// intervals are the times between packets, by direction.
func (d Constant) intervals() [2]time.Duration {
	return [2]time.Duration{datasets.Up: params.Seconds(d.IntervalS), datasets.Down: params.Seconds(d.downS())}
}

// sessions sends a stream in sessions.
func (d Constant) sessions(rng *rand.Rand, p *part) {
	for start, ok := p.next(); ok; start, ok = p.next() {
		if !d.session(rng, p, p.after(start)) {
			return
		}
	}
}

// session sends one session; false means that observing is over.
func (d Constant) session(rng *rand.Rand, p *part, start time.Duration) bool {
	interval := d.intervals()
	at := [2]time.Duration{start, start}
	var count [2]int

	// How many packets each direction sends beyond the multiple it reaches, drawn
	// before anything is sent.
	var extra [2]int
	if d.Geometric {
		for dir := range extra {
			for rng.IntN(2) == 0 {
				extra[dir] += d.Multiple
			}
		}
	}

	full := func(dir datasets.Dir) bool { return count[dir]%d.Multiple == 0 && count[dir] > 0 }
	for {
		dir := earlier(at)
		now := at[dir]
		if p.over(now) {
			return false
		}
		active := d.active(p, start, now)
		if !active && full(datasets.Up) && full(datasets.Down) && extra == [2]int{} {
			return true
		}
		at[dir] += interval[dir]

		// A direction that is full keeps silent, unless it has extra packets to
		// send: then another multiple begins, which it fills like any other.
		if !active && full(dir) {
			if extra[dir] == 0 {
				continue
			}
			extra[dir] -= d.Multiple
		}
		p.send(dir, now)
		count[dir]++
	}
}

// active tells whether a session that began at start still has something to
// carry at now, or must wait for it.
func (d Constant) active(p *part, start, now time.Duration) bool {
	return now-start < params.Seconds(d.MinS) || p.waits(now) || now-p.last() < params.Seconds(d.QuietS)
}
