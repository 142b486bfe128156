// Package timing changes when packets leave and nothing else.
package timing

import (
	"cmp"
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Jitter delays every packet by a random time of MinS to MaxS. The order of a
// flow is kept across directions, so a packet also waits for the one before
// it; flows are delayed apart. IoT-Traffic-Camouflage takes 0.01 to 0.1 or
// 0.2 s (and writes the wall clock instead).
type Jitter struct {
	MinS float64 `help:"least delay"`
	MaxS float64 `help:"largest delay"`
}

var _ defenses.Defense = Jitter{}

// Info puts it at the gateway, which can hold back packets of both directions
// without anybody's help.
func (Jitter) Info() defenses.Info {
	return defenses.Info{
		Name: "jitter", Doc: "random delay, order kept", Place: defenses.AtGateway,
		Cite: "IoT-Traffic-Camouflage, delay", Works: cite.Of("iot-traffic-camouflage"),
	}
}

// Validate refuses delays above 30 s, at which connections break, and a least
// delay above the largest.
func (d Jitter) Validate() error {
	return cmp.Or(params.Within("max_s", d.MaxS, 0, 30), params.Within("min_s", d.MinS, 0, d.MaxS))
}

// Apply moves each packet that leaves the home to a later time; packets inside
// the home keep theirs. Delays may move the trace's end.
func (d Jitter) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	least, span := params.Seconds(d.MinS), int64(params.Seconds(d.MaxS)-params.Seconds(d.MinS))
	last := make([]time.Duration, len(in.Flows))
	a := shaping.NewAssembly(in, len(in.Packets))
	for i, p := range in.Packets {
		if in.Flows[p.Flow].Exposed() {
			// Not before the one before it: a delay that overtakes would
			// reorder a flow, which its receiver would take for loss.
			p.Time = max(p.Time+least+time.Duration(rng.Int64N(span+1)), last[p.Flow])
			last[p.Flow] = p.Time
		}
		a.Whole(i, p)
	}
	return a.Defended(in.Flows), nil
}
