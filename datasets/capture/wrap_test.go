package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket/layers"

	"veilbench/datasets/capture/internal/header"
	"veilbench/datasets/datatest"
)

// frames are built by hand here, from the documents that say how they look: a
// decoder and a builder of one library would agree on their mistakes.

func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func le16(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// ethernet puts hardware addresses and a type in front of b.
func ethernet(typ int, b ...[]byte) []byte {
	return cat([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, be16(typ), cat(b...))
}

// outer4 is an IPv4 header of a tunnel between two routers.
func outer4(proto int, b ...[]byte) []byte {
	body := cat(b...)
	h := cat([]byte{0x45, 0}, be16(20+len(body)), []byte{0, 9, 0, 0, 64, byte(proto), 0, 0, 192, 0, 2, 1, 192, 0, 2, 2})
	return append(h, body...)
}

func outer6(next int, b ...[]byte) []byte {
	body := cat(b...)
	h := cat([]byte{0x60, 0, 0, 0}, be16(len(body)), []byte{byte(next), 64})
	h = append(h, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"...)
	return append(h, body...)
}

func outerUDP(port int, b ...[]byte) []byte {
	body := cat(b...)
	return outer4(17, be16(40000), be16(port), be16(8+len(body)), be16(0), body)
}

// wrapping is a packet in a wrapper or of a link type.
type wrapping struct {
	link uint32
	data []byte
	// blind says that the version of tshark at hand, or its settings, does not
	// open it.
	blind bool
}

// wrappings puts one packet into everything that the reader opens.
func wrappings(ip []byte) map[string]wrapping {
	typ, ppp, gre := 0x0800, 0x21, []byte{8, 0}
	if ip[0]>>4 == 6 {
		typ, ppp, gre = 0x86dd, 0x57, []byte{0x86, 0xdd}
	}
	eth := ethernet(typ, ip)
	label := []byte{0, 1, 0x01, 64}
	zeros := func(n int) []byte { return make([]byte, n) }
	mac := eth[:12]
	nflog := func(order binary.AppendByteOrder) []byte {
		field := func(typ int, b []byte) []byte {
			f := cat(order.AppendUint16(nil, uint16(4+len(b))), order.AppendUint16(nil, uint16(typ)), b)
			return append(f, zeros(-len(f)&3)...)
		}
		return cat([]byte{2, 0, 0, 0}, field(1, zeros(4)), field(8, cat(be16(6), zeros(2), mac[6:12], zeros(2))), field(10, []byte("x\x00")), field(9, ip))
	}
	tzspTags := []byte{0, 10, 1, 5, 1}
	w := map[string]wrapping{
		"tzsp":              {data: ethernet(0x0800, outerUDP(37008, []byte{1, 0, 0, 1}, tzspTags, eth))},
		"tzsp sent":         {data: ethernet(0x0800, outerUDP(37008, []byte{1, 1, 0, 1, 1}, eth)), blind: true},
		"vxlan":             {data: ethernet(0x0800, outerUDP(4789, []byte{8, 0, 0, 0, 0, 0, 7, 0}, eth))},
		"vxlan gpe":         {data: ethernet(0x0800, outerUDP(4790, []byte{0x0c, 0, 0, 3, 0, 0, 7, 0}, eth))},
		"geneve":            {data: ethernet(0x0800, outerUDP(6081, []byte{1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 0}, eth))},
		"mpls in udp":       {data: ethernet(0x0800, outerUDP(6635, label, ip))},
		"gtp":               {data: ethernet(0x0800, outerUDP(2152, []byte{0x30, 0xff}, be16(len(ip)), be32(9), ip))},
		"gtp sequence":      {data: ethernet(0x0800, outerUDP(2152, []byte{0x32, 0xff}, be16(4+len(ip)), be32(9), zeros(4), ip))},
		"l2tp":              {data: ethernet(0x0800, outerUDP(1701, []byte{0, 2, 0, 1, 0, 2, 0xff, 3}, be16(ppp), ip))},
		"capwap":            {data: ethernet(0x0800, outerUDP(5247, []byte{0, 0x10, 0, 0, 0, 0, 0, 0}, eth)), blind: true},
		"hp mirror":         {data: ethernet(0x0800, outerUDP(7932, zeros(12), eth)), blind: true},
		"ip in ip":          {data: ethernet(0x0800, outer4(map[int]int{0x0800: 4, 0x86dd: 41}[typ], ip))},
		"ds-lite":           {data: ethernet(0x86dd, outer6(map[int]int{0x0800: 4, 0x86dd: 41}[typ], ip))},
		"gre":               {data: ethernet(0x0800, outer4(47, []byte{0, 0}, gre, ip))},
		"gre key and seq":   {data: ethernet(0x0800, outer4(47, []byte{0x30, 0}, gre, be32(7), be32(1), ip))},
		"gre of ethernet":   {data: ethernet(0x0800, outer4(47, []byte{0, 0, 0x65, 0x58}, eth))},
		"pptp":              {data: ethernet(0x0800, outer4(47, []byte{0x30, 0x81, 0x88, 0x0b}, be16(4+len(ip)), be16(1), be32(1), be32(1), []byte{0xff, 3}, be16(ppp), ip))},
		"erspan 1":          {data: ethernet(0x0800, outer4(47, []byte{0, 0, 0x88, 0xbe}, eth))},
		"erspan 2":          {data: ethernet(0x0800, outer4(47, []byte{0x10, 0, 0x88, 0xbe}, be32(1), []byte{0x10, 1, 0, 1, 0, 0, 0, 0}, eth))},
		"erspan 3":          {data: ethernet(0x0800, outer4(47, []byte{0x10, 0, 0x22, 0xeb}, be32(1), []byte{0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, eth))},
		"etherip":           {data: ethernet(0x0800, outer4(97, []byte{0x30, 0}, eth))},
		"mpls":              {data: ethernet(0x8847, []byte{0, 1, 0, 64}, label, ip)},
		"mpls pseudowire":   {data: ethernet(0x8847, label, zeros(4), eth), blind: true},
		"mpls no control":   {data: ethernet(0x8847, label, eth), blind: true},
		"pppoe":             {data: ethernet(0x8864, []byte{0x11, 0, 0, 1}, be16(2+len(ip)), be16(ppp), ip)},
		"pppoe in vlan":     {data: ethernet(0x8100, be16(7), be16(0x8864), []byte{0x11, 0, 0, 1}, be16(2+len(ip)), be16(ppp), ip)},
		"backbone":          {data: ethernet(0x88e7, zeros(4), eth)},
		"edsa":              {data: ethernet(0xdada, zeros(2), []byte{0xc0, 0, 0, 0}, be16(typ), ip), blind: true},
		"realtek":           {data: ethernet(0x8899, []byte{0xa0, 1}, be16(typ), ip), blind: true},
		"snap":              {data: ethernet(8+len(ip), []byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(typ), ip)},
		"vlan, gre, mpls":   {data: ethernet(0x8100, be16(7), be16(0x0800), outer4(47, []byte{0, 0, 0x88, 0x47}, label, ip))},
		"vxlan in vxlan":    {data: ethernet(0x0800, outerUDP(4789, []byte{8, 0, 0, 0, 0, 0, 7, 0}, ethernet(0x0800, outerUDP(4789, []byte{8, 0, 0, 0, 0, 0, 8, 0}, eth))))},
		"ah":                {data: ethernet(0x0800, outer4(51, []byte{4, 4, 0, 0}, zeros(20), ip)), blind: ip[0]>>4 == 6},
		"nsh":               {data: ethernet(0x894f, []byte{0, 6, 1, 3}, zeros(20), eth)},
		"batman":            {data: ethernet(0x4305, []byte{0x40, 15, 50, 0}, zeros(6), eth), blind: true},
		"link ppp":          {link: linkPPP, data: cat([]byte{0xff, 3}, be16(ppp), ip)},
		"link ppp bare":     {link: linkPPP, data: cat(be16(ppp), ip)},
		"link ppp short":    {link: linkPPP, data: cat([]byte{byte(ppp)}, ip)},
		"link ppp serial":   {link: linkPPPSerial, data: cat([]byte{0xff, 3}, be16(ppp), ip)},
		"link ppp cisco":    {link: linkPPPSerial, data: cat([]byte{0x0f, 0}, be16(typ), ip)},
		"link pppoe":        {link: linkPPPoE, data: cat([]byte{0x11, 0, 0, 1}, be16(2+len(ip)), be16(ppp), ip)},
		"link pppd":         {link: linkPPPD, data: cat([]byte{1, 3}, be16(ppp), ip), blind: true},
		"link ppp way":      {link: linkPPPDir, data: cat([]byte{1, 0xff, 3}, be16(ppp), ip)},
		"link hdlc":         {link: linkHDLC, data: cat([]byte{0x0f, 0}, be16(typ), ip)},
		"link frame relay":  {link: linkRelay, data: cat([]byte{0x18, 0x41}, be16(typ), ip), blind: true},
		"link relay nlpid":  {link: linkRelay, data: cat([]byte{0x18, 0x41, 3, map[int]byte{0x0800: 0xcc, 0x86dd: 0x8e}[typ]}, ip)},
		"link atm":          {link: linkATM1483, data: cat([]byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(typ), ip)},
		"link atm bridged":  {link: linkATM1483, data: cat([]byte{0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0}, eth)},
		"link nflog":        {link: linkNFLOG, data: nflog(binary.LittleEndian)},
		"link nflog big":    {link: linkNFLOG, data: nflog(binary.BigEndian), blind: true},
		"link pktap":        {link: linkPKTAP, data: cat(le32(108), le32(1), le32(1), []byte("en0"), zeros(108-15), eth)},
		"link pflog":        {link: linkPFLog, data: cat([]byte{61, map[int]byte{0x0800: 2, 0x86dd: 24}[typ]}, zeros(62), ip)},
		"link ppi":          {link: linkPPI, data: cat([]byte{0, 0, 8, 0}, le32(1), eth)},
		"link broadcom":     {link: linkBrcm, data: cat(mac, []byte{0x20, 0, 0, 1}, be16(typ), ip), blind: true},
		"link broadcom pre": {link: linkBrcmBefore, data: cat([]byte{0x20, 0, 0, 1}, eth), blind: true},
		"link dsa":          {link: linkDSA, data: cat(mac, []byte{0xc0, 0, 0, 0}, be16(typ), ip), blind: true},
		"link edsa":         {link: linkEDSA, data: cat(mac, []byte{0xda, 0xda, 0, 0, 0xc0, 0, 0, 0}, be16(typ), ip), blind: true},
		"link slip":         {link: linkSLIP, data: cat(zeros(16), ip), blind: true},
		"link cooked":       {link: linkCooked, data: cat(be16(0), be16(1), be16(6), mac[6:12], be16(0), be16(typ), ip)},
	}
	if typ == 0x86dd {
		w["teredo"] = wrapping{data: ethernet(0x0800, outerUDP(3544, zeros(8), ip)), blind: true}
		w["teredo bare"] = wrapping{data: ethernet(0x0800, outerUDP(3544, ip)), blind: true}
	}
	for name, v := range w {
		if v.link == 0 {
			v.link = linkEthernet
			w[name] = v
		}
	}
	return w
}

// TestWrappersShowTheSamePacket has one packet in every wrapper. It must read as
// the packet alone does, whatever is cut off behind.
func TestWrappersShowTheSamePacket(t *testing.T) {
	for _, version := range []int{4, 6} {
		ip := ipPacket(t, version, layers.IPProtocolTCP, 100)
		var want frame
		want.decode(&Record{Length: len(ip), Link: linkRaw, Data: ip})
		for name, w := range wrappings(ip) {
			var f frame
			f.decode(&Record{Length: len(w.data), Link: w.link, Data: w.data})
			got, bare := f.key, want.key
			got.srcMAC, got.dstMAC = 0, 0
			if got != bare || f.size != want.size || f.payload != want.payload || f.skip != "" || f.odd != "" || f.unopened != "" {
				t.Errorf("%s of IPv%d: %+v\nwant %+v", name, version, f, want)
			}
			for n := range w.data { // any cut may hide it, none may crash or lie
				var f frame
				f.decode(&Record{Length: len(w.data), Link: w.link, Data: w.data[:n]})
				if f.size < 0 || f.payload < 0 || f.payload > max(f.size-14, 0) || len(f.app) > n {
					t.Fatalf("%s cut at %d: %+v", name, n, f)
				}
			}
		}
	}
}

// TestWrappersAgreeWithTshark asks tshark for the innermost addresses, lengths
// and ports of the same packets.
func TestWrappersAgreeWithTshark(t *testing.T) {
	tshark := datatest.Tool(t, "tshark")
	ng := sectionBytes()
	var records []byte
	var names []string
	for _, version := range []int{4, 6} {
		ws := wrappings(ipPacket(t, version, layers.IPProtocolTCP, 100))
		for name, w := range ws {
			if w.blind {
				continue
			}
			ng = append(ng, interfaceBytes(uint16(w.link), nil)...)
			records = append(records, enhancedBytes(uint32(len(names)), uint64(len(names)), uint32(len(w.data)), uint32(len(w.data)), w.data)...)
			names = append(names, fmt.Sprintf("%s of IPv%d", name, version))
		}
	}
	path := filepath.Join(t.TempDir(), "w.pcapng")
	if err := os.WriteFile(path, append(ng, records...), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tshark, "-n", "-r", path, "-T", "fields", "-E", "occurrence=l", "-E", "separator=|",
		"-e", "ip.src", "-e", "ip.len", "-e", "ipv6.src", "-e", "ipv6.plen", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "frame.protocols").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(names) {
		t.Fatalf("%d lines, want %d", len(lines), len(names))
	}
	for i, l := range lines {
		v := strings.Split(l, "|")
		want4, want6 := slices.Equal(v[:2], []string{"192.168.0.2", "140"}), slices.Equal(v[2:4], []string{"fd00::2", "120"})
		if strings.HasSuffix(names[i], "4") && !want4 || strings.HasSuffix(names[i], "6") && !want6 || v[4] != "1234" || v[5] != "443" {
			t.Errorf("%s: tshark reads %s", names[i], l)
		}
	}
	t.Logf("%d wrappings agree", len(names))
}

// TestWrappersByChance has payloads on the ports of wrappers that are none, and
// wrappers that are not opened: the outer packet counts.
func TestWrappersByChance(t *testing.T) {
	for name, tc := range map[string]struct {
		b        []byte
		unopened string
	}{
		"text on TZSP":    {outerUDP(37008, []byte("hello, this is no mirrored frame")), ""},
		"text on VXLAN":   {outerUDP(4789, []byte("hello, this is no mirrored frame")), ""},
		"text on GTP":     {outerUDP(2152, []byte("hello, this is no mirrored frame")), ""},
		"text on ZEP":     {outerUDP(17754, []byte("hello, this is no mirrored frame")), ""},
		"L2TP control":    {outerUDP(1701, []byte{0xc8, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0}), ""},
		"CAPWAP DTLS":     {outerUDP(5247, []byte{1, 0, 0, 0, 22, 0xfe, 0xff, 0, 0, 0, 0}), "CAPWAP with DTLS"},
		"encrypted PPP":   {outer4(47, []byte{0x30, 1, 0x88, 0x0b}, be16(20), be16(1), be32(1), []byte{0xfd}, make([]byte, 20)), "GRE with compressed, encrypted or bundled PPP"},
		"unknown GRE":     {outer4(47, []byte{0, 0, 0x99, 0x99}, make([]byte, 20)), "GRE"},
		"L2TPv3":          {outer4(115, make([]byte, 40)), "L2TPv3"},
		"nothing in IPIP": {outer4(4, make([]byte, 40)), ""},
	} {
		var f frame
		data := ethernet(0x0800, tc.b)
		f.decode(&Record{Length: len(data), Link: linkEthernet, Data: data})
		if src, _ := f.addrs(); src.Addr().String() != "192.0.2.1" || int(f.size) != len(data) || f.wrapped != "" || f.unopened != tc.unopened {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestWrappersHaveABottom nests headers until the frame is full of them.
func TestWrappersHaveABottom(t *testing.T) {
	b := ipPacket(t, 4, layers.IPProtocolTCP, 10)
	for range 2000 {
		b = outer4(4, b)
		if len(b) > 60000 {
			break
		}
	}
	data := ethernet(0x0800, b)
	var f frame
	f.decode(&Record{Length: len(data), Link: linkEthernet, Data: data})
	if f.depth > maxWrappers || f.kind != 4 || f.proto == header.TCP {
		t.Errorf("%+v", f.key)
	}
}
