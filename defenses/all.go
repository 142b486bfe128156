package defenses

// All returns the defenses of the project with their default parameters, in
// report order. The slice is the caller's.
func All() []Defense {
	return []Defense{
		None{},
		PadRandom{MaxBytes: 255, Per: "packet", Set: "uniform", BurstGapS: 1, Acks: "keep"},
		PadLevel{To: "mtu", SizeBytes: 1000, Acks: "keep"},
		Fragment{By: "parts", Parts: 2, MaxBytes: 500},
		Jitter{MinS: 0.01, MaxS: 0.1},
		Morph{Method: "morph"},
		UniformBurst{Share: 0.95, IntervalS: 0.02, SizeBytes: 1000},
		ConstantRate{Variant: "plain", Per: "device"},
		RegulaTor{Variant: "home", QuietS: 2, SizeBytes: 1000},
		AdaptivePadding{Variant: "home"},
		Front{Variant: "home", QuietS: 10},
		HideNames{Pad: true},
		VPN{Kind: "wireguard", Outer: "ipv4", Delay: "uniform", DelayS: 0.005, Control: true},
		CoverSTP{Variant: "home", SizeBytes: 1000, Per: "device"},
		CoverDecoy{PerHour: 30, Source: "recorded", EventS: 10},
		CoverNoise{Kind: "browse", PerHour: 20},
		DPShape{Variant: "home", Epsilon: 1, Delta: 1e-6},
	}
}
