// Package rate sends traffic at times and in sizes that say little or nothing
// about it: at a constant rate, in surges, in periods, in bursts that are all
// alike, or in noisy amounts. All its defenses take the originals into queues
// (queue) and send them through a tunnel for each stream; but for the constant
// rate that never ends (shaper), one engine runs them (pace).
package rate

import (
	"net/netip"
	"time"

	"veilbench/datasets"
	"veilbench/defenses/shaping"
)

// tunnelPort is the port of shaped streams at both ends.
const tunnelPort = 4242

// tunnels are the flows of in and behind them one for each stream, in order: a
// UDP tunnel to the far end from the device, or from the gateway when shared.
func tunnels(in datasets.Trace, s shaping.Streams, shared bool) []datasets.Flow {
	return shaping.TunnelFlows(in, s, shared, datasets.Flow{
		Proto:  shaping.UDP,
		Local:  netip.AddrPortFrom(shaping.GatewayEnd(), tunnelPort),
		Remote: netip.AddrPortFrom(shaping.FarEnd(), tunnelPort),
	})
}

// earlier is the direction whose time comes first, up if both come at once.
func earlier(at [2]time.Duration) datasets.Dir {
	if at[datasets.Down] < at[datasets.Up] {
		return datasets.Down
	}
	return datasets.Up
}
