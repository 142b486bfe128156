package defenses

// All returns the defenses of the project with their default parameters, in
// report order. The slice is the caller's.
func All() []Defense {
	return []Defense{
		None{},
		PadRandom{MaxBytes: 255, Per: "packet", Set: "uniform", BurstGapS: 1, Acks: "keep"},
		PadLevel{To: "mtu", SizeBytes: 1000, Acks: "keep"},
		ConstantRate{Variant: "plain", Per: "device"},
		VPN{Kind: "wireguard", Outer: "ipv4", Delay: "uniform", DelayS: 0.005, Control: true},
		CoverDecoy{PerHour: 30, Source: "recorded", EventS: 10},
	}
}
