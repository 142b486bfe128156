package defenses

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
)

// VPN sends all that leaves the home through one tunnel from the gateway. It
// hides addresses, ports and which packet belongs to which flow, and changes
// sizes as the kind's framing does; it does not pad.
//
// Kinds: wireguard (the inner packet padded to 16, never past the tunnel's
// MTU); openvpn-udp and openvpn-tcp (data channel v2, AES-GCM),
// openvpn-udp-cbc (AES-CBC with HMAC-SHA1, as HomeMole's sizes suggest);
// esp-gcm, esp-gcm-natt (inside UDP) and esp-cbc (HMAC-SHA1-96), all in tunnel
// mode (RFC 4303, 4106, 3948).
//
// An inner packet above the tunnel's MTU is split: TCP into segments with
// headers of their own, as MSS clamping makes the ends do (deviation: they
// would also fill the second segment from the next packet), others into IP
// fragments. The tunnel's MTU is 1420 for wireguard and otherwise the largest
// whose outer packet fits the link, unless MtuBytes is set.
//
// Each packet is delayed, and the tunnel keeps the order of all packets across
// directions, so no reply overtakes its request. With Control the tunnel's own
// packets are there too, see control.
type VPN struct {
	Kind     string  `help:"wireguard, openvpn-udp, openvpn-udp-cbc, openvpn-tcp, esp-gcm, esp-gcm-natt or esp-cbc"`
	Outer    string  `help:"ipv4 or ipv6: the tunnel's own packets"`
	MtuBytes int     `help:"largest inner packet; 0: of the kind"`
	Delay    string  `help:"uniform (0 to delay_s) or constant (delay_s)"`
	DelayS   float64 `help:"largest added delay"`
	Control  bool    `help:"send handshakes, rekeys, keepalives and outer ACKs"`
}

var _ Defense = VPN{}

// Info describes the defense.
func (d VPN) Info() Info {
	return Info{
		Name: "vpn", Doc: "everything that leaves the home in one tunnel",
		Place: AtGateway, Needs: []Party{TunnelEnd}, Cite: "WireGuard; OpenVPN data channel v2; RFC 4303, 4106 and 3948",
		Works: d.works(),
	}
}

// works are what the kind of tunnel comes from.
func (d VPN) works() []cite.Work {
	switch {
	case strings.HasPrefix(d.Kind, "openvpn"):
		return cite.Of("openvpn")
	case strings.HasPrefix(d.Kind, "esp"):
		return cite.Of("rfc4303", "rfc4106", "rfc3948")
	}
	return cite.Of("wireguard")
}

// Validate refuses parameters out of range.
func (d VPN) Validate() error {
	err := first(
		oneOf("kind", d.Kind, "wireguard", "openvpn-udp", "openvpn-udp-cbc", "openvpn-tcp", "esp-gcm", "esp-gcm-natt", "esp-cbc"),
		oneOf("outer", d.Outer, "ipv4", "ipv6"),
		oneOf("delay", d.Delay, "uniform", "constant"),
		within("delay_s", d.DelayS, 0, 0.02),
	)
	if err != nil {
		return err
	}
	return orZero("mtu_bytes", d.MtuBytes, 576, int(d.framing().largest()))
}

// Apply tunnels.
func (d VPN) Apply(rng *rand.Rand, in datasets.Trace) (Defended, error) {
	t := tunnel{in: in, f: d.framing(), flow: int32(len(in.Flows)), delay: seconds(d.DelayS)}
	t.drafts = make([]draft, 0, len(in.Packets))
	waits, phases := Stream(rng), Stream(rng)
	if d.Delay == "uniform" {
		t.rng = waits
	}
	if d.Control {
		t.ctl = newControl(d.Kind, &t, phases)
	}
	for i, p := range in.Packets {
		if !outside(in.Flows[p.Flow]) {
			t.drafts = append(t.drafts, whole(i, p, p.Payload))
			continue
		}
		t.packet(i, p)
	}
	if t.ctl != nil {
		t.ctl.until(in.End)
	}
	return assemble(in, withFlows(in, t.f.outerFlow()), t.drafts), nil
}

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

func (d VPN) framing() framing {
	f := framing{ip: ip4Header, transport: udpHeader, block: 1, proto: protoUDP, port: 1194}
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
		f.fixed, f.transport, f.proto, f.port = 26, 32, protoTCP, 443
	case "esp-gcm", "esp-gcm-natt": // SPI and sequence 8, IV 8, ICV 16; trailer 2 inside
		f.fixed, f.add, f.block, f.transport, f.proto, f.port = 32, 2, 4, 0, protoESP, 0
		if d.Kind == "esp-gcm-natt" {
			f.transport, f.proto, f.port = udpHeader, protoUDP, 4500
		}
	case "esp-cbc": // SPI and sequence 8, IV 16, ICV 12
		f.fixed, f.add, f.block, f.transport, f.proto, f.port = 36, 2, 16, 0, protoESP, 0
	default:
		panic(fmt.Sprintf("defenses: tunnel kind %q", d.Kind))
	}
	if f.mtu == 0 {
		f.mtu = f.largest()
	}
	if d.MtuBytes != 0 {
		f.mtu = int32(d.MtuBytes)
	}
	return f
}

const protoESP = 50

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
	return (mtu-f.outer()-f.fixed)/f.block*f.block - f.add
}

// outerFlow is what an observer sees of the tunnel.
func (f framing) outerFlow() datasets.Flow {
	local, remote := gatewayEnd, farEnd
	if f.ip == ip6Header {
		local, remote = gatewayEnd6, farEnd6
	}
	return datasets.Flow{
		Proto: f.proto,
		Local: netip.AddrPortFrom(local, f.port), Remote: netip.AddrPortFrom(remote, f.port),
	}
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
	ctl    *control // nil: no packets of its own
}

func (t *tunnel) packet(i int, p datasets.Packet) {
	wait := t.delay
	if t.rng != nil {
		wait = time.Duration(t.rng.Int64N(int64(t.delay) + 1))
	}
	t.now = max(t.now, p.Time+wait)
	if t.ctl != nil {
		t.ctl.data(t.now, p.Dir)
	}
	split(p, t.in.Flows[p.Flow], t.f.mtu, func(inner, payload int32) {
		size := t.f.size(inner)
		t.drafts = append(t.drafts, draft{datasets.Packet{
			Time: t.now, Size: size + datasets.EthernetHeader,
			Payload: size - t.f.outer(), Flow: t.flow, Dir: p.Dir,
		}, int32(i), payload})
	})
}

// own adds a packet of the tunnel's own with the given bytes above the
// transport header, unless nobody observes any more.
func (t *tunnel) own(at time.Duration, dir datasets.Dir, payload int32) {
	if at <= t.in.End {
		t.drafts = append(t.drafts, draft{datasets.Packet{
			Time: at, Flow: t.flow, Dir: dir, Payload: payload,
			Size: payload + t.f.outer() + datasets.EthernetHeader,
		}, own, 0})
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
	if f.Proto == protoTCP && header < limit {
		for rest := p.Payload; rest > 0; {
			k := min(rest, limit-header)
			piece(header+k, k)
			rest -= k
		}
		return
	}
	ip, first := int32(ip4Header), int32(ip4Header)
	if f.Local.Addr().Is6() {
		ip, first = ip6Header+8, ip6Header // with the fragment header
	}
	// data is what follows the IP header: transport header, then payload.
	data, payload := max(n-first, p.Payload), p.Payload
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
