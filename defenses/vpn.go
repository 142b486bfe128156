package defenses

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"veilbench/datasets"
)

// VPN sends all that leaves the home through one tunnel from the gateway. It
// hides addresses, ports and which packet belongs to which flow, and changes
// sizes as the kind's framing does.
//
// An inner packet above the tunnel's MTU is split: TCP into segments with
// headers of their own (MSS clamping; a real stack would also fill the second
// segment from the next packet), others into IP fragments. Each packet is
// delayed, and the tunnel keeps the order of all packets across directions, so
// no reply overtakes its request.
type VPN struct {
	Kind   string  `help:"wireguard or openvpn-udp (AEAD)"`
	Outer  string  `help:"ipv4 or ipv6: the tunnel's own packets"`
	Delay  string  `help:"uniform (0 to delay_s) or constant (delay_s)"`
	DelayS float64 `help:"largest added delay"`
}

var _ Defense = VPN{}

// Info describes the defense.
func (VPN) Info() Info {
	return Info{Name: "vpn", Doc: "everything that leaves the home in one tunnel",
		Place: AtGateway, Needs: []Party{TunnelEnd}, Cite: "WireGuard protocol and OpenVPN data channel v2"}
}

// Validate refuses parameters out of range.
func (d VPN) Validate() error {
	return first(
		oneOf("kind", d.Kind, "wireguard", "openvpn-udp"),
		oneOf("outer", d.Outer, "ipv4", "ipv6"),
		oneOf("delay", d.Delay, "uniform", "constant"),
		within("delay_s", d.DelayS, 0, 0.02),
	)
}

// Apply tunnels.
func (d VPN) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	t := tunnel{in: in, f: d.framing(), flow: int32(len(in.Flows)), delay: seconds(d.DelayS)}
	if d.Delay == "uniform" {
		t.rng = rng
	}
	flows := withFlows(in, datasets.Flow{Proto: protoUDP,
		Local:  netip.AddrPortFrom(gatewayEnd, t.f.port),
		Remote: netip.AddrPortFrom(farEnd, t.f.port)})
	t.drafts = make([]draft, 0, len(in.Packets))
	for i, p := range in.Packets {
		if !outside(in.Flows[p.Flow]) {
			t.drafts = append(t.drafts, whole(i, p, p.Payload))
			continue
		}
		t.packet(i, p)
	}
	return assemble(in, flows, t.drafts), nil
}

// framing is how a kind of tunnel wraps an inner IP packet.
type framing struct {
	outer int32 // IP and UDP headers outside
	fixed int32 // bytes of the tunnel's own framing
	block int32 // the inner packet is padded to a multiple of it, up to mtu
	mtu   int32 // largest inner packet
	port  uint16
}

func (d VPN) framing() framing {
	ip := int32(ip4Header)
	if d.Outer == "ipv6" {
		ip = ip6Header
	}
	switch d.Kind {
	case "wireguard":
		return framing{outer: ip + udpHeader, fixed: 32, block: 16, mtu: 1420, port: 51820}
	case "openvpn-udp":
		return framing{outer: ip + udpHeader, fixed: 24, block: 1, mtu: mtu - ip - udpHeader - 24, port: 1194}
	}
	panic(fmt.Sprintf("defenses: tunnel kind %q", d.Kind))
}

// size is the outer IP packet for an inner one of n bytes.
func (f framing) size(n int32) int32 {
	return f.outer + f.fixed + min((n+f.block-1)/f.block*f.block, f.mtu)
}

// tunnel wraps packets in their order.
type tunnel struct {
	in     datasets.Trace
	f      framing
	flow   int32
	delay  time.Duration
	rng    *rand.Rand // nil: constant delay
	now    time.Duration
	drafts []draft
}

func (t *tunnel) packet(i int, p datasets.Packet) {
	wait := t.delay
	if t.rng != nil {
		wait = time.Duration(t.rng.Int64N(int64(t.delay) + 1))
	}
	t.now = max(t.now, p.Time+wait)
	split(p, t.in.Flows[p.Flow], t.f.mtu, func(inner, payload int32) {
		size := t.f.size(inner)
		t.drafts = append(t.drafts, draft{datasets.Packet{Time: t.now, Size: size + datasets.EthernetHeader,
			Payload: size - t.f.outer, Flow: t.flow, Dir: p.Dir}, int32(i), payload})
	})
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
	if f.Proto == protoTCP && header < limit {
		for rest := p.Payload; rest > 0; {
			k := min(rest, limit-header)
			piece(header+k, k)
			rest -= k
		}
		return
	}
	ip, whole := int32(ip4Header), int32(ip4Header)
	if f.Local.Addr().Is6() {
		ip, whole = ip6Header+8, ip6Header // with the fragment header
	}
	// data is what follows the IP header: transport header, then payload.
	data, payload := max(n-whole, p.Payload), p.Payload
	for data > 0 {
		k := data
		if k > limit-ip {
			k = (limit - ip) / 8 * 8
		}
		// Payload is at the end of data.
		carried := min(payload, max(0, k-(data-payload)))
		piece(ip+k, carried)
		data -= k
		payload -= carried
	}
}
