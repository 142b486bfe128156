package tunnel

import (
	"math/rand/v2"
	"net/netip"

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
	flows := shaping.AppendFlows(in)
	for _, first := range s.First {
		flow := f.outerFlow()
		if !shared {
			flow.MAC = first.MAC
			flow.Local = netip.AddrPortFrom(shaping.Address4(first), f.port)
		}
		flows = append(flows, flow)
	}
	return flows
}

// data sends a packet of data: so many bytes of an inner one, of which payload are of
// original orig. Times never fall.
func (t *tunnel) data(p datasets.Packet, orig, payload int32) {
	if t.ctl != nil {
		t.ctl.data(p.Time, p.Dir)
	}
	t.leaves.Piece(p, orig, payload)
}

// dummy sends an inner packet of n bytes that carries nothing, which is data to the
// tunnel.
func (t *tunnel) dummy(p datasets.Packet) {
	if t.ctl != nil {
		t.ctl.data(p.Time, p.Dir)
	}
	t.leaves.Dummy(p)
}

// over sends what the tunnel has due of itself until observing ends.
func (t *tunnel) over() {
	if t.ctl != nil {
		t.ctl.until(t.in.End)
	}
}
