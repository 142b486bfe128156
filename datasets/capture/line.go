package capture

import (
	"encoding/binary"

	"veilbench/datasets/capture/internal/header"
)

// Link layers of telephone lines, packet filters and operating systems, which
// put a header of their own in front of IP or of another link layer.

// decodeInner decodes a frame of another link type behind a header of head
// bytes.
func (f *frame) decodeInner(b []byte, wire, head int, link uint32) {
	if len(b) < head || wire < head || f.depth >= maxWrappers {
		f.setOpaque(b, wire, head)
		f.odd = "frame cut inside its link header"
		return
	}
	f.depth++
	if link == linkEthernet {
		f.decodeEthernet(b[head:], wire-head)
		return
	}
	f.decodeOther(b[head:], wire-head, link)
}

// decodeLine decodes PPP, Cisco HDLC, frame relay and ATM.
func (f *frame) decodeLine(b []byte, wire int, link uint32) {
	off := 0
	switch link {
	case linkPPPD, linkPPPDir, linkHDLCDir, linkRelayDir:
		// 1 is sent. Which side of the line is the home nothing says, but the
		// machine that captures is nearly always its router.
		off = 1
		if len(b) > 0 {
			f.own = b[0] == 1
		}
		if link == linkPPPD && len(b) > 1 && b[1] == 3 {
			off = 2 // the way stands in place of the address
		}
	case linkPPPoE:
		off = 6
		f.pppoe = true
	}
	if len(b) < off+4 || wire < off {
		f.setOpaque(b, wire, off)
		return
	}

	rest := b[off:]
	switch {
	case link == linkATM || link == linkATM1483:
		// LLC and SNAP, of IP or of bridged Ethernet (RFC 2684); without them
		// IP itself, or PPP.
		switch {
		case len(rest) >= 10 && string(rest[:8]) == "\xaa\xaa\x03\x00\x80\xc2\x00\x07":
			f.decodeInner(b, wire, off+10, linkEthernet)
		case len(rest) >= 8 && string(rest[:6]) == "\xaa\xaa\x03\x00\x00\x00":
			f.decodeType(binary.BigEndian.Uint16(rest[6:]), b, off+8, wire)
		case rest[0]>>4 == 4 || rest[0]>>4 == 6:
			f.decodeRawIP(b, off, wire)
		default:
			f.decodePPP(b, off, wire)
		}
	case link == linkRelay || link == linkRelayDir:
		f.decodeRelay(b, off, wire)
	case link == linkHDLC || link == linkHDLCDir || (link == linkPPPSerial || link == linkPPP) && (rest[0] == 0x0f || rest[0] == 0x8f):
		// Cisco's header: address, control, and an Ethernet type.
		f.decodeType(binary.BigEndian.Uint16(rest[2:]), b, off+4, wire)
	default:
		f.decodePPP(b, off, wire)
	}
}

func (f *frame) decodePPP(b []byte, off, wire int) {
	n, typ, _ := pppHeader(b[off:])
	if typ == 0 {
		f.setOpaque(b, wire, off+n)
		return
	}
	f.decodeType(typ, b, off+n, wire)
}

// decodeRelay decodes frame relay: an address whose last byte is odd, control 3,
// and a protocol (RFC 2427), or an Ethernet type at once (Cisco).
func (f *frame) decodeRelay(b []byte, off, wire int) {
	at := off
	for at < len(b) && b[at]&1 == 0 && at < off+3 {
		at++
	}
	at++
	if len(b) < at+4 {
		f.setOpaque(b, wire, off)
		return
	}

	if b[at] != 3 {
		f.decodeType(binary.BigEndian.Uint16(b[at:]), b, at+2, wire)
		return
	}
	if at++; b[at] == 0 { // filled to an even length
		at++
	}
	switch b[at] {
	case 0xcc:
		f.decodeRawIP(b, at+1, wire)
	case 0x8e:
		f.decodeRawIP(b, at+1, wire)
	case 0xcf:
		f.decodePPP(b, at+1, wire)
	case 0x80:
		if len(b) >= at+6 && string(b[at+1:at+4]) == "\x00\x00\x00" {
			f.decodeType(binary.BigEndian.Uint16(b[at+4:]), b, at+6, wire)
			return
		}
		if len(b) >= at+6 && string(b[at+1:at+6]) == "\x00\x80\xc2\x00\x07" {
			f.decodeInner(b, wire, at+6, linkEthernet)
			return
		}
		f.setOpaque(b, wire, at)
	default:
		f.setOpaque(b, wire, at)
	}
}

// decodeCooked decodes Linux cooked capture: a header of head bytes, its
// Ethernet type at typ. Version 2 has the type in front and other fields moved.
func (f *frame) decodeCooked(b []byte, wire, head, typ int) {
	if len(b) < head {
		f.setOpaque(b, wire, head)
		f.odd = "frame cut inside the cooked header"
		return
	}
	addr, n, way := b[6:14], int(binary.BigEndian.Uint16(b[4:])), binary.BigEndian.Uint16(b)
	if typ == 0 {
		addr, n, way = b[12:20], int(b[11]), uint16(b[10])
	}
	f.decodeType(binary.BigEndian.Uint16(b[typ:]), b, head, wire)

	// The header has only the sender's address: in the key, the two directions
	// of a conversation would show different home sides. So only frames that are
	// not IP have it there; of the others it stands beside.
	const outgoing = 4
	switch {
	case f.depth > 0: // that of a wrapper
	case f.kind == 0 && n == 6:
		f.srcMAC = header.MAC48(addr)
	case n == 6:
		f.sender = header.MAC48(addr)
	}
	f.own = f.depth == 0 && way == outgoing
}

// decodeNFLOG decodes what Linux packet filters log: a list of fields, lengths
// in the order of the machine that wrote them, one of which is the IP packet
// and one the sender's hardware address.
func (f *frame) decodeNFLOG(b []byte, wire int) {
	const payload, hardware = 9, 8
	if len(b) < 8 {
		f.setOpaque(b, wire, 4)
		f.odd = "frame cut inside its link header"
		return
	}

	// A length below 4 is impossible and one above the frame means the other
	// order: the first field, the packet header, is short.
	order := binary.ByteOrder(binary.LittleEndian)
	if n := order.Uint16(b[4:]); n < 4 || int(n) > wire-4 {
		order = binary.BigEndian
	}
	for at := 4; at+4 <= len(b); {
		n, typ := int(order.Uint16(b[at:])), order.Uint16(b[at+2:])&0x7fff
		if n < 4 {
			break
		}
		switch {
		case typ == payload:
			f.decodeRawIP(b[:min(len(b), at+n)], at+4, min(wire, at+n))
			return
		case typ == hardware && n >= 8+6 && at+14 <= len(b) && binary.BigEndian.Uint16(b[at+4:]) == 6:
			f.sender = header.MAC48(b[at+8:])
		}
		at += (n + 3) &^ 3
	}
	f.skip = "NFLOG record without a packet"
}

// decodePFLog decodes what BSD packet filters log: the header's first byte is
// its length, filled to a multiple of 4.
func (f *frame) decodePFLog(b []byte, wire int) {
	if len(b) == 0 {
		f.setOpaque(b, wire, 1)
		return
	}
	f.decodeRawIP(b, (int(b[0])+3)&^3, wire)
}

// decodePKTAP decodes what macOS writes for all interfaces at once: the header
// holds its own length and the link type of what follows. Version 2 (bsd/net/pktap.h
// of xnu) has both in fewer bytes, behind the length the places of its texts; the
// word of the direction is at the same place in both.
func (f *frame) decodePKTAP(b []byte, wire int) {
	const shortest = 40
	if len(b) < shortest {
		f.setOpaque(b, wire, shortest)
		f.odd = "frame cut inside its link header"
		return
	}
	head, link := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[8:])
	if head > 0xff && b[0] >= shortest {
		head, link = uint32(b[0]), uint32(binary.LittleEndian.Uint16(b[6:]))
	}
	if head < shortest || int64(head) > int64(len(b)) {
		f.skip = "PKTAP header of a wrong length"
		return
	}
	if way := binary.LittleEndian.Uint32(b[36:]); way&2 != 0 {
		f.own = true
	}
	f.decodeInner(b, wire, int(head), link)
}

// openGTP takes off the header of a mobile network's user plane (3GPP 29.281).
func (f *frame) openGTP(b []byte, size int) bool {
	if len(b) < 12 || b[0]>>4 != 3 || b[1] != 0xff {
		return false
	}
	head := 8
	if b[0]&7 != 0 {
		// Four more bytes, the last of which says whether extensions follow;
		// each ends the same way.
		next := b[11]
		for head = 12; next != 0; {
			if head >= len(b) || b[head] == 0 || head+4*int(b[head]) > len(b) {
				return false
			}
			head += 4 * int(b[head])
			next = b[head-1]
		}
	}
	return f.inIP("GTP", b[head:], size-head)
}

// openL2TP takes off the header of an L2TP data message (RFC 2661).
func (f *frame) openL2TP(b []byte, size int) bool {
	flags := binary.BigEndian.Uint16(b)
	if flags&0x8000 != 0 || flags&0xf != 2 {
		if flags&0xf == 3 && flags&0x8000 == 0 {
			f.unopened = "L2TPv3"
		}
		return false
	}
	off := 6
	if flags&0x4000 != 0 {
		off += 2 // length
	}
	if flags&0x0800 != 0 {
		off += 4 // sequence numbers
	}
	if flags&0x0200 != 0 {
		if len(b) < off+2 {
			return false
		}
		off += 2 + int(binary.BigEndian.Uint16(b[off:]))
	}
	return len(b) > off && f.inPPP("L2TP", b[off:], size-off)
}

// inPPP decodes a PPP frame that may begin with address and control (ff 03).
func (f *frame) inPPP(name string, b []byte, wire int) bool {
	off, typ, proto := pppHeader(b)
	if typ == 0 {
		if proto == 0x00fd || proto == 0x003d || proto == 0x002d || proto == 0x002f {
			f.unopened = name + " with compressed, encrypted or bundled PPP"
		}
		return false
	}
	return f.inIP(name, b[off:], wire-off)
}

// pppHeader finds the protocol of a PPP frame, where it ends, and the Ethernet
// type that means the same, 0 if there is none. Both parts of the header may be
// compressed (RFC 1661, section 6): a protocol of one byte is odd.
func pppHeader(b []byte) (off int, typ, proto uint16) {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 3 {
		off = 2
	}
	switch {
	case len(b) > off && b[off]&1 == 1:
		proto, off = uint16(b[off]), off+1
	case len(b) >= off+2:
		proto, off = binary.BigEndian.Uint16(b[off:]), off+2
	}
	switch proto {
	case 0x0021:
		typ = header.EtherIPv4
	case 0x0057:
		typ = header.EtherIPv6
	case 0x0281:
		typ = 0x8847
	}
	return off, typ, proto
}
