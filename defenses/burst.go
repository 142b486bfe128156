package defenses

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// UniformBurst makes all bursts alike (IoTEvent, section 6, second suggestion):
// the same number of packets of the same size in the same directions. The
// first packet of a device after silence starts a burst of Slots packets,
// IntervalS apart, up and down in turn, which carry what the device sends and
// receives, and cover where nothing waits. What does not fit, or comes while
// the burst runs, goes on in another burst right after it.
//
// Deviation: no defense knows which traffic belongs to events, so heartbeats
// become bursts too. With Slots of 0, Fit chooses the least even number with
// which a share Share of the training events fits one burst.
type UniformBurst struct {
	Slots     int     `help:"packets in a burst; 0: learned in training"`
	Share     float64 `help:"share of the training events that are to fit one burst"`
	IntervalS float64 `help:"time between packets of a burst"`
	SizeBytes int     `help:"size of every IP packet"`

	slots int // learned
}

var (
	_ Defense = UniformBurst{}
	_ Fitter  = UniformBurst{}
)

// Info describes the defense.
func (UniformBurst) Info() Info {
	return Info{
		Name: "uniform-burst", Doc: "every burst with the same packets in the same directions",
		Place: AtDevice, Needs: []Party{TunnelEnd}, Cite: "IoTEvent, second suggestion", Works: cite.Of("iotevent2022"),
	}
}

// Validate refuses parameters out of range.
func (d UniformBurst) Validate() error {
	return first(
		within("slots", d.Slots, 0, 100_000),
		within("share", d.Share, 0, 1),
		within("interval_s", d.IntervalS, 1e-4, 60),
		within("size_bytes", d.SizeBytes, udp4+1, mtu),
	)
}

// Fit finds the number of packets in a burst.
func (d UniformBurst) Fit(ctx context.Context, _ *rand.Rand, training []datasets.Recording) (Defense, error) {
	if d.Slots > 0 {
		return d, nil
	}
	var need []int
	for _, r := range training {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, e := range recordedEvents(r, 10*time.Second) {
			need = append(need, d.need(e))
		}
	}
	if len(need) == 0 {
		return nil, errors.New("uniform-burst: no event with packets in the training recordings (set slots)")
	}
	slices.Sort(need)
	d.slots = need[min(len(need)-1, int(d.Share*float64(len(need))))]
	return d, nil
}

// need is how many slots event e takes.
func (d UniformBurst) need(e decoy) int {
	t := datasets.Trace{Packets: e.packets}
	idle := streams{of: make([]int32, len(e.flows)), first: make([]datasets.Flow, 1)}
	qs, _ := queues(t, idle)
	b := NewBuilder(0)
	now := e.packets[0].Time
	for n := 0; ; n++ {
		if qs[0].empty() && qs[1].empty() {
			return (n + 1) / 2 * 2
		}
		qs[n%2].fill(b, now, int32(d.SizeBytes)-udp4)
		now += seconds(d.IntervalS)
	}
}

// Apply shapes. It fails before Fit unless Slots is set.
func (d UniformBurst) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	slots := max(d.Slots, d.slots)
	if slots == 0 {
		return Defended{}, errors.New("uniform-burst: slots=0 must be fitted to training recordings first")
	}
	interval := seconds(d.IntervalS)
	return pace(rng, in, false, int32(d.SizeBytes), func(_ *rand.Rand, qs *[2]queue, p *part) {
		var free time.Duration // when the burst before is over
		for start, ok := next(qs); ok; start, ok = next(qs) {
			start = max(start, free)
			for k := range slots {
				now := start + time.Duration(k)*interval
				if p.over(now, qs) {
					return
				}
				p.send(&qs[k%2], datasets.Dir(k%2), now)
			}
			free = start + time.Duration(slots)*interval
		}
	})
}
