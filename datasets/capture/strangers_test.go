package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"

	"veilbench/datasets"
)

// Every wrapper in every other: mirrors of mirrors, tunnels in tunnels.
func TestWrappersInWrappers(t *testing.T) {
	n := 0
	for _, version := range []int{4, 6} {
		ip := ipPacket(t, version, layers.IPProtocolTCP, 100)
		var want frame
		want.decode(&Record{Length: len(ip), Link: linkRaw, Data: ip})
		for inner, w := range wrappings(ip) {
			var wrapped []byte // an IP packet with the packet in it
			if w.link == linkEthernet && bytes.Equal(w.data[12:14], []byte{8, 0}) {
				wrapped = w.data[14:]
			} else if w.link == linkEthernet && bytes.Equal(w.data[12:14], []byte{0x86, 0xdd}) {
				wrapped = w.data[14:]
			} else {
				continue
			}
			for outer, w := range wrappings(wrapped) {
				var f frame
				f.decode(&Record{Length: len(w.data), Link: w.link, Data: w.data})
				got, bare := f.key, want.key
				got.srcMAC, got.dstMAC = 0, 0
				if n++; got != bare || f.size != want.size || f.payload != want.payload || f.skip != "" || f.odd != "" || f.unopened != "" {
					t.Errorf("%s in %s, of IPv%d: %+v", inner, outer, version, f)
				}
			}
		}
	}
	t.Logf("%d pairs", n)
}

// talk is a conversation of a device with a server, as IP packets: up and down in
// turn.
func talk(t *testing.T) (packets [][]byte) {
	t.Helper()
	for i := range 12 {
		p := ipPacket(t, 4, layers.IPProtocolTCP, 40+10*i)
		copy(p[12:20], []byte{192, 168, 1, 23, 203, 0, 113, 10})
		if i%2 == 1 {
			copy(p[12:20], []byte{203, 0, 113, 10, 192, 168, 1, 23})
			copy(p[20:24], []byte{443 >> 8, 443 & 255, 1234 >> 8, 1234 & 255})
		}
		packets = append(packets, p)
	}
	return packets
}

const talkFlow = "192.168.1.23:1234>203.0.113.10:443 12 packets 780 up 840 down"

func flowsOf(tr datasets.Trace) string {
	var got []string
	for i, f := range tr.Flows {
		n, size := 0, [2]int{}
		for _, p := range tr.Packets {
			if int(p.Flow) == i {
				n++
				size[p.Dir] += int(p.Size) - 14
			}
		}
		got = append(got, fmt.Sprintf("%v>%v %d packets %d up %d down", f.Local, f.Remote, n, size[0], size[1]))
	}
	return strings.Join(got, "\n")
}

// Captures of strangers hold one conversation, in what lies between a device and the
// file. Each reads as the conversation alone does.
func TestStrangersCaptures(t *testing.T) {
	station, ap := []byte{2, 0, 0, 0, 0, 1}, []byte{2, 0, 0, 0, 0, 2}
	macs := func(i int) []byte {
		if i%2 == 0 {
			return cat(ap, station)
		}
		return cat(station, ap)
	}
	eth := func(i int, typ int, b ...[]byte) []byte { return cat(macs(i), be16(typ), cat(b...)) }
	zeros := func(n int) []byte { return make([]byte, n) }
	type wrap func(i int, ip []byte) []byte
	plain := func(i int, ip []byte) []byte { return eth(i, 0x0800, ip) }
	mirror := func(b ...[]byte) []byte { // what a mirror sends is always the same way
		return ethernet(0x0800, cat(b...))
	}
	for name, c := range map[string]struct {
		link uint32
		wrap wrap
	}{
		"VLAN, MPLS, PPPoE": {linkEthernet, func(i int, ip []byte) []byte {
			return eth(i, 0x8100, be16(7), be16(0x8847), []byte{0, 1, 1, 64}, zeros(4), eth(i, 0x8864, []byte{0x11, 0, 0, 1}, be16(2+len(ip)), be16(0x21), ip))
		}},
		"two VLANs and three labels": {linkEthernet, func(i int, ip []byte) []byte {
			return eth(i, 0x88a8, be16(7), be16(0x8100), be16(8), be16(0x8847), []byte{0, 1, 0, 64, 0, 2, 0, 64, 0, 3, 1, 64}, ip)
		}},
		"GRE with checksum, key and number": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outer4(47, []byte{0xb0, 0}, be16(0x6558), zeros(4), be32(9), be32(i), plain(i, ip)))
		}},
		"GRE with routing": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outer4(47, []byte{0x40, 0}, be16(0x0800), zeros(4), zeros(4), ip))
		}},
		"ERSPAN II with a VLAN": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outer4(47, []byte{0x10, 0, 0x88, 0xbe}, be32(i), []byte{0x10, 1, 0, 1, 0, 0, 0, 0}, eth(i, 0x8100, be16(3), be16(0x0800), ip)))
		}},
		"ERSPAN III with a subheader": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outer4(47, []byte{0x10, 0, 0x22, 0xeb}, be32(i), []byte{0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, zeros(8), plain(i, ip)))
		}},
		"VXLAN of Linux": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outerUDP(8472, []byte{8, 0, 0, 0, 0, 0, 7, 0}, plain(i, ip)))
		}},
		"VXLAN on a port of its own": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outerUDP(12345, []byte{8, 0, 0, 0, 0, 0, 7, 0}, plain(i, ip)))
		}},
		"VXLAN with a policy group": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outerUDP(4789, []byte{0x88, 0, 0, 5, 0, 0, 7, 0}, plain(i, ip)))
		}},
		"Geneve on a port of its own": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outerUDP(16081, []byte{0, 0, 0x65, 0x58, 0, 0, 7, 0}, plain(i, ip)))
		}},
		"TZSP with tags": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outerUDP(37008, []byte{1, 0, 0, 1}, []byte{10, 1, 5, 11, 1, 0, 12, 1, 2, 13, 4, 0, 0, 0, 1, 0, 0, 18, 1, 11, 40, 4, 0, 0, 0, 9, 1}, plain(i, ip)))
		}},
		"TZSP on a port of its own": {linkEthernet, func(i int, ip []byte) []byte {
			return mirror(outerUDP(9999, []byte{1, 0, 0, 1, 1}, plain(i, ip)))
		}},
		"L2TP in PPPoE": {linkEthernet, func(i int, ip []byte) []byte {
			in := outerUDP(1701, []byte{0, 2, 0, 1, 0, 2, 0xff, 3}, be16(0x21), ip)
			return eth(i, 0x8864, []byte{0x11, 0, 0, 1}, be16(2+len(in)), be16(0x21), in)
		}},
		"a tunnel with options around it": {linkEthernet, func(i int, ip []byte) []byte {
			in := outer4(4, ip)
			in = cat([]byte{0x47}, in[1:2], be16(len(in)+8), in[4:20], zeros(8), in[20:])
			return eth(i, 0x0800, in)
		}},
		"IP in IPv6 with options": {linkEthernet, func(i int, ip []byte) []byte {
			return eth(i, 0x86dd, outer6(60, []byte{4, 0, 1, 4, 0, 0, 0, 0}, ip))
		}},
		"NFLOG with all fields": {linkNFLOG, func(i int, ip []byte) []byte {
			field := func(typ int, b ...[]byte) []byte {
				v := cat(b...)
				return cat(le16(4+len(v)), le16(typ), v, zeros(-len(v)&3))
			}
			return cat([]byte{2, 0, 0, 5}, field(1, []byte{8, 0, 1, 0}), field(10, []byte("forward: \x00")), field(4, be32(2)), field(5, be32(3)), field(8, be16(6), zeros(2), station, zeros(2)),
				field(15, be16(1)), field(16, be16(14)), field(17, macs(i), be16(0x0800)), field(11, be32(0)), field(14, be32(0)), field(3, zeros(16)), field(9, ip))
		}},
		"PKTAP": {linkPKTAPUser, func(i int, ip []byte) []byte {
			return cat(le32(156), le32(1), le32(1), []byte("en0"), zeros(24-3), le32(1+i%2), zeros(156-40), plain(i, ip))
		}},
		"PKTAP, version 2": {linkPKTAP, func(i int, ip []byte) []byte {
			return cat([]byte{60, 0, 0, 40, 0, 0}, le16(1), le16(14), le16(0), le16(6), le16(6), le32(2), le32(0), le32(0), le32(77), le32(0), le32(1+i%2), []byte("en0"), zeros(17), plain(i, ip))
		}},
		"PKTAP of a tunnel device": {linkPKTAP, func(i int, ip []byte) []byte {
			return cat(le32(108), le32(1), le32(0), []byte("utun3"), zeros(24-5), zeros(108-36), []byte{2, 0, 0, 0}, ip)
		}},
		"PPI with fields that are aligned": {linkPPI, func(i int, ip []byte) []byte {
			return cat([]byte{0, 1, 24, 0}, le32(1), le16(7), le16(6), zeros(8), le16(9), le16(0), plain(i, ip))
		}},
		"BSD loopback of a big-endian machine": {linkNull, func(i int, ip []byte) []byte { return cat(be32(2), ip) }},
		"cooked": {linkCooked, func(i int, ip []byte) []byte {
			return cat(be16(map[int]int{0: 0, 1: 4}[i%2]), be16(1), be16(6), [][]byte{station, ap}[i%2], zeros(2), be16(0x0800), ip)
		}},
		"cooked, with a VLAN": {linkCooked, func(i int, ip []byte) []byte {
			return cat(be16(map[int]int{0: 0, 1: 4}[i%2]), be16(1), be16(6), [][]byte{station, ap}[i%2], zeros(2), be16(0x8100), be16(5), be16(0x0800), ip)
		}},
		"cooked version 2": {linkCooked2, func(i int, ip []byte) []byte {
			return cat(be16(0x0800), zeros(2), be32(3), be16(1), []byte{byte(4 * (i % 2)), 6}, [][]byte{station, ap}[i%2], zeros(2), ip)
		}},
		"cooked, of a tunnel device": {linkCooked2, func(i int, ip []byte) []byte {
			return cat(be16(0x0800), zeros(2), be32(3), be16(0xfffe), []byte{byte(4 * (i % 2)), 0}, zeros(8), ip)
		}},
		"HDLC with MPLS":           {linkHDLC, func(i int, ip []byte) []byte { return cat([]byte{0x0f, 0}, be16(0x8847), []byte{0, 1, 1, 64}, ip) }},
		"PPP with MPLS":            {linkPPPSerial, func(i int, ip []byte) []byte { return cat([]byte{0xff, 3}, be16(0x0281), []byte{0, 1, 1, 64}, ip) }},
		"raw IP":                   {linkRawOpen, func(_ int, ip []byte) []byte { return ip }},
		"raw IPv4":                 {linkIPv4, func(_ int, ip []byte) []byte { return ip }},
		"filled to 60 bytes":       {linkEthernet, func(i int, ip []byte) []byte { return cat(plain(i, ip), zeros(12)) }},
		"with a check sequence":    {linkEthernet, func(i int, ip []byte) []byte { return cat(plain(i, ip), []byte{1, 2, 3, 4}) }},
		"a switch's tag, trailing": {linkEthernet, func(i int, ip []byte) []byte { return cat(plain(i, ip), []byte{0x80, 1, 0x10, 0}) }},
		"VN-tag":                   {linkEthernet, func(i int, ip []byte) []byte { return eth(i, 0x8926, zeros(4), be16(0x0800), ip) }},
		"HSR":                      {linkEthernet, func(i int, ip []byte) []byte { return eth(i, 0x892f, zeros(4), be16(0x0800), ip) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := fileHeaderBytes(magicMicro, 65535, c.link)
			for i, ip := range talk(t) {
				b = append(b, recordBytes(uint32(i), 0, c.wrap(i, ip))...)
			}
			tr, rep, err := readBytes(t, b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := flowsOf(tr); got != talkFlow || rep.Skipped > 0 {
				t.Errorf("%s, skipped %d, %v; want %s", got, rep.Skipped, said(rep), talkFlow)
			}
		})
	}
}

// Files of strangers hold the conversation in every container.
func TestStrangersContainers(t *testing.T) {
	packets := talk(t)
	var frames [][]byte
	for i, ip := range packets {
		if i%2 == 0 {
			frames = append(frames, cat([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, ip))
		} else {
			frames = append(frames, cat([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, ip))
		}
	}
	classic := func(order binary.ByteOrder, magic uint32, unit uint32, cut int) []byte {
		w := func(v ...uint32) (b []byte) {
			for _, x := range v {
				b = append(b, 0, 0, 0, 0)
				order.PutUint32(b[len(b)-4:], x)
			}
			return b
		}
		v := make([]byte, 4)
		order.PutUint16(v, 2)
		order.PutUint16(v[2:], 4)
		b := cat(w(magic), v, w(0, 0, uint32(cut), 1))
		for i, f := range frames {
			b = append(b, w(1700000000+uint32(i), 500*unit, uint32(min(len(f), cut)), uint32(len(f)))...)
			b = append(b, f[:min(len(f), cut)]...)
		}
		return b
	}
	ng := func(order binary.ByteOrder, simple bool, which []int) []byte {
		w32 := func(v uint32) []byte { b := make([]byte, 4); order.PutUint32(b, v); return b }
		w16 := func(v uint16) []byte { b := make([]byte, 2); order.PutUint16(b, v); return b }
		block := func(typ uint32, b ...[]byte) []byte {
			body := cat(b...)
			body = append(body, make([]byte, -len(body)&3)...)
			n := w32(uint32(12 + len(body)))
			return cat(w32(typ), n, body, n)
		}
		option := func(code uint16, v []byte) []byte {
			return cat(w16(code), w16(uint16(len(v))), v, make([]byte, -len(v)&3))
		}
		offset := make([]byte, 8)
		order.PutUint64(offset, 1700000000)
		end := w32(0)
		out := cat(block(blockSection, w32(byteOrderMark), w16(1), w16(0), []byte("\xff\xff\xff\xff\xff\xff\xff\xff"), option(4, []byte("a lab")), end),
			block(blockInterface, w16(1), w16(0), w32(0), option(2, []byte("eth0")), option(9, []byte{9}), end),
			block(blockInterface, w16(1), w16(0), w32(96), option(14, offset), option(9, []byte{0x80 | 10}), end),
			block(blockInterface, w16(1), w16(0), w32(0)),
			block(0xbad, []byte("of a vendor")), block(5, w32(0), w32(0), w32(0)))
		for _, i := range which {
			f := frames[i]
			at := uint64(1700000000+i)*2 + 1 // halves of a second
			switch n := uint32(len(f)); {
			case simple:
				out = append(out, block(blockSimple, w32(n), f)...)
				continue
			case i%3 == 0:
				at *= 500_000_000
			case i%3 == 1:
				at = (at - 2*1700000000) * 512
			default:
				at *= 500_000
			}
			out = append(out, block(blockEnhanced, w32(uint32(i%3)), w32(uint32(at>>32)), w32(uint32(at)), w32(uint32(len(f))), w32(uint32(len(f))), f, make([]byte, -len(f)&3), option(2, w32(1)), end)...)
		}
		return out
	}
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	le, be := binary.ByteOrder(binary.LittleEndian), binary.ByteOrder(binary.BigEndian)
	for name, b := range map[string][]byte{
		"big-endian":                     classic(be, magicMicro, 1000, 65535),
		"nanoseconds":                    classic(le, magicNano, 1_000_000, 65535),
		"nanoseconds, big-endian":        classic(be, magicNano, 1_000_000, 65535),
		"cut to 68 bytes":                classic(le, magicMicro, 1000, 68),
		"interfaces of three clocks":     ng(le, false, all),
		"big-endian pcapng":              ng(be, false, all),
		"sections of both byte orders":   cat(ng(le, false, all[:5]), ng(be, false, all[5:])),
		"simple blocks":                  ng(le, true, all),
		"gzip in two members":            cat(compress(t, "gzip", classic(le, magicMicro, 1000, 65535)[:300]), compress(t, "gzip", classic(le, magicMicro, 1000, 65535)[300:])),
		"zstd in two frames":             cat(compress(t, "zstd", ng(le, false, all)[:300]), compress(t, "zstd", ng(le, false, all)[300:])),
		"statistics behind the last one": cat(ng(le, false, all), blockBytes(5, make([]byte, 12))),
	} {
		t.Run(name, func(t *testing.T) {
			tr, rep, err := readBytes(t, b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := flowsOf(tr); got != talkFlow || rep.Skipped > 0 {
				t.Errorf("%s, skipped %d, %v; want %s", got, rep.Skipped, said(rep), talkFlow)
			}
			if !strings.Contains(name, "simple") && (tr.End.Seconds() != 11 || tr.Start.UnixMilli() != 1700000000500) {
				t.Errorf("%v from %v", tr.End, tr.Start.UnixMilli())
			}
		})
	}
}

// One frame of radio, behind what strangers' sniffers put in front of it.
func TestStrangersRadio(t *testing.T) {
	data := dot11Frame(0x88, 0x41, true)
	var wifi, zigbee frame
	wifi.decode(&Record{Length: len(data), Link: link80211, Data: data})
	zb := right(zigbeeFrame(0x1234, 0, [2]byte{}))
	zigbee.decode(&Record{Length: len(zb), Link: link802154FCS, Data: zb})
	zeros := func(n int) []byte { return make([]byte, n) }
	tlv := func(typ int, v ...byte) []byte { return cat(le16(typ), le16(len(v)), v, zeros(-len(v)&3)) }
	tap := func(tlvs ...[]byte) []byte { b := cat(tlvs...); return cat([]byte{0, 0}, le16(4+len(b)), b, zb) }
	for name, c := range map[string]struct {
		link uint32
		want *frame
		b    []byte
	}{
		"Prism, big-endian":                 {linkPrism, &wifi, cat(be32(0x44), be32(144), zeros(136), data)},
		"AVS, version 2":                    {linkAVS, &wifi, cat(be32(0x80211002), be32(80), zeros(72), data)},
		"Prism link with AVS":               {linkPrism, &wifi, cat(be32(0x80211001), be32(64), zeros(56), data)},
		"radiotap with an empty header":     {linkRadiotap, &wifi, cat([]byte{0, 0, 8, 0, 0, 0, 0, 0}, data)},
		"radiotap, two words":               {linkRadiotap, &wifi, cat([]byte{0, 0, 16, 0}, le32(0x80000002), le32(0x00000820), []byte{0, 0xc0, 1, 0}, data)},
		"radiotap, FCS and a vendor's word": {linkRadiotap, &wifi, cat([]byte{0, 0, 24, 0}, le32(0xc0000002), le32(0x00000001), []byte{0x10, 0}, []byte{1, 2, 3, 4, 2, 0, 7, 7}, zeros(2), data, zeros(4))},
		"radiotap in PPI":                   {linkPPI, &wifi, cat([]byte{0, 0, 8, 0}, le32(linkRadiotap), []byte{0, 0, 9, 0, 2, 0, 0, 0, 0x10}, data, zeros(4))},
		"radiotap in PKTAP":                 {linkPKTAP, &wifi, cat(le32(108), le32(1), le32(linkRadiotap), []byte("en0"), zeros(24-3), le32(1), zeros(108-40), []byte{0, 0, 9, 0, 2, 0, 0, 0, 0x10}, data, zeros(4))},
		"PPI, aligned, many fields":         {linkPPI, &wifi, cat([]byte{0, 1, 52, 0}, le32(link80211), le16(30002), le16(6), zeros(8), le16(2), le16(20), zeros(8), le16(1), zeros(10), le16(9), le16(4), zeros(4), data, zeros(4))},
		"TZSP with a Prism header":          {linkEthernet, &wifi, ethernet(0x0800, outerUDP(37008, []byte{1, 0, 0, 119, 1}, cat(le32(0x44), le32(144), zeros(136), data)))},
		"TAP, bare":                         {link802154TAP, &zigbee, tap()},
		"TAP with fields":                   {link802154TAP, &zigbee, tap(tlv(0, 1), tlv(1, 0, 0, 0x80, 0x3f), tlv(3, 11, 0, 0), tlv(10, 255))},
		"ZEP, version 1":                    {linkEthernet, &zigbee, ethernet(0x0800, outerUDP(17754, []byte("EX\x01\x0b\x00\x01\x00\xff"), zeros(7), []byte{byte(len(zb))}, zb))},
		"ZEP, version 2":                    {linkEthernet, &zigbee, ethernet(0x0800, outerUDP(17754, []byte("EX\x02\x01\x0b\x00\x01\x00\xff"), zeros(22), []byte{byte(len(zb))}, zb))},
		"802.15.4 in Ethernet":              {linkEthernet, &zigbee, ethernet(0x809a, zb)},
		"802.15.4 in cooked":                {linkCooked, &zigbee, cat(be16(0), be16(804), be16(8), zeros(8), be16(0x00f6), zb)},
	} {
		var f frame
		f.decode(&Record{Length: len(c.b), Link: c.link, Data: c.b})
		if f.skip != "" || f.key != c.want.key || f.size != c.want.size || f.payload != c.want.payload || f.way != c.want.way {
			t.Errorf("%s: %+v\nwant %+v", name, f, c.want)
		}
	}

	// The word of the wrapper on a damaged frame counts.
	bad := zigbeeFrame(9, 0, [2]byte{1, 2})
	b := fileHeaderBytes(magicMicro, 65535, link802154TAP)
	for i, fr := range [][]byte{zb, zb, zb, bad} {
		b = append(b, recordBytes(uint32(i), 0, cat([]byte{0, 0}, le16(12), tlv(0, 1), fr))...)
	}
	if tr, rep, err := readBytes(t, b, Options{}); err != nil || len(tr.Packets) != 3 || rep.Skipped != 1 {
		t.Errorf("%v %+v", err, rep)
	}
}
