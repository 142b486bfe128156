package tunnel

import (
	"cmp"
	"net/netip"

	"veilbench/datasets"
	"veilbench/defenses/shaping"
)

const (
	ip6Header = 40
	fragment6 = 8  // IPv6 fragment header
	esp       = 50 // IP protocol
)

// framing is how a kind of tunnel wraps an inner IP packet of n bytes: headers
// of IP and transport, fixed bytes, and n + add rounded up to block.
type framing struct {
	ip, transport, fixed int32
	add, block           int32 // block is a power of two
	mtu                  int32 // largest inner packet, and most after rounding if capped
	capped               bool
	proto                uint8
	port                 uint16
}

// kinds are the framings by kind, still without the outer IP header. A kind
// without a limit of its own takes whatever still fits the link once wrapped.
func kinds() map[string]framing {
	const udp = shaping.UDPHeader
	return map[string]framing{
		// Type 4, receiver 4, counter 8, tag 16.
		"wireguard": {transport: udp, fixed: 32, block: 16, mtu: 1420, capped: true, proto: shaping.UDP, port: 51820},
		// Opcode and peer 4, packet id 4, tag 16.
		"openvpn-udp": {transport: udp, fixed: 24, block: 1, proto: shaping.UDP, port: 1194},
		// Opcode and peer 4, HMAC 20, IV 16; packet id 4 and PKCS #7 inside.
		"openvpn-udp-cbc": {transport: udp, fixed: 40, add: 5, block: 16, proto: shaping.UDP, port: 1194},
		// A length of 2 before the UDP format; TCP with timestamps.
		"openvpn-tcp": {transport: 32, fixed: 26, block: 1, proto: shaping.TCP, port: 443},
		// SPI and sequence 8, IV 8, ICV 16; trailer 2 inside.
		"esp-gcm":      {fixed: 32, add: 2, block: 4, proto: esp},
		"esp-gcm-natt": {transport: udp, fixed: 32, add: 2, block: 4, proto: shaping.UDP, port: 4500},
		// SPI and sequence 8, IV 16, ICV 12.
		"esp-cbc": {fixed: 36, add: 2, block: 16, proto: esp},
	}
}

// framing is that of d's kind, with d's outer IP and MTU.
func (d VPN) framing() framing {
	f := kinds()[d.Kind]
	f.ip = shaping.IP4Header
	if d.Outer == "ipv6" {
		f.ip = ip6Header
	}
	f.mtu = cmp.Or(int32(d.MtuBytes), f.mtu, f.largest())
	return f
}

// outer is the length of the tunnel's headers of IP and transport.
func (f framing) outer() int32 { return f.ip + f.transport }

// size is the outer IP packet for an inner one of n bytes.
func (f framing) size(n int32) int32 { return f.outer() + f.inside(n) }

// inside is what of it is above the transport header.
func (f *framing) inside(n int32) int32 {
	n = (n + f.add + f.block - 1) &^ (f.block - 1)
	if f.capped {
		n = min(n, f.mtu)
	}
	return f.fixed + n
}

// largest is the largest inner packet whose outer packet fits the link.
func (f framing) largest() int32 {
	return (shaping.MTU-f.outer()-f.fixed)/f.block*f.block - f.add
}

// outerFlow is what an observer sees of the tunnel.
func (f framing) outerFlow() datasets.Flow {
	local, remote := shaping.GatewayEnd(), shaping.FarEnd()
	if f.ip == ip6Header {
		local = netip.AddrFrom16([16]byte{0xfd, 15: 1})
		remote = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}) // RFC 3849
	}
	return datasets.Flow{
		Proto: f.proto,
		Local: netip.AddrPortFrom(local, f.port), Remote: netip.AddrPortFrom(remote, f.port),
	}
}

// ipSize is the size of p at the IP layer, at least 1.
func ipSize(p datasets.Packet) int32 { return max(p.Size-datasets.EthernetHeader, 1) }

// split cuts the IP packet p of flow f into pieces of at most limit bytes and
// calls piece with the IP length and the payload of each: TCP as segments,
// others as IP fragments, whose data but the last's is a multiple of 8.
func split(p datasets.Packet, f datasets.Flow, limit int32, piece func(inner, payload int32)) {
	n := ipSize(p)
	if n <= limit {
		piece(n, p.Payload)
		return
	}

	header := n - p.Payload
	if f.Proto == shaping.TCP && header < limit {
		for rest := p.Payload; rest > 0; {
			k := min(rest, limit-header)
			piece(header+k, k)
			rest -= k
		}
		return
	}

	// first is the IP header that the whole packet has, ip what each fragment has.
	ip, first := int32(shaping.IP4Header), int32(shaping.IP4Header)
	if f.Local.Addr().Is6() {
		ip, first = ip6Header+fragment6, ip6Header
	}

	// data is what follows the IP header: transport header, then payload.
	data, payload := max(n-first, p.Payload), p.Payload
	for data > 0 {
		k := data
		if k > limit-ip {
			k = (limit - ip) / 8 * 8
		}
		// Payload is at the end of data: what this fragment has beyond the
		// headers that are left belongs to it.
		carried := min(payload, max(0, k-(data-payload)))
		piece(ip+k, carried)
		data -= k
		payload -= carried
	}
}
