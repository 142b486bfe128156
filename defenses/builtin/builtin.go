// Package builtin lists the defenses that come with the project. A new one is one
// line here.
package builtin

import (
	"veilbench/defenses"
	"veilbench/defenses/cover"
	"veilbench/defenses/morph"
	"veilbench/defenses/names"
	"veilbench/defenses/pad"
	"veilbench/defenses/rate"
	"veilbench/defenses/timing"
	"veilbench/defenses/tunnel"
)

// All returns the defenses of the project with their default parameters, in
// report order. Their presets are found through them. The slice is the caller's.
func All() []defenses.Defense {
	return []defenses.Defense{
		defenses.None{},
		pad.Random{MaxBytes: 255, Per: "packet", Set: "uniform", BurstGapS: 1, Acks: "keep"},
		pad.Level{To: "mtu", SizeBytes: 1000, Acks: "keep"},
		pad.Fragment{By: "parts", Parts: 2, MaxBytes: 500},
		timing.Jitter{MinS: 0.01, MaxS: 0.1},
		morph.Morph{Method: "morph"},
		rate.UniformBurst{Share: 0.95, IntervalS: 0.02, SizeBytes: 1000},
		rate.NewConstant(),
		rate.NewRegulaTor(),
		rate.NewAnonymitySets(),
		cover.AdaptivePadding{Variant: "home"},
		cover.NewFront(),
		names.Hide{Pad: true},
		tunnel.VPN{Kind: "wireguard", Outer: "ipv4", Delay: "uniform", DelayS: 0.005, Control: true},
		tunnel.NewMaybenot(),
		tunnel.Windscribe{Level: "low", RateMbitS: 10, Control: true},
		tunnel.NewNym(),
		rate.NewSTP(),
		rate.NewActivitySTP(),
		cover.Decoy{PerHour: 30, Source: "recorded", EventS: 10},
		cover.Noise{Kind: "browse", PerHour: 20},
		rate.NewDPShape(),
	}
}
