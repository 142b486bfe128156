package defenses

import (
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// Jitter delays every packet by a random time of MinS to MaxS. The order of a
// flow is kept across directions, so a packet also waits for the one before
// it; flows are delayed apart. IoT-Traffic-Camouflage takes 0.01 to 0.1 or
// 0.2 s (and writes the wall clock instead).
type Jitter struct {
	MinS float64 `help:"least delay"`
	MaxS float64 `help:"largest delay"`
}

var _ Defense = Jitter{}

// Info describes the defense.
func (Jitter) Info() Info {
	return Info{
		Name: "jitter", Doc: "random delay, order kept", Place: AtGateway,
		Cite: "IoT-Traffic-Camouflage, delay", Works: cite.Of("iot-traffic-camouflage"),
	}
}

// Validate refuses parameters out of range.
func (d Jitter) Validate() error {
	return first(within("max_s", d.MaxS, 0, 30), within("min_s", d.MinS, 0, d.MaxS))
}

// Apply delays.
func (d Jitter) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	least, span := seconds(d.MinS), int64(seconds(d.MaxS)-seconds(d.MinS))
	last := make([]time.Duration, len(in.Flows))
	drafts := make([]draft, len(in.Packets))
	for i, p := range in.Packets {
		if outside(in.Flows[p.Flow]) {
			p.Time = max(p.Time+least+time.Duration(rng.Int64N(span+1)), last[p.Flow])
			last[p.Flow] = p.Time
		}
		drafts[i] = whole(i, p, p.Payload)
	}
	return assemble(in, in.Flows, drafts), nil
}
