// Package tunnel sends all that leaves a home through one tunnel from the
// gateway: VPN is the tunnel with the framing of its kind, and control what it
// sends of itself.
package tunnel

import (
	"cmp"
	"math/bits"
	"math/rand/v2"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// VPN sends all that leaves the home through one tunnel from the gateway. It
// hides addresses, ports and which packet belongs to which flow, and changes
// sizes as the kind's framing does; it does not pad. It is the third suggestion of
// IoTEvent (section 5.2.3).
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

var (
	_ defenses.Defense  = VPN{}
	_ defenses.Tunneler = VPN{}
)

// Tunnel returns d, which neither pads nor covers.
func (d VPN) Tunnel() defenses.Defense { return d }

// Info names who suggests it and what specifies the kinds; of these Works holds only
// what Kind rests on.
func (d VPN) Info() defenses.Info {
	return defenses.Info{
		Name: "vpn", Doc: "everything that leaves the home in one tunnel",
		Place: defenses.AtGateway, Needs: []defenses.Party{defenses.TunnelEnd}, Cite: "IoTEvent, section 5.2.3; WireGuard; OpenVPN data channel v2; RFC 4303, 4106 and 3948",
		Works: d.works(),
	}
}

// works are who suggests a tunnel and what its kind comes from.
func (d VPN) works() []cite.Work {
	switch {
	case strings.HasPrefix(d.Kind, "openvpn"):
		return cite.Of("iotevent2022", "openvpn")
	case strings.HasPrefix(d.Kind, "esp"):
		return cite.Of("iotevent2022", "rfc4303", "rfc4106", "rfc3948")
	}
	return cite.Of("iotevent2022", "wireguard")
}

// Validate refuses words that are none of the choices, delays above 20 ms and,
// for MtuBytes, what IPv4 does not guarantee (below 576) or the link cannot carry
// with this kind's headers around it.
func (d VPN) Validate() error {
	err := cmp.Or(
		params.KeyOf("kind", d.Kind, kinds()),
		params.OneOf("outer", d.Outer, "ipv4", "ipv6"),
		params.OneOf("delay", d.Delay, "uniform", "constant"),
		params.Within("delay_s", d.DelayS, 0, 0.02),
	)
	if err != nil {
		return err // the framing of an unknown kind is not defined
	}
	f := d.framing()
	return params.ZeroOrWithin("mtu_bytes", d.MtuBytes, 576, int(f.largest()))
}

// Apply wraps every packet that leaves the home, cuts those that do not fit, and
// sends all on one new flow. Packets inside the home leave as they are.
func (d VPN) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	f := d.framing()
	t := tunnel{in: in, f: f, head: f.outer(), flow: int32(len(in.Flows)), delay: params.Seconds(d.DelayS)}
	t.leaves = shaping.NewAssembly(in, t.estimate())

	// Both are drawn whether they are used or not, so that tunnels with and
	// without control packets delay by the same draws. waits is what
	// defenses.Stream has inside.
	waits, phases := rand.NewPCG(rng.Uint64(), rng.Uint64()), defenses.Stream(rng)
	if d.Delay == "uniform" {
		t.rng = waits
	}
	if d.Control {
		t.ctl = newControl(d.Kind, &t, phases)
	}
	stays := make([]bool, len(in.Flows))
	for i, f := range in.Flows {
		stays[i] = f.LAN
	}

	for i := range in.Packets {
		p := &in.Packets[i]
		if stays[p.Flow] {
			t.leaves.Whole(i, *p)
			continue
		}
		t.packet(i, p)
	}
	if t.ctl != nil {
		t.ctl.until(in.End)
	}
	return t.leaves.Defended(shaping.AppendFlows(in, t.f.outerFlow())), nil
}

// tunnel wraps packets in their order.
type tunnel struct {
	in     datasets.Trace
	f      framing
	head   int32 // f.outer(), which every packet needs
	flow   int32
	delay  time.Duration
	rng    *rand.PCG // nil: constant delay
	now    time.Duration
	leaves *shaping.Assembly
	ctl    *control // nil: no control packets
}

// Overhead is how many bytes of IP and transport are around a message of the tunnel.
func (d VPN) Overhead() int32 { f := d.framing(); return f.outer() }

// Inner are the sizes in bytes of IP of the inner packets that p of flow f becomes, as
// the tunnel's MTU makes the ends send it: one for nearly all.
func (d VPN) Inner(p datasets.Packet, f datasets.Flow) []int32 {
	var out []int32
	split(p, f, d.framing().mtu, func(inner, _ int32) { out = append(out, inner) })
	return out
}

// estimate is how many packets there will be: one for each that fits, two for
// others, and room for what the tunnel sends of itself.
func (t *tunnel) estimate() int {
	n, large := len(t.in.Packets), 0
	const every = 16 // enough to go by: appending makes room where it is too few
	for i := 0; i < n; i += every {
		if t.in.Packets[i].Size-datasets.EthernetHeader > t.f.mtu {
			large += every
		}
	}
	return n + large + (n+large)/64 + 16
}

// packet sends original i, p, through the tunnel, in as many pieces as it takes.
func (t *tunnel) packet(i int, p *datasets.Packet) {
	wait := t.delay
	if t.rng != nil {
		wait = time.Duration(uniform(t.rng, uint64(t.delay)+1))
	}

	// The tunnel is one queue for both directions: nothing leaves before what
	// came earlier, and control packets due by now leave first.
	t.now = max(t.now, p.Time+wait)
	if t.ctl != nil {
		t.now = t.ctl.data(t.now, p.Dir)
	}

	if n := ipSize(*p); n <= t.f.mtu { // nearly all
		t.leaves.Piece(t.outer(t.now, p.Dir, t.f.inside(n)), int32(i), p.Payload)
		return
	}
	split(*p, t.in.Flows[p.Flow], t.f.mtu, func(inner, payload int32) {
		t.leaves.Piece(t.outer(t.now, p.Dir, t.f.inside(inner)), int32(i), payload)
	})
}

// signal sends a control packet with that many bytes above the transport header,
// unless nobody observes any more.
func (t *tunnel) signal(at time.Duration, dir datasets.Dir, payload int32) {
	if at <= t.in.End {
		t.leaves.Dummy(t.outer(at, dir, payload))
	}
}

// outer is a packet of the tunnel with that many bytes above the transport
// header.
func (t *tunnel) outer(at time.Duration, dir datasets.Dir, payload int32) datasets.Packet {
	return datasets.Packet{
		Time: at, Flow: t.flow, Dir: dir, Payload: payload,
		Size: payload + t.head + datasets.EthernetHeader,
	}
}

// uniform draws from 0 to n-1 what a rand.Rand of src would (Uint64N), which reaches
// its source through an interface for every packet.
func uniform(src *rand.PCG, n uint64) uint64 {
	if n&(n-1) == 0 {
		return src.Uint64() & (n - 1)
	}
	for {
		if hi, lo := bits.Mul64(src.Uint64(), n); lo >= n || lo >= -n%n {
			return hi
		}
	}
}
