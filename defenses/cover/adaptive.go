package cover

import (
	"cmp"
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// AdaptivePadding fills silences so that they look like bursts (WTF-PAD, Juarez
// et al. 2016). Each end of a device's stream runs a machine: a real packet
// sent or received starts a timer drawn from a burst distribution; if nothing
// happens before it ends, a dummy packet is sent, and more follow at times
// drawn from a gap distribution, until the draw is infinity. A real packet
// starts over.
//
// Distributions are normal, absolute values taken. A burst begins with
// probability 1/n of its row, and a gap's draw is finite so often that n dummy
// packets follow on average (this reading of the published first column is
// ours). Deviations: no token removal, which only follows a histogram more
// closely; dummies do not start the other end's machine.
//
// normal-rcv has the published values; home is ours, for the rates of smart
// homes: bursts with probability 1/2 after 0.05 s +- 0.05, gaps 0.2 s +- 0.1,
// 4 packets. A variant is a table of 24 numbers, which is why it stays a
// parameter and is no preset.
type AdaptivePadding struct {
	Variant   string `help:"normal-rcv or home"`
	SizeBytes int    `help:"size of dummy IP packets; 0: as the device's last one"`
}

var _ defenses.Defense = AdaptivePadding{}

// draws is a row of the table: n, mean and standard deviation in seconds.
type draws struct{ n, mean, sd float64 }

// machine holds the rows of one end: after a packet sent, after one received.
type machine struct{ sndBurst, sndGap, rcvBurst, rcvGap draws }

// adaptiveVariants are the machines of the home's end and of the far one.
func adaptiveVariants() map[string][2]machine {
	burst, gap := draws{2, 0.05, 0.05}, draws{4, 0.2, 0.1}
	home := machine{burst, gap, burst, gap}
	return map[string][2]machine{
		"normal-rcv": {
			{
				sndBurst: draws{9, 0.001564, 0.0523}, sndGap: draws{21, 0.0613, 0.03995},
				rcvBurst: draws{9, 1.287e-5, 9.23e-4}, rcvGap: draws{21, 1.369e-4, 9.23e-4},
			},
			{
				sndBurst: draws{19, 3.6e-5, 0.0275}, sndGap: draws{34, 0.01326, 0.0974},
				rcvBurst: draws{19, 4.05e-6, 0.01264}, rcvGap: draws{34, 0.01326, 0.01265},
			},
		},
		"home": {home, home},
	}
}

// Info puts it at the device and at the cloud: each end runs a machine.
func (AdaptivePadding) Info() defenses.Info {
	return defenses.Info{
		Name: "adaptive-padding", Doc: "dummy packets that fill silences like bursts",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.Cloud}, Cite: "Juarez et al. 2016 (WTF-PAD)", Works: cite.Of("juarez2016wtfpad"),
	}
}

// Validate refuses an unknown variant, and packets that are shorter than headers
// or longer than the MTU.
func (d AdaptivePadding) Validate() error {
	return cmp.Or(params.KeyOf("variant", d.Variant, adaptiveVariants()), params.ZeroOrWithin("size_bytes", d.SizeBytes, 60, shaping.MTU))
}

// Apply adds dummy packets where a device falls silent, each by the timer of one
// end of its stream. Original packets stay as they are.
func (d AdaptivePadding) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	machines := adaptiveVariants()[d.Variant]
	s := shaping.FindStreams(in, false)

	// Each end of each stream draws from a generator of its own, so a device
	// does not change the draws of another.
	ends := make([][2]timer, len(s.First))
	for k := range ends {
		for dir := range ends[k] {
			ends[k][dir] = timer{rng: defenses.Stream(rng), at: shaping.Never, stream: int32(k), dir: datasets.Dir(dir)}
		}
	}

	var dummies []dummy
	for _, p := range in.Packets {
		k := s.Of[p.Flow]
		if k == shaping.NoStream {
			continue
		}
		for dir := range ends[k] {
			// What was due before this packet has left already; then both ends
			// start over, one for having sent, the other for having received.
			t := &ends[k][dir]
			dummies = t.until(p.Time, dummies)
			m := machines[dir]
			if datasets.Dir(dir) == p.Dir {
				t.start(p.Time, m.sndBurst, m.sndGap)
			} else {
				t.start(p.Time, m.rcvBurst, m.rcvGap)
			}
		}
	}

	// Silence lasts until observing stops.
	for k := range ends {
		for dir := range ends[k] {
			dummies = ends[k][dir].until(in.End+1, dummies)
		}
	}
	return blend(in, s, int32(d.SizeBytes), dummies), nil
}

// timer is the state of one end of a stream.
type timer struct {
	rng    *rand.Rand
	at     time.Duration // when the next dummy packet is due
	gap    draws
	stream int32
	dir    datasets.Dir
}

// start begins again after a real packet.
func (t *timer) start(now time.Duration, burst, gap draws) {
	t.at, t.gap = shaping.Never, gap
	if t.rng.Float64() < 1/burst.n {
		t.at = now + burst.draw(t.rng)
	}
}

// until makes the dummy packets that are due before now.
func (t *timer) until(now time.Duration, dummies []dummy) []dummy {
	for t.at < now {
		dummies = append(dummies, dummy{t.at, t.stream, t.dir})
		if t.rng.Float64() < 1/t.gap.n {
			t.at = shaping.Never
		} else {
			t.at += t.gap.draw(t.rng)
		}
	}
	return dummies
}

// draw is a time of the row, at least a nanosecond, as two packets of one timer
// at one instant would never end.
func (d draws) draw(rng *rand.Rand) time.Duration {
	return params.Seconds(math.Abs(d.mean+d.sd*rng.NormFloat64())) + 1
}
