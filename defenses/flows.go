package defenses

import (
	"net/netip"

	"veilbench/datasets"
)

// Header lengths and limits at the IP layer, in bytes.
const (
	mtu       = MaxFrame - datasets.EthernetHeader // largest IP packet
	ip4Header = 20
	ip6Header = 40
	udpHeader = 8
	tcpHeader = 20
	udp4      = ip4Header + udpHeader
)

const (
	protoTCP = 6
	protoUDP = 17
)

// Addresses of what defenses add: the far end of tunnels and shapers (from the
// block that RFC 5737 keeps for documentation) and the gateway inside. They
// are the same in every home, so they say nothing about it.
var (
	farEnd     = netip.AddrFrom4([4]byte{198, 51, 100, 1})
	gatewayEnd = netip.AddrFrom4([4]byte{192, 168, 0, 1})

	farEnd6     = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1})
	gatewayEnd6 = netip.AddrFrom16([16]byte{0xfd, 15: 1})
)

// outside tells whether packets of f can leave the home.
func outside(f datasets.Flow) bool { return !f.LAN }

// streams numbers what a device defense keeps apart: the devices, by hardware
// address, in order of the flow list.
type streams struct {
	// of holds the stream of each flow, own for flows that never leave.
	of []int32
	// first is a flow of each stream.
	first []datasets.Flow
}

// devices finds the streams of t. Flows without a hardware address are one
// stream together. With shared set there is a single stream for all,
// which is there even when nobody sends.
func devices(t datasets.Trace, shared bool) streams {
	s := streams{of: make([]int32, len(t.Flows))}
	index := map[datasets.MAC]int32{}
	for i, f := range t.Flows {
		if !outside(f) {
			s.of[i] = own
			continue
		}
		var key datasets.MAC
		if !shared {
			key = f.Link
		}
		k, ok := index[key]
		if !ok {
			k = int32(len(s.first))
			index[key] = k
			s.first = append(s.first, f)
		}
		s.of[i] = k
	}
	if shared && len(s.first) == 0 {
		s.first = append(s.first, datasets.Flow{})
	}
	return s
}

// tunnel is the flow that carries stream k. It runs from the device, or from
// the gateway when shared, to the far end.
func (s streams) tunnel(k int, shared bool) datasets.Flow {
	f := datasets.Flow{
		Proto:  protoUDP,
		Local:  netip.AddrPortFrom(gatewayEnd, tunnelPort),
		Remote: netip.AddrPortFrom(farEnd, tunnelPort),
	}
	if !shared {
		f.Link = s.first[k].Link
		f.Local = netip.AddrPortFrom(s.first[k].Local.Addr(), tunnelPort)
	}
	return f
}

// tunnelPort is the port of shaped streams at both ends.
const tunnelPort = 4242
