package tunnel

import (
	"math/rand/v2"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// wireguardFraming is the framing of WireGuard over IPv4; an mtu of 0 is the usual.
func wireguardFraming(mtu int) framing { return VPN{Kind: "wireguard", MtuBytes: mtu}.framing() }

// covered are the tunnels of a defense that adds cover inside: one for each stream, on
// the flows of coveredFlows, all into leaves. With control each has the packets that a
// tunnel of WireGuard sends of itself.
func covered(rng *rand.Rand, in datasets.Trace, s shaping.Streams, shared bool, f framing, control bool, leaves *shaping.Assembly) []tunnel {
	out := make([]tunnel, len(s.First))
	for k := range out {
		out[k] = tunnel{in: in, f: f, head: f.outer(), flow: int32(len(in.Flows) + k), leaves: leaves}

		// Drawn whether used or not, so that control packets move no other draw.
		phases := defenses.Stream(rng)
		if control {
			out[k].ctl = newControl("wireguard", &out[k], phases)
		}
	}
	return out
}

// coveredFlows are the flows of in and behind them those of the tunnels: from the
// gateway, or from each device.
func coveredFlows(in datasets.Trace, s shaping.Streams, shared bool, f framing) []datasets.Flow {
	return shaping.TunnelFlows(in, s, shared, f.outerFlow())
}

// data sends p, a packet of the tunnel that carries so many payload bytes of original
// orig. Times of p never fall.
func (t *tunnel) data(p datasets.Packet, orig, payload int32) {
	p.Time = t.goes(p)
	t.leaves.Piece(p, orig, payload)
}

// dummy sends p, a packet of the tunnel that carries nothing: to the tunnel it is data
// like any other.
func (t *tunnel) dummy(p datasets.Packet) {
	p.Time = t.goes(p)
	t.leaves.Dummy(p)
}

// goes is when data goes that comes as p: later where it waits for new keys, which is
// rare and which who sent it does not hear of.
func (t *tunnel) goes(p datasets.Packet) time.Duration {
	t.now = max(t.now, p.Time)
	if t.ctl != nil {
		t.now = t.ctl.data(t.now, p.Dir)
	}
	return t.now
}

// over sends what the tunnel has due of itself until observing ends.
func (t *tunnel) over() {
	if t.ctl != nil {
		t.ctl.until(t.in.End)
	}
}
