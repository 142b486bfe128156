package shaping

import (
	"net/netip"

	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/defenses"
)

// Values of a parameter per: what has a tunnel of its own.
const (
	PerDevice = "device"
	PerHome   = "home"
)

// CheckPer refuses what is neither a device nor the home.
func CheckPer(per string) error { return params.OneOf("per", per, PerDevice, PerHome) }

// PlaceOf is where a defense of such tunnels sits: in each device, or at the gateway
// that all of them share.
func PlaceOf(per string) defenses.Place {
	if per == PerHome {
		return defenses.AtGateway
	}
	return defenses.AtDevice
}

// PlainInfo describes a tunnel without cover or padding, what defenses of its kind are
// compared with by whoever wants to know whether one of them is on.
func PlainInfo(name, doc, per string) defenses.Info {
	return defenses.Info{Name: name, Doc: doc, Place: PlaceOf(per), Needs: []defenses.Party{defenses.TunnelEnd}}
}

// TunnelFlows are the flows of in and behind them one for each stream of s, in order:
// outer, a tunnel from the gateway, or the same from the stream's device.
func TunnelFlows(in datasets.Trace, s Streams, shared bool, outer datasets.Flow) []datasets.Flow {
	flows := AppendFlows(in)
	for _, first := range s.First {
		f := outer
		if !shared {
			f.MAC = first.MAC
			f.Local = netip.AddrPortFrom(address4(first), outer.Local.Port())
		}
		flows = append(flows, f)
	}
	return flows
}
