package tunnel

import (
	"fmt"
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
// of IP and transport, fixed bytes of its own, and n + add rounded up to
// block.
type framing struct {
	ip, transport, fixed int32
	add, block           int32
	mtu                  int32 // largest inner packet, and most after rounding if capped
	capped               bool
	proto                uint8
	port                 uint16
}

// framing is that of d's kind, with d's outer IP and MTU. It panics for a kind
// that Validate refuses.
func (d VPN) framing() framing {
	f := framing{ip: shaping.IP4Header, transport: shaping.UDPHeader, block: 1, proto: shaping.UDP, port: 1194}
	if d.Outer == "ipv6" {
		f.ip = ip6Header
	}
	switch d.Kind {
	case "wireguard": // type 4, receiver 4, counter 8, tag 16
		f.fixed, f.block, f.mtu, f.capped, f.port = 32, 16, 1420, true, 51820
	case "openvpn-udp": // opcode and peer 4, packet id 4, tag 16
		f.fixed = 24
	case "openvpn-udp-cbc": // opcode and peer 4, HMAC 20, IV 16; packet id 4 and PKCS #7 inside
		f.fixed, f.add, f.block = 40, 5, 16
	case "openvpn-tcp": // a length of 2 before it; TCP with timestamps
		f.fixed, f.transport, f.proto, f.port = 26, 32, shaping.TCP, 443
	case "esp-gcm", "esp-gcm-natt": // SPI and sequence 8, IV 8, ICV 16; trailer 2 inside
		f.fixed, f.add, f.block, f.transport, f.proto, f.port = 32, 2, 4, 0, esp, 0
		if d.Kind == "esp-gcm-natt" {
			f.transport, f.proto, f.port = shaping.UDPHeader, shaping.UDP, 4500
		}
	case "esp-cbc": // SPI and sequence 8, IV 16, ICV 12
		f.fixed, f.add, f.block, f.transport, f.proto, f.port = 36, 2, 16, 0, esp, 0
	default:
		panic(fmt.Sprintf("tunnel: kind %q", d.Kind))
	}

	// Without a limit of the kind the inner packet may be whatever still fits the
	// link once wrapped.
	if f.mtu == 0 {
		f.mtu = f.largest()
	}
	if d.MtuBytes != 0 {
		f.mtu = int32(d.MtuBytes)
	}
	return f
}

// outer is the length of the tunnel's headers of IP and transport.
func (f framing) outer() int32 { return f.ip + f.transport }

// size is the outer IP packet for an inner one of n bytes.
func (f framing) size(n int32) int32 {
	n = (n + f.add + f.block - 1) / f.block * f.block
	if f.capped {
		n = min(n, f.mtu)
	}
	return f.outer() + f.fixed + n
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

// split cuts the IP packet p of flow f into pieces of at most limit bytes and
// calls piece with the IP length and the payload of each: TCP as segments,
// others as IP fragments, whose data but the last's is a multiple of 8.
func split(p datasets.Packet, f datasets.Flow, limit int32, piece func(inner, payload int32)) {
	n := max(p.Size-datasets.EthernetHeader, 1)
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
