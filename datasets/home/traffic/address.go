package traffic

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"veilbench/datasets"
	"veilbench/datasets/home/draw"
	"veilbench/datasets/home/profile"
)

// IP protocol numbers.
const (
	protoTCP = 6
	protoUDP = 17
)

// Local ports are within the range that Linux takes them from.
const (
	firstPort = 32768
	lastPort  = 60990
)

// freshPort returns the next local port: devices count up, by one to three.
func (d *Device) freshPort() uint16 {
	d.port += uint16(draw.Between(d.ports, 1, 3))
	if d.port < firstPort || d.port > lastPort {
		d.port = firstPort
	}
	for portTaken(d.port) {
		d.port++
	}
	return d.port
}

// portTaken says whether a protocol has its home on the port: other tools take
// whatever they see there for that protocol, and call it malformed.
func portTaken(port uint16) bool {
	switch port {
	case 34962, 34963, 34964, 34980, 37008, 41170, 44321, 44322, 44818, 45564, 47000, 47808, 48049, 48898, 49999,
		54328, 56000, 56001, 56500, 56501, 57000, 57001, 57032, 57033, 57500, 57501, 57532, 57533,
		59000, 59001, 59032, 59033, 59500, 59501, 59532, 59533, 60001:
		return true
	}
	return false
}

// newFlow registers a conversation with a server from a fresh local port and
// returns its index.
func (d *Device) newFlow(proto string, remote netip.Addr, port uint16, host string, rtt int64) int32 {
	return d.Home.register(datasets.Flow{
		Proto:  protocol(proto),
		Local:  netip.AddrPortFrom(d.addr, d.freshPort()),
		Remote: netip.AddrPortFrom(remote, port),
		Host:   host, MAC: d.mac,
	}, rtt)
}

// lanFlow registers a conversation that stays in the home: by default a
// broadcast.
func (d *Device) lanFlow(f *profile.Flow) int32 {
	remote := netip.AddrFrom4([4]byte{192, 168, 1, 255})
	if a, err := netip.ParseAddr(f.Remote); err == nil {
		remote = a
	}

	// Whoever opened the connection has the fresh port: the app, if the device
	// serves. The draw is made either way.
	local, far := d.freshPort(), f.Port
	if f.Serves {
		local, far = far, local
	}
	return d.Home.register(datasets.Flow{
		Proto: protocol(f.Proto),
		Local: netip.AddrPortFrom(d.addr, local), Remote: netip.AddrPortFrom(remote, far),
		MAC: d.mac, LAN: true,
	}, d.rtts[f.ID])
}

// register returns the index of the conversation; when ports have come round
// it is an old one.
func (h *Home) register(f datasets.Flow, rtt int64) int32 {
	i, old := h.index[f]
	if old {
		return i
	}
	if h.index == nil {
		h.index = map[datasets.Flow]int32{}
	}
	i = int32(len(h.flows))
	h.index[f] = i
	h.flows = append(h.flows, f)
	h.rtts = append(h.rtts, rtt)
	return i
}

func protocol(name string) uint8 {
	if name == "udp" {
		return protoUDP
	}
	return protoTCP
}

// hardwareAddress is a random address of the vendor with the given first three
// bytes, "aa:bb:cc".
func hardwareAddress(oui string, r *rand.Rand) datasets.MAC {
	var m datasets.MAC
	for i, part := range strings.Split(oui, ":") {
		b, err := strconv.ParseUint(part, 16, 8)
		if err != nil || i > 2 {
			break
		}
		m[i] = byte(b)
	}
	u := r.Uint32()
	m[3], m[4], m[5] = byte(u), byte(u>>8), byte(u>>16)
	return m
}

// serverAddress maps a host name into the benchmarking range 198.18.0.0/15
// (RFC 2544), the same in every home. Addresses that end in 0 or 255 look like
// networks and broadcasts, so they move.
func serverAddress(host string) netip.Addr {
	n := draw.Hash("server", host) % (1 << 17)
	if n%256 == 0 || n%256 == 255 {
		n ^= 1 << 4
	}
	return netip.AddrFrom4([4]byte{198, byte(18 + n>>16), byte(n >> 8), byte(n)})
}

// resolverAddress is the name server of the access provider, in a range for
// documentation (RFC 5737).
func resolverAddress() netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 53}) }
