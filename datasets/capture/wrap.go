package capture

import (
	"encoding/binary"

	"veilbench/datasets/capture/internal/header"
)

// Mirror ports and tunnels put one packet into another. The reader opens them,
// so that a trace has the packet that the home sent and not its wrapper; what
// it knows for a wrapper and does not open, it names.

// maxWrappers bounds how deep wrappers are opened: a frame can be made of
// nothing but headers.
const maxWrappers = 8

// Ports of UDP by which wrappers are known.
const (
	portL2TP     = 1701
	portGTP      = 2152
	portTeredo   = 3544
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portCAPWAP   = 5247
	portGeneve   = 6081
	portMPLS     = 6635
	portHPERM    = 7932
	portZEP      = 17754
	portTZSP     = 37008
)

// IP protocol numbers of wrappers.
const (
	protoIPv4    = 4
	protoIPv6    = 41
	protoGRE     = 47
	protoAH      = 51
	protoEtherIP = 97
	protoL2TP    = 115
	protoMPLS    = 137
)

// tag is what a link layer puts between the hardware addresses and an Ethernet
// type: how many bytes, and where in them the next type stands (-1: none
// follows, an Ethernet frame does).
type tag struct{ size, next int }

// tagOf knows the tags of fixed length by their Ethernet type. b begins behind
// that type.
func tagOf(typ uint16, b []byte) (t tag, ok bool) {
	switch typ {
	case etherVLAN, etherQinQ, etherOldQ, 0x9200, 0x8926: // 0x8926: VN-Tag, whose type comes after 4 bytes
		if typ == 0x8926 {
			return tag{6, 4}, true
		}
		return tag{4, 2}, true
	case 0xdada: // Marvell EDSA: two zeros and a DSA tag of four
		return tag{8, 6}, true
	case 0x8909: // Cisco metadata
		return tag{8, 6}, true
	case 0x892f: // HSR
		return tag{6, 4}, true
	case 0x88e7: // provider backbone bridging: a service tag and the customer's frame
		return tag{4, -1}, true
	case 0x8899: // Realtek switches: the kind is in the first byte
		switch {
		case len(b) > 0 && b[0]>>4 == 0xa:
			return tag{4, 2}, true
		case len(b) > 0 && b[0] == 4:
			return tag{8, 6}, true
		}
	}
	return tag{}, false
}

// decodeType decodes what follows an Ethernet type at off: tags and wrappers,
// then the network layer. wire is the length of the frame b.
func (f *frame) decodeType(typ uint16, b []byte, off, wire int) {
	// Nearly all is plain IP, of which none of the cases below is.
	if typ == header.EtherIPv4 || typ == header.EtherIPv6 {
		f.decodeNetwork(typ, b, off, wire)
		return
	}
	for {
		rest := b[min(off, len(b)):]
		t, ok := tagOf(typ, rest)
		switch {
		case ok && len(rest) < t.size:
			f.decodeNetwork(typ, b, off, wire)
			return
		case ok && t.next < 0:
			if !f.inEthernet("provider backbone", rest[t.size:], wire-off-t.size) {
				f.setOpaque(b, wire, off)
			}
			return
		case ok:
			typ, off = binary.BigEndian.Uint16(rest[t.next:]), off+t.size
			continue
		case typ == etherPPPoE && len(rest) >= 8:
			f.pppoe = true
			typ, off = pppType(rest[6:]), off+8
			continue
		case typ <= 1500 && len(rest) >= 8 && string(rest[:6]) == "\xaa\xaa\x03\x00\x00\x00":
			// LLC and SNAP wrap the type on some links; only IP behind it is a
			// reason to take the header off.
			if inner := binary.BigEndian.Uint16(rest[6:]); inner == header.EtherIPv4 || inner == header.EtherIPv6 {
				typ, off = inner, off+8
				continue
			}
		case (typ == 0x8847 || typ == 0x8848) && f.openMPLS(rest, wire-off),
			typ == 0x4305 && f.openBatman(rest, wire-off),
			typ == 0x894f && f.openNSH(rest, wire-off):
			return
		case (typ == 0x809a || typ == 0x00f6) && wire > off && f.opening("Ethernet"):
			// 802.15.4, as sniffers hand it out and as Linux calls it.
			f.setOpaque(rest, wire-off, 0)
			f.check = checkOf(rest, wire-off)
			f.decodeZigbee(rest, wire-off)
			return
		case typ == 0x88e5:
			f.unopened = "MACsec"
		case typ == 0x8847 || typ == 0x8848:
			f.unopened = "MPLS"
		}
		f.decodeNetwork(typ, b, off, wire)
		return
	}
}

// opening notes that a wrapper is taken off. It reports false where that was
// done too often.
func (f *frame) opening(name string) bool {
	if f.depth++; f.depth > maxWrappers {
		return false
	}
	if f.wrapped == "" {
		f.wrapped = name
	}
	return true
}

// inEthernet decodes a wrapped Ethernet frame, inIP a wrapped IP packet. They
// leave f as it was, and report false, where there is none.
func (f *frame) inEthernet(name string, b []byte, wire int) bool {
	if outer := *f; len(b) < 14 || wire < 14 || !f.opening(name) {
		*f = outer
		return false
	}
	f.decodeEthernet(b, wire)
	return true
}

func (f *frame) inIP(name string, b []byte, wire int) bool {
	outer := *f
	if len(b) > 0 && f.opening(name) {
		switch version := b[0] >> 4; {
		case version == 4 && f.decodeIPv4(b, wire), version == 6 && f.decodeIPv6(b, wire):
			return true
		}
	}
	*f = outer
	return false
}

// inType decodes what an Ethernet type in a wrapper announces.
func (f *frame) inType(name string, typ uint16, b []byte, wire int) bool {
	switch typ {
	case 0x6558, 0x88be, 0x22eb: // transparent Ethernet bridging, and ERSPAN behind its header
		return f.inEthernet(name, b, wire)
	case header.EtherIPv4, header.EtherIPv6:
		return f.inIP(name, b, wire)
	case 0x8847, 0x8848:
		return f.openMPLS(b, wire)
	case 0x880b:
		return f.inPPP(name, b, wire)
	case 0x894f:
		return f.openNSH(b, wire)
	}
	return false
}

// openMPLS takes off a stack of labels. Nothing says what is behind the last
// one: IP shows its version. Else it is Ethernet, with a control word of four
// zeros at the beginning (RFC 4385) or, where a type that is known stands in
// its place without, none.
func (f *frame) openMPLS(b []byte, wire int) bool {
	off := 0
	for bottom := false; !bottom; off += 4 {
		if len(b) < off+5 {
			return false
		}
		bottom = b[off+2]&1 == 1
	}
	if v := b[off] >> 4; v == 4 || v == 6 {
		return f.inIP("MPLS", b[off:], wire-off)
	}
	if len(b) < off+4+14 {
		return false
	}
	switch binary.BigEndian.Uint16(b[off+12:]) {
	case header.EtherIPv4, header.EtherIPv6, etherVLAN, 0x0806:
		return f.inEthernet("MPLS", b[off:], wire-off)
	}
	return b[off]>>4 == 0 && f.inEthernet("MPLS", b[off+4:], wire-off-4)
}

// openBatman takes off the header of a B.A.T.M.A.N. mesh, version 15.
func (f *frame) openBatman(b []byte, wire int) bool {
	if len(b) < 2 || b[1] != 15 {
		return false
	}
	head := map[byte]int{0x01: 14, 0x40: 10, 0x42: 18}[b[0]] // broadcast, unicast, unicast of four addresses
	return head > 0 && len(b) > head && f.inEthernet("batman-adv", b[head:], wire-head)
}

// openNSH takes off a network service header (RFC 8300).
func (f *frame) openNSH(b []byte, wire int) bool {
	if len(b) < 8 {
		return false
	}
	head := int(b[1]&0x3f) * 4
	if head < 8 || head > len(b) {
		return false
	}
	switch b[3] {
	case 1, 2:
		return f.inIP("NSH", b[head:], wire-head)
	case 3:
		return f.inEthernet("NSH", b[head:], wire-head)
	}
	return false
}

// openProto opens what the IP protocol number announces: b is the captured part
// of size bytes above IP.
func (f *frame) openProto(b []byte, size int) bool {
	switch f.proto {
	case protoIPv4, protoIPv6:
		return f.inIP("IP in IP", b, size)
	case protoGRE:
		return f.openGRE(b, size)
	case protoMPLS:
		return f.openMPLS(b, size)
	case protoEtherIP:
		if len(b) > 2 && b[0] == 0x30 {
			return f.inEthernet("EtherIP", b[2:], size-2)
		}
	case protoL2TP:
		f.unopened = "L2TPv3"
	}
	return false
}

// openGRE takes off a GRE header (RFC 2890; version 1 is PPTP's, RFC 2637) and
// that of ERSPAN.
func (f *frame) openGRE(b []byte, size int) bool {
	if len(b) < 4 {
		return false
	}
	flags, typ := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	head, sequence := 4, flags&0x1000 != 0
	if flags&0xc000 != 0 {
		head += 4 // checksum, or routing
	}
	if flags&0x2000 != 0 {
		head += 4 // key
	}
	if sequence {
		head += 4
	}
	if flags&7 == 1 && flags&0x80 != 0 {
		head += 4 // acknowledgment
	}

	// Routing entries (RFC 1701) say how long they are; one of nothing is the last.
	for routed := flags&0x4000 != 0; routed && len(b) >= head+4; {
		routed = binary.BigEndian.Uint32(b[head:]) != 0
		head += 4 + int(b[head+3])
	}

	// ERSPAN type I has no header of its own and no sequence number, type II
	// has 8 bytes, type III 12 and, by a flag in its last one, 8 more.
	name := "GRE"
	switch {
	case typ == 0x88be && sequence:
		name, head = "ERSPAN", head+8
	case typ == 0x88be:
		name = "ERSPAN"
	case typ == 0x22eb:
		name = "ERSPAN"
		if len(b) >= head+12 && b[head+11]&1 == 1 {
			head += 8
		}
		head += 12
	}
	if len(b) > head && f.inType(name, typ, b[head:], size-head) {
		return true
	}
	if f.unopened == "" && len(b) > head {
		f.unopened = "GRE"
	}
	return false
}

// openUDP opens wrappers that have a port of their own. b is the payload, of
// size bytes. A port may be anybody's by chance, so the header must be right,
// too.
func (f *frame) openUDP(b []byte, size int) bool {
	if len(b) < 4 {
		return false
	}
	is := func(port uint16) bool { return f.srcPort == port || f.dstPort == port }
	switch {
	case f.dstPort == portTZSP:
		return f.openTZSP(b, size)
	case is(portZEP):
		return f.openZEP(b, size)
	case f.dstPort == portVXLAN && len(b) > 8 && b[0]&0x08 != 0 && b[7] == 0:
		return f.inEthernet("VXLAN", b[8:], size-8)
	case f.dstPort == portVXLANGPE && len(b) > 8 && b[0]&0x0c == 0x0c:
		typ := map[byte]uint16{1: header.EtherIPv4, 2: header.EtherIPv6, 3: 0x6558, 4: 0x894f}[b[3]]
		return f.inType("VXLAN", typ, b[8:], size-8)
	case f.dstPort == portGeneve && b[0]>>6 == 0:
		if head := 8 + int(b[0]&0x3f)*4; len(b) > head {
			return f.inType("Geneve", binary.BigEndian.Uint16(b[2:]), b[head:], size-head)
		}
	case f.dstPort == portMPLS:
		return f.openMPLS(b, size)
	case f.dstPort == portGTP:
		return f.openGTP(b, size)
	case is(portTeredo):
		return f.openTeredo(b, size)
	case is(portL2TP):
		return f.openL2TP(b, size)
	case is(portCAPWAP):
		return f.openCAPWAP(b, size)
	case f.dstPort == portHPERM && len(b) >= 12+14:
		// It has no sign of its own: the frame inside must be one of IP.
		if typ := binary.BigEndian.Uint16(b[24:]); typ == header.EtherIPv4 || typ == header.EtherIPv6 {
			return f.inEthernet("HP mirror", b[12:], size-12)
		}
	}
	return f.fragment == 0 && f.openOddPort(b, size)
}

// openOddPort opens wrappers on a port that somebody chose, such as 8472 for VXLAN
// as Linux has it. Without a port for a sign the header must be exact and the frame
// inside a whole one of IP.
func (f *frame) openOddPort(b []byte, size int) bool {
	first := binary.BigEndian.Uint32(b)
	switch {
	case first == 0x08000000 && len(b) > 8 && b[7] == 0:
		return isWholeFrame(b[8:], size-8) && f.inEthernet("VXLAN", b[8:], size-8)
	case first&0xc03fffff == 0x6558 && len(b) > 8 && b[7] == 0:
		if head := 8 + int(b[0]&0x3f)*4; len(b) > head && isWholeFrame(b[head:], size-head) {
			return f.inEthernet("Geneve", b[head:], size-head)
		}
	case first == 0x01000001:
		if off, _, ok := tzspFields(b); ok && isWholeFrame(b[off:], size-off) {
			return f.inEthernet("TZSP", b[off:], size-off)
		}
	}
	return false
}

// isWholeFrame says whether b is an Ethernet frame of size bytes with an IP packet
// that fills it, but for the fill of a short one.
func isWholeFrame(b []byte, size int) bool {
	const shortest = 60
	if len(b) < 14+6 {
		return false
	}
	total := 0
	switch typ := binary.BigEndian.Uint16(b[12:]); {
	case typ == header.EtherIPv4 && b[14]>>4 == 4 && b[14]&15 >= 5:
		total = int(binary.BigEndian.Uint16(b[16:]))
	case typ == header.EtherIPv6 && b[14]>>4 == 6:
		total = 40 + int(binary.BigEndian.Uint16(b[18:]))
	}
	return total >= 20 && (14+total == size || 14+total < size && size <= shortest)
}

// openTZSP takes off what MikroTik routers and Wi-Fi sniffers mirror in: version,
// type, what is inside, and fields of a number and a length each up to number 1.
func (f *frame) openTZSP(b []byte, size int) bool {
	off, damaged, ok := tzspFields(b)
	if b[0] != 1 || b[1] > 1 || !ok {
		return false
	}
	switch inside := binary.BigEndian.Uint16(b[2:]); inside {
	case 1:
		return f.inEthernet("TZSP", b[off:], size-off)
	case 18, 119, 127:
		// The addresses around a frame of 802.11 are those of the sniffer, so nothing
		// of the outer frame may stay.
		if !f.opening("TZSP") {
			return false
		}
		f.setOpaque(b[off:], size-off, 0)
		f.decodeOther(b[off:], size-off, map[uint16]uint32{18: link80211, 119: linkPrism, 127: linkAVS}[inside])
		if damaged {
			f.skip = skipDamaged
		}
		return true
	}
	f.unopened = "TZSP"
	return false
}

// tzspFields finds where the fields of a TZSP header end, and whether one of them
// says that the frame arrived damaged.
func tzspFields(b []byte) (off int, damaged, ok bool) {
	for off = 4; off < len(b); {
		number := b[off]
		off++
		switch {
		case number == 1:
			return off, damaged, true
		case number == 0: // padding
			continue
		case off >= len(b) || off+1+int(b[off]) > len(b):
			return off, damaged, false
		}
		if number == 17 && b[off] > 0 && b[off+1] != 0 {
			damaged = true // the sniffer's word on the check sequence
		}
		off += 1 + int(b[off])
	}
	return off, damaged, false
}

// openZEP takes off what 802.15.4 sniffers hand out frames in, versions 1 and 2.
func (f *frame) openZEP(b []byte, size int) bool {
	head := 16
	switch {
	case len(b) < 4 || b[0] != 'E' || b[1] != 'X':
		return false
	case b[2] == 2 && b[3] == 2: // an acknowledgment: no frame inside
		f.skip = "802.15.4 acknowledgment"
		return true
	case b[2] == 2:
		head = 32
	}
	if len(b) < head || size < head || !f.opening("ZEP") {
		return false
	}

	// The wrapper's addresses are the sniffer's, not those of the frame.
	f.setOpaque(b[head:], size-head, 0)
	f.decodeZigbee(b[head:], min(int(b[head-1]), size-head))
	return true
}

// openTeredo takes off up to two indications in front of IPv6 (RFC 4380).
func (f *frame) openTeredo(b []byte, size int) bool {
	off := 0
	if len(b) >= 4 && b[0] == 0 && b[1] == 1 {
		off = 13 + int(b[2]) + int(b[3])
	}
	if len(b) >= off+8 && b[off] == 0 && b[off+1] == 0 {
		off += 8
	}
	return len(b) > off && b[off]>>4 == 6 && f.inIP("Teredo", b[off:], size-off)
}

// openCAPWAP takes off the header between an access point and its controller
// (RFC 5415, section 4.3): what is inside is Ethernet, or 802.11 by a flag.
func (f *frame) openCAPWAP(b []byte, size int) bool {
	if len(b) < 8 || b[0] != 0 {
		if b[0] == 1 {
			f.unopened = "CAPWAP with DTLS"
		}
		return false
	}
	head := int(b[1]>>3) * 4
	if head < 8 || len(b) < head {
		return false
	}
	if b[3]&0x80 != 0 { // a fragment
		f.unopened = "CAPWAP fragments"
		return false
	}
	if b[2]&1 == 0 {
		return f.inEthernet("CAPWAP", b[head:], size-head)
	}

	// The controller's side of the radio: data frames are in the clear there,
	// an LLC header behind those of 802.11.
	b, size = b[head:], size-head
	d, ok := dot11(b)
	if n := len(d.Contents); ok && len(b) >= n+8 && string(b[n:n+6]) == "\xaa\xaa\x03\x00\x00\x00" {
		return f.inType("CAPWAP", binary.BigEndian.Uint16(b[n+6:]), b[n+8:], size-n-8)
	}
	f.unopened = "CAPWAP with 802.11"
	return false
}
