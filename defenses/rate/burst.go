package rate

import (
	"cmp"
	"context"
	"errors"
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

// UniformBurst makes all bursts alike (IoTEvent, section 5.2.2, its second suggestion):
// the same number of packets of the same size in the same directions. The
// first packet of a device after silence starts a burst of Slots packets,
// IntervalS apart, up and down in turn, which carry what the device sends and
// receives, and dummies where nothing waits. What does not fit, or comes while
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
	_ defenses.Defense = UniformBurst{}
	_ defenses.Fitter  = UniformBurst{}
)

// Info puts it at the device and at the end of its tunnel, which sends the slots
// down.
func (UniformBurst) Info() defenses.Info {
	return defenses.Info{
		Name: "uniform-burst", Doc: "every burst with the same packets in the same directions",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.TunnelEnd}, Cite: "IoTEvent, section 5.2.2", Works: cite.Of("iotevent2022"),
	}
}

// Validate refuses bursts of more than 100,000 packets, a share that is none,
// intervals below 0.1 ms or above a minute, and packets without room for a byte
// or above the MTU.
func (d UniformBurst) Validate() error {
	return cmp.Or(
		params.Within("slots", d.Slots, 0, 100_000),
		params.Within("share", d.Share, 0, 1),
		params.Within("interval_s", d.IntervalS, 1e-4, 60),
		params.Within("size_bytes", d.SizeBytes, shaping.UDP4Headers+1, shaping.MTU),
	)
}

// Fit finds the number of packets in a burst. It fails when no event of the
// training has packets. With Slots set it learns nothing.
func (d UniformBurst) Fit(ctx context.Context, _ *rand.Rand, training []datasets.Recording) (defenses.Defense, error) {
	if d.Slots > 0 {
		return d, nil
	}

	var need []int
	for _, r := range training {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, e := range shaping.Events(r, 10*time.Second) {
			need = append(need, d.need(e))
		}
	}
	if len(need) == 0 {
		return nil, errors.New("uniform-burst: no event with packets in the training recordings (set slots)")
	}

	// The share's quantile of what events need; a share of 1 is the largest.
	slices.Sort(need)
	d.slots = need[min(len(need)-1, int(d.Share*float64(len(need))))]
	return d, nil
}

// need is how many slots event e takes when it has the stream for itself: the
// burst is played until nothing is left, and ends after a slot down.
func (d UniformBurst) need(e shaping.Event) int {
	t := datasets.Trace{Packets: e.Packets}
	alone := shaping.Streams{Of: make([]int32, len(e.Flows)), First: make([]datasets.Flow, 1)}
	qs, _ := queues(t, alone)

	now := e.Packets[0].Time
	for n := 0; ; n++ {
		if qs[0].empty() && qs[1].empty() {
			return (n + 1) / 2 * 2
		}
		qs[n%2].fill(nil, now, int32(d.SizeBytes)-shaping.UDP4Headers)
		now += params.Seconds(d.IntervalS)
	}
}

// Apply takes all that leaves the home into bursts on a tunnel for each device,
// where it waits for a slot of its direction. It fails before Fit unless Slots is
// set, and with ErrSaturated when bursts in a row cannot carry the traffic.
func (d UniformBurst) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	slots := max(d.Slots, d.slots)
	if slots == 0 {
		return defenses.Defended{}, fmt.Errorf("uniform-burst: slots=0 %w", defenses.ErrNotFitted)
	}

	interval := params.Seconds(d.IntervalS)
	return pace(rng, in, false, int32(d.SizeBytes), func(_ *rand.Rand, p *part) {
		var free time.Duration // when the burst before is over
		for start, ok := p.next(); ok; start, ok = p.next() {
			start = max(start, free)
			for k := range slots {
				now := start + time.Duration(k)*interval
				if p.over(now) {
					return
				}
				p.send(datasets.Dir(k%2), now)
			}
			free = start + time.Duration(slots)*interval
		}
	})
}
