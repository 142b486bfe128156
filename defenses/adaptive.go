package defenses

import (
	"math"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// AdaptivePadding fills silences so that they look like bursts (WTF-PAD, Juarez
// et al. 2016). Each end of a device's stream runs a machine: a real packet
// sent or received starts a timer drawn from a burst distribution; if nothing
// happens before it ends, a cover packet is sent, and more follow at times
// drawn from a gap distribution, until the draw is infinity. A real packet
// starts over.
//
// Distributions are normal, absolute values taken. A burst begins with
// probability 1/n of its row, and a gap's draw is finite so often that n cover
// packets follow on average (this reading of the published first column is
// ours). Deviations: no token removal, which only follows a histogram more
// closely; cover does not start the other end's machine.
//
// normal-rcv has the published values; home is ours, for the rates of smart
// homes: bursts with probability 1/2 after 0.05 s +- 0.05, gaps 0.2 s +- 0.1,
// 4 packets.
type AdaptivePadding struct {
	Variant   string `help:"normal-rcv or home"`
	SizeBytes int    `help:"size of cover IP packets; 0: as the device's last one"`
}

var _ Defense = AdaptivePadding{}

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

// Info describes the defense.
func (AdaptivePadding) Info() Info {
	return Info{
		Name: "adaptive-padding", Doc: "cover packets that fill silences like bursts",
		Place: AtDevice, Needs: []Party{Cloud}, Cite: "Juarez et al. 2016 (WTF-PAD)", Works: cite.Of("juarez2016wtfpad"),
	}
}

// Validate refuses parameters out of range.
func (d AdaptivePadding) Validate() error {
	return first(variant(d.Variant, adaptiveVariants()), orZero("size_bytes", d.SizeBytes, 60, mtu))
}

// Apply adds cover.
func (d AdaptivePadding) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	machines := adaptiveVariants()[d.Variant]
	s := devices(in, false)
	ends := make([][2]timer, len(s.first))
	for k := range ends {
		for dir := range ends[k] {
			ends[k][dir] = timer{rng: Stream(rng), at: never, stream: int32(k), dir: datasets.Dir(dir)}
		}
	}
	var dummies []dummy
	for _, p := range in.Packets {
		k := s.of[p.Flow]
		if k == own {
			continue
		}
		for dir := range ends[k] {
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
	for k := range ends {
		for dir := range ends[k] {
			dummies = ends[k][dir].until(in.End+1, dummies)
		}
	}
	return dress(in, s, int32(d.SizeBytes), dummies), nil
}

// timer is the state of one end of a stream.
type timer struct {
	rng    *rand.Rand
	at     time.Duration // when the next cover packet is due
	gap    draws
	stream int32
	dir    datasets.Dir
}

// start begins again after a real packet.
func (t *timer) start(now time.Duration, burst, gap draws) {
	t.at, t.gap = never, gap
	if t.rng.Float64() < 1/burst.n {
		t.at = now + burst.draw(t.rng)
	}
}

// until makes the cover packets that are due before now.
func (t *timer) until(now time.Duration, dummies []dummy) []dummy {
	for t.at < now {
		dummies = append(dummies, dummy{t.at, t.stream, t.dir})
		if t.rng.Float64() < 1/t.gap.n {
			t.at = never
		} else {
			t.at += t.gap.draw(t.rng)
		}
	}
	return dummies
}

func (d draws) draw(rng *rand.Rand) time.Duration {
	return seconds(math.Abs(d.mean+d.sd*rng.NormFloat64())) + 1
}
