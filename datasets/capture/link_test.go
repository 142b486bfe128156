package capture

import (
	"bytes"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"veilbench/datasets/capture/internal/header"
)

func compress(t testing.TB, kind string, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	if kind == "gzip" {
		z := gzip.NewWriter(&buf)
		z.Write(b)
		z.Close()
		return buf.Bytes()
	}
	z, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(b)
	z.Close()
	return buf.Bytes()
}

// ipPacket makes an IP packet from 192.168.0.2 or fd00::2 port 1234 to
// 1.2.3.4 or 2600::4 port 443 with n bytes of payload.
func ipPacket(t testing.TB, version int, proto layers.IPProtocol, n int) []byte {
	t.Helper()
	var ip gopacket.SerializableLayer
	var net4 gopacket.NetworkLayer
	if version == 4 {
		l := &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: net.IP{192, 168, 0, 2}, DstIP: net.IP{1, 2, 3, 4}}
		ip, net4 = l, l
	} else {
		l := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: net.ParseIP("fd00::2"), DstIP: net.ParseIP("2600::4")}
		ip, net4 = l, l
	}
	ls := []gopacket.SerializableLayer{ip}
	switch proto {
	case layers.IPProtocolTCP:
		l := &layers.TCP{SrcPort: 1234, DstPort: 443, ACK: true}
		l.SetNetworkLayerForChecksum(net4)
		ls = append(ls, l)
	case layers.IPProtocolUDP:
		l := &layers.UDP{SrcPort: 1234, DstPort: 443}
		l.SetNetworkLayerForChecksum(net4)
		ls = append(ls, l)
	}
	buf := gopacket.NewSerializeBuffer()
	ls = append(ls, gopacket.Payload(make([]byte, n)))
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestLinkTypesShowTheSamePacket wraps one packet in every link layer that
// carries IP.
func TestLinkTypesShowTheSamePacket(t *testing.T) {
	mac := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	tag := []byte{0x81, 0, 0, 7}
	qinq := append([]byte{0x88, 0xa8, 0, 9}, tag...)
	for _, version := range []int{4, 6} {
		typ, family, ppp := []byte{8, 0}, byte(2), byte(0x21)
		if version == 6 {
			typ, family, ppp = []byte{0x86, 0xdd}, 24, 0x57
		}
		for name, l := range map[string]struct {
			link uint32
			head [][]byte
		}{
			"Ethernet":  {linkEthernet, [][]byte{mac, typ}},
			"VLAN":      {linkEthernet, [][]byte{mac, tag, typ}},
			"QinQ":      {linkEthernet, [][]byte{mac, qinq, typ}},
			"PPPoE":     {linkEthernet, [][]byte{mac, {0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, ppp}}},
			"raw":       {linkRaw, nil},
			"raw BSD":   {linkRawBSD, nil},
			"loopback":  {linkNull, [][]byte{{family, 0, 0, 0}}},
			"loopback2": {linkLoop, [][]byte{{0, 0, 0, family}}},
			"cooked":    {linkCooked, [][]byte{{0, 4, 0, 1, 0, 6}, mac[6:], {0, 0}, typ}},
			"cooked 2":  {linkCooked2, [][]byte{typ, {0, 0, 0, 0, 0, 1, 0, 1, 4, 6}, mac[6:], {0, 0}}},
		} {
			for _, proto := range []layers.IPProtocol{header.TCP, header.UDP, header.ICMP, header.ESP} {
				ip := ipPacket(t, version, proto, 33)
				data := append(bytes.Join(l.head, nil), ip...)
				padded := append(data, 0, 0, 0, 0, 0, 0) // Ethernet fill
				for _, cut := range []int{len(padded), len(data) - 33} {
					var f frame
					f.decode(&Record{Length: len(padded), Link: l.link, Data: padded[:cut]})
					port := map[bool]uint16{true: 1234}[proto == header.TCP || proto == header.UDP]
					if int(f.size) != 14+len(ip) || f.payload != 33 || f.proto != uint8(proto) || f.srcPort != port || f.skip+f.odd != "" {
						t.Errorf("%s v%d proto %d, %d of %d captured: %+v", name, version, proto, cut, len(padded), f)
					}
				}
			}
		}
	}
}

func TestFramesThatAreNotIP(t *testing.T) {
	var f frame
	f.decode(&Record{Length: 60, Link: linkEthernet, Data: frame60()})
	if f.size != 60 || f.payload != 46 || f.kind != 0 || f.skip != "" {
		t.Errorf("%+v", f)
	}
	lie := append(make([]byte, 12), append([]byte{8, 0}, ipPacket(t, 4, header.UDP, 10)...)...)
	lie[16] = 0xff // an IP length of 65,318 in a frame of 52
	f.decode(&Record{Length: len(lie), Link: linkEthernet, Data: lie})
	if f.size != int32(len(lie)) || f.payload != 10 || f.odd == "" {
		t.Errorf("%+v", f)
	}
}

func TestFragmentsHaveNoPorts(t *testing.T) {
	ip := ipPacket(t, 4, header.UDP, 100)
	ip[7] = 10 // offset 80
	var f frame
	f.decode(&Record{Length: len(ip), Link: linkRaw, Data: ip})
	if f.srcPort != 0 || f.payload != 108 {
		t.Errorf("%+v", f)
	}
	ip = ipPacket(t, 6, header.UDP, 100)
	six := append(bytes.Clone(ip[:40]), header.UDP, 0, 0, 80, 0, 0, 0, 1)
	six = append(six, ip[40:]...)
	six[6] = 44
	six[5] += 8
	f.decode(&Record{Length: len(six), Link: linkRaw, Data: six})
	if f.srcPort != 0 || f.payload != 108 || f.proto != header.UDP {
		t.Errorf("%+v", f)
	}
}

// dot11Frame makes an 802.11 frame with 100 bytes of body.
func dot11Frame(control, flags byte, qos bool) []byte {
	b := []byte{control, flags, 0, 0, 0xa1, 0, 0, 0, 0, 1, 0xa2, 0, 0, 0, 0, 2, 0xa3, 0, 0, 0, 0, 3, 0, 0}
	if qos {
		b = append(b, 0, 0)
	}
	return append(b, make([]byte, 100)...)
}

func TestWiFiKeepsProtectedData(t *testing.T) {
	const toDS, fromDS, retry, protected = 1, 2, 8, 0x40
	station, ap := uint64(0xa20000000002), uint64(0xa10000000001)
	for name, tc := range map[string]struct {
		b        []byte
		skip     string
		way      uint8
		src, dst uint64
	}{
		"up":             {dot11Frame(0x88, toDS|protected, true), "", 1, station, 0xa30000000003},
		"down":           {dot11Frame(0x88, fromDS|protected, true), "", 2, 0xa30000000003, ap},
		"up without QoS": {dot11Frame(0x08, toDS|protected, false), "", 1, station, 0xa30000000003},
		"retry":          {dot11Frame(0x88, toDS|protected|retry, true), "802.11 retry", 0, 0, 0},
		"open":           {dot11Frame(0x88, toDS, true), "802.11 data frame that is not protected", 0, 0, 0},
		"null":           {dot11Frame(0xc8, toDS|protected, true), "802.11 data frame without data", 0, 0, 0},
		"beacon":         {dot11Frame(0x80, 0, false), "802.11 management frame", 0, 0, 0},
		"ack":            {dot11Frame(0xd4, 0, false)[:10], "802.11 control frame", 0, 0, 0},
		"bridge":         {slices.Insert(dot11Frame(0x88, 3|protected, true), 24, 0xa4, 0, 0, 0, 0, 4), "", 0, 0xa40000000004, 0xa30000000003},
		"cut":            {dot11Frame(0x88, toDS|protected, true)[:8], "802.11 frame cut inside its header", 0, 0, 0},
	} {
		// radiotap with flags (check sequence at the end), and with TSFT
		// before them.
		taps := [][]byte{nil, {0, 0, 9, 0, 2, 0, 0, 0, 0x10}, append([]byte{0, 0, 17, 0, 3, 0, 0, 0}, 1, 2, 3, 4, 5, 6, 7, 8, 0x10)}
		for _, tap := range taps {
			link, data := uint32(link80211), tc.b
			if tap != nil {
				link, data = linkRadiotap, append(append(bytes.Clone(tap), tc.b...), 1, 2, 3, 4)
			}
			var f frame
			f.decode(&Record{Length: len(data), Link: link, Data: data})
			head := int32(len(tc.b)) - 100
			if f.skip != tc.skip || tc.skip == "" && (f.way != tc.way || f.srcMAC != tc.src || f.dstMAC != tc.dst ||
				f.size != int32(len(tc.b)) || f.payload != f.size-head-24) {
				t.Errorf("%s after %d: %+v", name, len(tap), f)
			}
		}
	}
}

func TestRadioHeadersNeverPanic(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seed := append([]byte{0, 0, 9, 0, 2, 0, 0, 0, 0x10}, dot11Frame(0x88, 0x41, true)...)
	for range 100_000 {
		b := bytes.Clone(seed[:rng.IntN(len(seed)+1)])
		for range rng.IntN(6) {
			if len(b) > 0 {
				b[rng.IntN(min(len(b), 40))] = byte(rng.Uint32())
			}
		}
		for _, link := range []uint32{link80211, linkRadiotap, linkCooked, linkCooked2, link802154, link802154TAP} {
			var f frame
			f.decode(&Record{Length: len(b) + rng.IntN(50), Link: link, Data: b})
			if f.skip == "" && (f.size < 0 || f.payload < 0 || f.payload > max(f.size-14, 0)) {
				t.Fatalf("%x as %d: %+v", b, link, f)
			}
		}
	}
}

func TestZigbeeAddresses(t *testing.T) {
	data := make([]byte, 20)
	// Data frame, one network, short addresses: 0x1234 to coordinator 0 in
	// network 0xabcd.
	up := append([]byte{0x41, 0x88, 7, 0xcd, 0xab, 0, 0, 0x34, 0x12}, data...)
	down := append([]byte{0x41, 0x88, 8, 0xcd, 0xab, 0x34, 0x12, 0, 0}, data...)
	long := append([]byte{0x41, 0xcc, 9, 0xcd, 0xab, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18}, data...)
	ack := []byte{2, 0, 7, 0, 0}
	b := fileHeaderBytes(magicMicro, 65535, link802154TAP)
	for i, fr := range [][]byte{up, ack, down, long} {
		b = append(b, recordBytes(uint32(i), 0, append([]byte{0, 0, 4, 0}, fr...))...)
	}
	tr, rep, err := readBytes(t, b, Options{})
	if err != nil || rep.Skipped != 1 || rep.Reasons[0].What != "802.15.4 acknowledgment" {
		t.Fatalf("%v %+v", err, rep)
	}
	var got []any
	for _, p := range tr.Packets {
		f := tr.Flows[p.Flow]
		got = append(got, p.Size, p.Payload, p.Dir.String(), f.MAC.String(), f.LAN)
	}
	want := []any{
		int32(29), int32(15), "up", "00:00:ab:cd:12:34", true,
		int32(29), int32(15), "down", "00:00:ab:cd:12:34", true,
		int32(41), int32(20), "up", "12:11:10:0d:0c:0b", true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestHeadersAgreeWithGopacket compares the header parse with gopacket's
// layers on random packets, whole and snapped.
func TestHeadersAgreeWithGopacket(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var (
		eth layers.Ethernet
		tag layers.Dot1Q
		ip4 layers.IPv4
		ip6 layers.IPv6
		ext layers.IPv6ExtensionSkipper
		tcp layers.TCP
		udp layers.UDP
		pay gopacket.Payload
	)
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &tag, &ip4, &ip6, &ext, &tcp, &udp, &pay)
	parser.IgnoreUnsupported = true
	var decoded []gopacket.LayerType
	for range 20_000 {
		b := randomFrame(t, rng)
		if err := parser.DecodeLayers(b, &decoded); err != nil {
			t.Fatal(err)
		}
		want := frame{}
		want.dstMAC, want.srcMAC = header.MAC48(eth.DstMAC), header.MAC48(eth.SrcMAC)
		for _, l := range decoded {
			switch l {
			case layers.LayerTypeIPv4:
				want.proto, want.size = uint8(ip4.Protocol), 14+int32(ip4.Length)
				want.payload = int32(len(ip4.Payload))
			case layers.LayerTypeIPv6:
				want.proto, want.size = uint8(ip6.NextHeader), 54+int32(ip6.Length)
				want.payload = int32(len(ip6.Payload))
			case layers.LayerTypeIPv6Destination:
				want.proto, want.payload = uint8(ext.NextHeader), int32(len(ext.Payload))
			case layers.LayerTypeTCP:
				want.proto, want.payload = header.TCP, int32(len(tcp.Payload))
				want.srcPort, want.dstPort = uint16(tcp.SrcPort), uint16(tcp.DstPort)
			case layers.LayerTypeUDP:
				want.proto, want.payload = header.UDP, int32(len(udp.Payload))
				want.srcPort, want.dstPort = uint16(udp.SrcPort), uint16(udp.DstPort)
			}
		}
		var f frame
		f.decode(&Record{Length: len(b), Link: linkEthernet, Data: b})
		if f.proto != want.proto || f.size != want.size || f.payload != want.payload || f.srcPort != want.srcPort ||
			f.dstPort != want.dstPort || f.srcMAC != want.srcMAC || f.dstMAC != want.dstMAC {
			f.app = nil
			t.Fatalf("%x\ngot  %+v\nwant %+v", b[:min(len(b), 120)], f, want)
		}
	}
}

// randomFrame is an Ethernet frame with random tags, options and payload.
func randomFrame(t testing.TB, rng *rand.Rand) []byte {
	proto := []layers.IPProtocol{header.TCP, header.UDP, header.ICMP, header.ESP}[rng.IntN(4)]
	version := 4 + 2*rng.IntN(2)
	ip := ipPacket(t, version, proto, 1+rng.IntN(1400))
	typ := []byte{8, 0}
	if version == 6 {
		typ = []byte{0x86, 0xdd}
		if rng.IntN(2) == 0 { // destination options
			size := 8 * (1 + rng.IntN(3))
			opt := append([]byte{ip[6], byte(size/8 - 1), 1, byte(size - 4)}, make([]byte, size-4)...)
			ip = append(append(bytes.Clone(ip[:40]), opt...), ip[40:]...)
			ip[6] = 60
			n := len(ip) - 40
			ip[4], ip[5] = byte(n>>8), byte(n)
		}
	} else if rng.IntN(2) == 0 { // IPv4 options
		opt := make([]byte, 4*(1+rng.IntN(10)))
		ip = append(append(bytes.Clone(ip[:20]), opt...), ip[20:]...)
		ip[0] += byte(len(opt) / 4)
		ip[2], ip[3] = byte(len(ip)>>8), byte(len(ip))
	}
	b := make([]byte, 12)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	for range rng.IntN(3) {
		b = append(b, 0x81, 0, 0, byte(rng.IntN(256)))
	}
	b = append(append(b, typ...), ip...)
	return append(b, make([]byte, rng.IntN(8))...)
}
