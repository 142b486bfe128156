package tunnel

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture"
	"veilbench/datasets/datatest"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// The outer IPv4 packet for an inner IP packet, worked out from the header
// sizes of each protocol. IPv6 outside adds 20 bytes.
func TestTunnelSizes(t *testing.T) {
	kinds := []string{"wireguard", "openvpn-udp", "openvpn-tcp", "openvpn-udp-cbc", "esp-gcm", "esp-gcm-natt", "esp-cbc"}
	table := map[int32][]int32{
		40:   {108, 92, 118, 116, 96, 104, 104},
		52:   {124, 104, 130, 132, 108, 116, 120},
		100:  {172, 152, 178, 180, 156, 164, 168},
		300:  {364, 352, 378, 388, 356, 364, 360},
		1000: {1068, 1052, 1078, 1076, 1056, 1064, 1064},
		1400: {1468, 1452, 1478, 1476, 1456, 1464, 1464},
	}
	for inner, outer := range table {
		for k, kind := range kinds {
			for _, ip := range []string{"ipv4", "ipv6"} {
				want := outer[k]
				if ip == "ipv6" {
					want += 20
				}
				d := VPN{Kind: kind, Outer: ip, Delay: "constant"}
				in := datasets.Trace{
					Flows:   []datasets.Flow{{Proto: 6}},
					Packets: []datasets.Packet{{Size: inner + 14, Payload: inner - 40}},
				}
				out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in)
				if err != nil || defenses.Check(in, out) != nil || len(out.Trace.Packets) != 1 {
					t.Fatalf("%s: %v, %d packets", kind, err, len(out.Trace.Packets))
				}
				if got := out.Trace.Packets[0].Size - 14; got != want {
					t.Errorf("%s over %s: inner %d gives %d, want %d", kind, ip, inner, got, want)
				}
			}
		}
	}
	// The WireGuard rule of the real captures: 1420 is no multiple of 16.
	if got := (VPN{Kind: "wireguard"}).framing().size(1420); got != 1480 {
		t.Errorf("wireguard at its MTU: %d, want 1480", got)
	}
}

// Behind a tunnel all of a home is one flow: devices, phones, whatever they speak.
func TestTunnelIsOneFlow(t *testing.T) {
	in := datasets.Trace{End: time.Minute}
	for i, local := range []string{"192.168.1.2:5000", "192.168.1.3:5000", "192.168.1.3:5001", "192.168.1.4:6000"} {
		f := datasets.Flow{Proto: shaping.TCP, MAC: datasets.MAC{2, 0, 0, 0, 0, byte(i)}, Local: netip.MustParseAddrPort(local), Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), 443), Host: "cloud.example"}
		if i == 3 {
			f.Proto = shaping.UDP
		}
		in.Flows = append(in.Flows, f)
		for s := range 10 {
			in.Packets = append(in.Packets, datasets.Packet{Time: time.Duration(10*i+s) * time.Second, Size: 200, Payload: 140, Flow: int32(i), Dir: datasets.Dir(s % 2)})
		}
	}
	for _, kind := range []string{"wireguard", "openvpn-udp", "openvpn-tcp", "openvpn-udp-cbc", "esp-gcm", "esp-gcm-natt", "esp-cbc"} {
		out, err := VPN{Kind: kind, Outer: "ipv4", Delay: "constant", Control: true}.Apply(rand.New(rand.NewPCG(1, 1)), in)
		if err != nil {
			t.Fatal(err)
		}
		first := out.Trace.Flows[out.Trace.Packets[0].Flow]
		for _, p := range out.Trace.Packets {
			if f := out.Trace.Flows[p.Flow]; f.Local != first.Local || f.Remote != first.Remote || f.Proto != first.Proto || f.Host != "" {
				t.Fatalf("%s: packets of %v and of %v", kind, first, f)
			}
		}
	}
}

// Nothing is ever above the link's MTU, and every kind reaches near it.
func TestTunnelMTU(t *testing.T) {
	for _, kind := range []string{"openvpn-udp", "openvpn-tcp", "openvpn-udp-cbc", "esp-gcm", "esp-gcm-natt", "esp-cbc"} {
		for _, ip := range []string{"ipv4", "ipv6"} {
			f := VPN{Kind: kind, Outer: ip}.framing()
			if a, b := f.size(f.mtu), f.size(f.mtu+1); a > shaping.MTU || b <= shaping.MTU {
				t.Errorf("%s over %s: %d at the tunnel's MTU of %d and %d after it", kind, ip, a, f.mtu, b)
			}
		}
	}
}

// sample reads the UDP payloads of a real capture, or skips the test.
func sample(t *testing.T, name string) [][]byte {
	t.Helper()
	f, err := os.Open(datatest.Recorded(t, "vpn_samples", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := capture.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out [][]byte
	for {
		var rec capture.Record
		if err := r.Next(&rec); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		b := rec.Data
		if len(b) < 42 || binary.BigEndian.Uint16(b[12:]) != 0x0800 || b[23] != shaping.UDP {
			continue
		}
		udp := b[14+4*int(b[14]&15):]
		out = append(out, append([]byte(nil), udp[8:binary.BigEndian.Uint16(udp[4:])]...))
	}
}

// reachable are the UDP payloads that a kind can make of inner packets.
func reachable(kind string, least int32) map[int]bool {
	f := VPN{Kind: kind, Outer: "ipv4"}.framing()
	out := map[int]bool{}
	for n := least; n <= f.mtu; n++ {
		out[int(f.size(n)-f.outer())] = true
	}
	return out
}

// All transport messages of two real captures have a size the rule makes, and
// the full ones are there.
func TestWireGuardCaptures(t *testing.T) {
	can := reachable("wireguard", 20)
	can[32] = true // keepalive
	total, full, handshakes := 0, 0, 0
	for _, name := range []string{"wireguard_download.pcap", "wireguard.pcap"} {
		for _, b := range sample(t, name) {
			switch {
			case b[0] == 1 && len(b) == 148, b[0] == 2 && len(b) == 92:
				handshakes++
			case b[0] == 4:
				total++
				if !can[len(b)] {
					t.Errorf("%s: a transport message of %d bytes", name, len(b))
				}
				if len(b) == 1452 {
					full++
				}
			default:
				t.Errorf("%s: message of type %d with %d bytes", name, b[0], len(b))
			}
		}
	}
	if total != 1260 || full < 936 || handshakes != 14 {
		t.Errorf("%d transport messages (%d full), %d handshakes", total, full, handshakes)
	}
}

// The OpenVPN sample's data packets (opcode 9, second format) are AES-CBC with
// HMAC-SHA1: 4 + 20 + 16 + 16 k. Those of the first format (opcode 6) have 3
// bytes less in front.
func TestOpenVPNCaptures(t *testing.T) {
	can := reachable("openvpn-udp-cbc", 20)
	v1, v2 := 0, 0
	for _, b := range sample(t, "openvpn_nohmac.pcapng") {
		switch b[0] >> 3 {
		case 9:
			v2++
			if !can[len(b)] {
				t.Errorf("a data packet of %d bytes", len(b))
			}
		case 6:
			v1++
			if !can[len(b)+3] {
				t.Errorf("a data packet of the first format of %d bytes", len(b))
			}
		}
	}
	if v2 != 543 || v1 != 301 {
		t.Errorf("%d and %d data packets, want 543 and 301", v2, v1)
	}
}

// The ESP sample is inside UDP port 4500, AES-CBC with HMAC-SHA1-96: SPI and
// sequence 8, IV 16, blocks of 16, ICV 12.
func TestESPCaptures(t *testing.T) {
	f := VPN{Kind: "esp-cbc", Outer: "ipv4"}.framing()
	can := map[int]bool{}
	for n := int32(20); n <= f.mtu; n++ {
		can[int(f.size(n)-f.outer())] = true
	}
	n := 0
	for _, b := range sample(t, "ipsec_isakmp_esp.pcap") {
		// On port 4500 a first word of 0 marks IKE; on 500 the version follows
		// the two cookies.
		if len(b) < 20 || binary.BigEndian.Uint32(b) == 0 || b[17] == 0x10 || b[17] == 0x20 {
			continue
		}
		n++
		if !can[len(b)] {
			t.Errorf("an ESP packet of %d bytes", len(b))
		}
	}
	if n != 315 {
		t.Errorf("%d ESP packets, want 315", n)
	}
}

// A request of 1500 bytes in two segments, a UDP datagram in two fragments.
func TestTunnelSplits(t *testing.T) {
	tcp := datasets.Flow{Proto: shaping.TCP, Local: netip.MustParseAddrPort("192.168.0.2:1")}
	udp, udp6 := tcp, tcp
	udp.Proto = shaping.UDP
	udp6.Proto, udp6.Local = shaping.UDP, netip.MustParseAddrPort("[fd00::2]:1")
	for _, tt := range []struct {
		name string
		f    datasets.Flow
		p    datasets.Packet
		want [][2]int32 // inner IP length and payload
	}{
		{"segments", tcp, datasets.Packet{Size: 1514, Payload: 1460}, [][2]int32{{1420, 1380}, {120, 80}}},
		// 1480 bytes after the IP header: 1400 (8 of them UDP), then 80.
		{"fragments", udp, datasets.Packet{Size: 1514, Payload: 1472}, [][2]int32{{1420, 1392}, {100, 80}}},
		// IPv6 with a fragment header of 8: 1460 after the header, 1368 and 92.
		{"IPv6 fragments", udp6, datasets.Packet{Size: 1514, Payload: 1452}, [][2]int32{{1416, 1360}, {140, 92}}},
		{"jumbo", tcp, datasets.Packet{Size: 2814 + 14, Payload: 2774}, [][2]int32{{1420, 1380}, {1420, 1380}, {54, 14}}},
	} {
		var got [][2]int32
		split(tt.p, tt.f, 1420, func(inner, payload int32) { got = append(got, [2]int32{inner, payload}) })
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
				break
			}
		}
	}
}

// Keepalives of an idle WireGuard: ten seconds after a packet the far side
// answers with 32 bytes, and ten seconds later nothing more happens. A packet
// 249 s later finds dead keys, and waits for the response.
func TestWireGuardControl(t *testing.T) {
	in := datasets.Trace{
		End: 300 * time.Second, Flows: []datasets.Flow{{Proto: 6}},
		Packets: []datasets.Packet{
			{Time: 1 * time.Second, Size: 154, Payload: 100},
			{Time: 250 * time.Second, Size: 154, Payload: 100},
		},
	}
	d := VPN{Kind: "wireguard", Outer: "ipv4", Delay: "constant", Control: true}
	out, err := d.Apply(rand.New(rand.NewPCG(1, 1)), in)
	if err != nil {
		t.Fatal(err)
	}
	var got []datasets.Packet
	for i, p := range out.Trace.Packets {
		if p.Time > 2*time.Second && out.Carried.First[i] == out.Carried.First[i+1] {
			got = append(got, p)
		}
	}
	const s = time.Second
	want := []datasets.Packet{
		{Time: 11 * s, Size: 74, Payload: 32, Flow: 1, Dir: datasets.Down},
		{Time: 250 * s, Size: 190, Payload: 148, Flow: 1},
		{Time: 250*s + 30*time.Millisecond, Size: 134, Payload: 92, Flow: 1, Dir: datasets.Down},
		{Time: 260*s + 30*time.Millisecond, Size: 74, Payload: 32, Flow: 1, Dir: datasets.Down},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("control packet %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// uniform draws what package rand draws, rejected draws among them.
func TestUniformIsRand(t *testing.T) {
	src, plain := rand.NewPCG(1, 8), rand.New(rand.NewPCG(1, 8))
	for i := range 100_000 {
		n := uint64(20_000_001)
		switch i % 4 {
		case 1:
			n = 1 << (i % 63)
		case 2:
			n = 1<<63 + uint64(i) // of these nearly every second one
		case 3:
			n = uint64(i)
		}
		if got, want := uniform(src, n), plain.Uint64N(n); got != want {
			t.Fatalf("draw %d of %d: %d, want %d", i, n, got, want)
		}
	}
}
