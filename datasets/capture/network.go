package capture

import (
	"encoding/binary"

	"veilbench/datasets/capture/internal/header"
)

// decodePlain is decode for what nearly every frame is: Ethernet, IPv4 without options
// or fragments, TCP or UDP, its headers captured whole. All is looked at in one go, as
// a call for each layer costs more than what it finds. It reports false and leaves f as
// it was where anything calls for the long way; else f is what that makes of it, with
// plain set where nothing in it is rare. f must be zero or plain.
func (f *frame) decodePlain(b []byte, wire int) bool {
	const ip, transport = 14, 14 + 20
	if len(b) < transport+8 || binary.BigEndian.Uint32(b[12:])>>8 != header.EtherIPv4<<8|0x45 {
		return false
	}
	dst, src := header.MAC48(b), header.MAC48(b[6:])
	total, fragment := int(binary.BigEndian.Uint16(b[ip+2:])), binary.BigEndian.Uint16(b[ip+6:])&0x3fff
	if src>>24 == header.FarPrefix || dst>>24 == header.FarPrefix || fragment != 0 || ip+total > max(wire, len(b)) {
		return false
	}

	// Behind the packet is Ethernet's fill, or its end was not captured.
	end, head, proto := min(ip+total, len(b)), 8, b[ip+9]
	switch {
	case proto == header.TCP && end >= transport+20 && b[transport+12] >= 5<<4 && b[transport+13]&tcpSYN == 0:
		head = int(b[transport+12]>>4) * 4
	case proto != header.UDP || end < transport+8:
		return false
	}
	payload := total - 20 - head
	if payload < 0 {
		return false
	}
	f.seq, f.ack, f.flags = 0, 0, 0
	if proto == header.TCP {
		f.seq, f.ack, f.flags = binary.BigEndian.Uint32(b[transport+4:]), binary.BigEndian.Uint32(b[transport+8:]), b[transport+13]
	}

	f.dstMAC, f.srcMAC = dst, src
	f.srcLo, f.dstLo = uint64(binary.BigEndian.Uint32(b[ip+12:])), uint64(binary.BigEndian.Uint32(b[ip+16:]))
	f.srcPort, f.dstPort = binary.BigEndian.Uint16(b[transport:]), binary.BigEndian.Uint16(b[transport+2:])
	f.kind, f.proto = 4, proto
	f.ipID = uint32(binary.BigEndian.Uint16(b[ip+4:]))
	f.size, f.payload = int32(ip+total), int32(payload)
	f.app = b[min(transport+head, end):end]
	f.plain = proto == header.TCP || !f.openUDP(f.app, payload) && f.unopened == ""
	return true
}

// decodeIPv4 decodes an IPv4 packet of at most wire bytes, of which b is captured.
// It reports false if b is none.
func (f *frame) decodeIPv4(b []byte, wire int) bool {
	if len(b) < 20 || b[0]>>4 != 4 {
		return false
	}

	// Lengths come from the header, not from what was captured: a frame may be
	// snapped, and a short one is filled to Ethernet's 60 bytes.
	head := int(b[0]&15) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // segmentation offload: the card fills it in
		total = wire
	}
	if room := max(wire, len(b)); total > room {
		f.odd = "IP length exceeds the frame"
		total = room
	}
	if head < 20 || total < head {
		return false
	}

	f.kind, f.proto = 4, b[9]
	f.srcHi, f.dstHi = 0, 0 // of an IPv6 packet around this one
	f.srcLo = uint64(binary.BigEndian.Uint32(b[12:]))
	f.dstLo = uint64(binary.BigEndian.Uint32(b[16:]))
	f.size = int32(14 + total)

	// A fragment other than the first has no ports: where they would be is
	// payload.
	b = b[:min(total, len(b))]
	f.ipID = uint32(binary.BigEndian.Uint16(b[4:]))
	f.setFragment(binary.BigEndian.Uint16(b[6:])&0x1fff, b[6]&0x20 != 0)
	f.decodeTransport(b[min(head, len(b)):], total-head)
	return true
}

// decodeIPv6 is decodeIPv4 for IPv6. Extension headers count as headers, not as
// payload.
func (f *frame) decodeIPv6(b []byte, wire int) bool {
	if len(b) < 40 || b[0]>>4 != 6 {
		return false
	}

	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if total == 40 && b[6] != 59 { // jumbogram or segmentation offload
		total = wire
	}
	if room := max(wire, len(b)); total > room {
		f.odd = "IP length exceeds the frame"
		total = room
	}
	if total < 40 {
		return false
	}

	f.kind = 6
	f.srcHi, f.srcLo = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
	f.dstHi, f.dstLo = binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])
	f.size = int32(14 + total)

	// Ethernet fill behind the packet must not pass for an extension header.
	b = b[:min(total, len(b))]
	next, head, part := skipExtensions(b, total)
	f.proto = next
	f.fragment, f.offset, f.ipID = 0, 0, 0
	if part != nil {
		f.ipID = binary.BigEndian.Uint32(part[4:])
		f.setFragment(binary.BigEndian.Uint16(part[2:])>>3, part[3]&1 != 0)
	}
	f.decodeTransport(b[min(head, len(b)):], total-head)
	return true
}

// setFragment says which part of an IP packet this is, by where it belongs in
// that, in units of 8 bytes, and whether more comes behind it.
func (f *frame) setFragment(offset uint16, behind bool) {
	f.fragment, f.offset = 0, offset
	switch {
	case offset > 0:
		f.fragment = 2
	case behind:
		f.fragment = 1
	}
}

// skipExtensions walks the extension headers of an IPv6 packet of total bytes
// and returns the upper protocol, where it begins, and the fragment header, nil
// if there is none.
func skipExtensions(b []byte, total int) (next uint8, head int, part []byte) {
	next, head = b[6], 40
	fragment := false
	// No further than the captured bytes: where they end, next is what the
	// header before claims to follow.
	for !fragment && len(b) >= head+8 {
		size := 8 + 8*int(b[head+1])
		switch next {
		case 0, 43, 60, 135, 139, 140: // hop-by-hop, routing, destination, mobility, HIP, shim6
		case 44:
			size = 8
			part = b[head : head+8]
			fragment = binary.BigEndian.Uint16(b[head+2:])&0xfff8 != 0
		case 51: // authentication header counts in words of 4
			size = 4*int(b[head+1]) + 8
		default:
			return next, head, part
		}

		if head+size > total {
			return next, head, part
		}
		next, head = b[head], head+size
	}
	return next, head, part
}

// decodeTransport decodes what stands above IP: size bytes, of which b is
// captured.
func (f *frame) decodeTransport(b []byte, size int) {
	// An authentication header (RFC 4302) counts as a header, as in IPv6.
	for n := 0; f.proto == protoAH && f.fragment < 2 && !f.made && len(b) >= 12 && n < maxWrappers; n++ {
		head := 4*int(b[1]) + 8
		if head > len(b) || head > size {
			break
		}
		f.proto, b, size = b[0], b[head:], size-head
	}

	// Of a wrapper in fragments the first one is opened, and what is inside is as
	// long as its own header says.
	room := size
	var outer *fragKey
	if f.fragment == 1 && f.depth == 0 {
		k := f.fragKey()
		room, outer = 1<<16, &k
	}
	if f.fragment < 2 && !f.made && f.proto != header.TCP && f.proto != header.UDP && f.openProto(b, room) {
		f.outer = outer
		return
	}

	head := 0
	switch {
	case f.fragment == 2 || f.proto != header.TCP && f.proto != header.UDP:
		f.payload, f.app = int32(size), b
		return
	case f.proto == header.UDP:
		head = 8
	case len(b) > 12:
		head = int(b[12]>>4) * 4
	default:
		head = 20 // snapped: the commonest length stands in
	}

	if len(b) >= 4 {
		f.srcPort, f.dstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	}

	// A length that cannot be true is kept as an oddity, with a header that
	// fits: Payload must be neither negative nor above the packet's.
	if head > size || f.proto == header.TCP && head < 20 {
		f.odd = "transport header exceeds the packet"
		head = min(size, 20)
	}

	f.payload = int32(size - head)
	f.app = b[min(head, len(b)):]
	switch {
	case f.proto == header.UDP:
		if f.fragment < 2 && !f.made && f.openUDP(f.app, room-head) {
			f.outer = outer
		}
	case len(b) >= 20:
		f.seq, f.ack, f.flags = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), b[13]
		if f.flags&tcpSYN != 0 {
			f.mss = segmentSize(b[20:min(max(head, 20), len(b))])
		}
	}
}

const (
	tcpSYN = 2
	tcpFIN = 1
)

// segmentSize finds the largest segment that the options of a SYN allow, 0 if
// they do not say.
func segmentSize(options []byte) uint16 {
	for len(options) >= 2 && options[0] != 0 {
		n := int(options[1])
		switch {
		case options[0] == 1:
			n = 1
		case n < 2 || n > len(options):
			return 0
		case options[0] == 2 && n == 4:
			return binary.BigEndian.Uint16(options[2:])
		}
		options = options[n:]
	}
	return 0
}
