package window

import (
	"fmt"
	"math"
	"slices"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/features"
	"veilbench/datasets"
)

// contextPackets is how many neighbors on each side the second feature set of
// window-forest holds.
const contextPackets = 3

// Vectors shows each packet by the five features of HomeMole (Dong et al., 2019,
// section 3), as numbers, with its stream, which other attacks on devices go
// by, and again with the lengths and gaps of the packets around it.
func (a Forest) Vectors(task datasets.Task, l attacks.Labeled) attacks.Features {
	if task != datasets.TaskDevice || len(l.Labels.Owners) != len(l.Trace.Packets) {
		return attacks.Features{}
	}
	f := attacks.Features{Items: len(l.Trace.Packets), Class: func(i int) string {
		if o := l.Labels.Owners[i]; o >= 0 {
			return l.Labels.Devices[o]
		}
		return datasets.Nobody
	}}

	// Flows are few and packets many: a stream is hashed once for each flow.
	streams := make([]float32, len(l.Trace.Flows))
	for i, flow := range l.Trace.Flows {
		streams[i] = features.StreamNumber(bursts.StreamOf(flow))
	}

	one := []string{"port", "protocol", "direction", "length", "gap", "stream"}
	around := slices.Clone(one)
	for d := -contextPackets; d <= contextPackets; d++ {
		if d != 0 {
			around = append(around, fmt.Sprintf("length_%+d", d), fmt.Sprintf("gap_%+d", d))
		}
	}

	packet := func(i int) []float32 {
		p := l.Trace.Packets[i]
		flow := l.Trace.Flows[p.Flow]
		return []float32{
			float32(windowPorts(a.Port).portOf(flow, p.Dir)), float32(serviceValue(flow)), float32(p.Dir), float32(p.Size), logGap(l.Trace, i),
			streams[p.Flow],
		}
	}

	f.Sets = []attacks.FeatureSet{
		{Name: "packet", Names: one, Vector: packet},
		{Name: "window", Names: around, Vector: func(i int) []float32 {
			v := packet(i)
			for d := -contextPackets; d <= contextPackets; d++ {
				k := i + d
				switch {
				case d == 0: // the packet itself, with all its features, is in front
				case k < 0 || k >= len(l.Trace.Packets):
					v = append(v, 0, 0)
				default:
					v = append(v, float32(bursts.SignedSize(l.Trace.Packets[k])), logGap(l.Trace, k))
				}
			}
			return v
		}},
	}
	return f
}

// logGap is the log of the microseconds since the packet before; 0 for the
// first.
func logGap(t datasets.Trace, i int) float32 {
	if i == 0 {
		return 0
	}
	return float32(math.Log1p(float64((t.Packets[i].Time - t.Packets[i-1].Time).Microseconds())))
}
