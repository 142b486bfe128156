package capture

import (
	"encoding/binary"
	"fmt"

	"veilbench/datasets/capture/internal/header"
)

// Link types (tcpdump.org/linktypes.html).
const (
	linkNull      = 0
	linkEthernet  = 1
	linkRawBSD    = 12
	linkRawOpen   = 14
	linkRaw       = 101
	link80211     = 105
	linkLoop      = 108
	linkCooked    = 113
	linkRadiotap  = 127
	link802154FCS = 195
	linkIPv4      = 228
	linkIPv6      = 229
	link802154    = 230
	linkCooked2   = 276
	link802154TAP = 283
)

// linkName is what reports call a link type. Types that differ only in how a
// machine writes the same header share a name, and so one line of the report.
func linkName(l uint32) string {
	switch l {
	case linkNull, linkLoop:
		return "BSD loopback"
	case linkEthernet:
		return "Ethernet"
	case linkRawBSD, linkRawOpen, linkRaw:
		// 12 and 14 are what BSD systems write for 101.
		return "raw IP"
	case link80211:
		return "802.11"
	case linkCooked:
		return "Linux cooked v1"
	case linkRadiotap:
		return "802.11 with radiotap"
	case link802154FCS:
		return "802.15.4 with FCS"
	case linkIPv4:
		return "raw IPv4"
	case linkIPv6:
		return "raw IPv6"
	case link802154:
		return "802.15.4"
	case linkCooked2:
		return "Linux cooked v2"
	case link802154TAP:
		return "802.15.4 TAP"
	}

	return fmt.Sprintf("link type %d", l)
}

// Ethernet types beside those of IP.
const (
	etherVLAN  = 0x8100
	etherPPPoE = 0x8864
	etherQinQ  = 0x88a8
	etherOldQ  = 0x9100
)

// key is what all packets of one direction of a conversation have in common.
//
// It is two netip.AddrPort and two hardware addresses, taken apart into plain
// words. Every packet is looked up by its key, and a key of words alone is
// compared and hashed as one run of memory; netip.Addr holds a pointer, for the
// zone, which the collector would have to follow in every slot and map entry.
// addrs puts the addresses together again, for conversations and not for packets.
//
// An IPv6 address is its big-endian halves, an IPv4 address is in the lower half
// with the upper one zero, and hardware addresses are in the low 48 bits.
type key struct {
	srcHi, srcLo uint64
	dstHi, dstLo uint64
	srcMAC       uint64
	dstMAC       uint64
	srcPort      uint16
	dstPort      uint16
	proto        uint8
	kind         uint8 // 4, 6, kindWiFi or kindZigbee; 0 another that is not IP
}

// reversed is the key of the other direction.
func (k *key) reversed() key {
	return key{k.dstHi, k.dstLo, k.srcHi, k.srcLo, k.dstMAC, k.srcMAC, k.dstPort, k.srcPort, k.proto, k.kind}
}

// frame is one decoded record.
type frame struct {
	key
	size    int32 // as datasets.Packet.Size
	payload int32 // as datasets.Packet.Payload
	// app is the captured part of the payload.
	app []byte
	// skip says why the record is no packet, odd what is wrong with one that
	// is; "" if nothing.
	skip, odd string
	// marker is the content of a marker frame (see header.EtherMarker).
	marker []byte
	// way is the direction that the link layer tells (802.11): 1 from the
	// home, 2 to it, 0 unknown.
	way uint8
}

// decode fills f from a record. It never fails: what cannot be understood as
// IP is a frame of its length.
func (f *frame) decode(rec *Record) {
	*f = frame{}
	if rec.Link == linkEthernet {
		f.decodeEthernet(rec.Data, rec.Length)
		return
	}
	f.decodeOther(rec.Data, rec.Length, rec.Link)
}

func (f *frame) decodeEthernet(b []byte, wire int) {
	if len(b) < 14 {
		f.setOpaque(b, wire, 14)
		f.odd = "frame cut inside the Ethernet header"
		return
	}
	f.dstMAC, f.srcMAC = header.MAC48(b), header.MAC48(b[6:])
	typ, off := untag(binary.BigEndian.Uint16(b[12:]), b, 14)
	if typ == header.EtherMarker && f.srcMAC>>24 == header.FarPrefix {
		f.marker = b[off:]
	}
	f.decodeNetwork(typ, b, off, wire)
}

// untag skips VLAN tags and a PPPoE header at off. It returns the Ethernet type
// of what they wrap, and where that begins.
func untag(typ uint16, b []byte, off int) (uint16, int) {
	for (typ == etherVLAN || typ == etherQinQ || typ == etherOldQ) && len(b) >= off+4 {
		typ = binary.BigEndian.Uint16(b[off+2:])
		off += 4
	}
	if typ == etherPPPoE && len(b) >= off+8 {
		typ, off = pppType(b[off+6:]), off+8
	}
	return typ, off
}

// pppType maps a PPP protocol number to an Ethernet type.
func pppType(b []byte) uint16 {
	switch binary.BigEndian.Uint16(b) {
	case 0x0021:
		return header.EtherIPv4
	case 0x0057:
		return header.EtherIPv6
	}
	return 0
}

// setOpaque makes f a frame that is not IP, with a link header of head bytes.
// It takes back what a decoder set before it gave up; hardware addresses stay.
func (f *frame) setOpaque(b []byte, wire, head int) {
	f.kind, f.proto = 0, 0
	f.srcPort, f.dstPort = 0, 0
	f.srcHi, f.srcLo, f.dstHi, f.dstLo = 0, 0, 0, 0

	// Payload is at most Size - 14 by the contract of a trace, although a
	// link header may be shorter than Ethernet's.
	f.size = int32(wire)
	f.payload = int32(max(0, min(wire-head, wire-14)))
	f.app = b[min(head, len(b)):]
}

// decodeNetwork decodes the network layer at off by its Ethernet type.
func (f *frame) decodeNetwork(typ uint16, b []byte, off, wire int) {
	switch {
	case typ == header.EtherIPv4 && f.decodeIPv4(b[off:], wire-off):
	case typ == header.EtherIPv6 && f.decodeIPv6(b[off:], wire-off):
	default:
		f.setOpaque(b, wire, off)
	}
}

// decodeRawIP decodes an IP packet that has no link header worth keeping.
func (f *frame) decodeRawIP(b []byte, off, wire int) {
	off = min(off, len(b))
	if off == len(b) {
		f.setOpaque(b, wire, off)
		return
	}

	// The link type's own word for the family differs between systems: the IP
	// version is the same everywhere.
	switch b[off] >> 4 {
	case 4:
		f.decodeNetwork(header.EtherIPv4, b, off, wire)
	case 6:
		f.decodeNetwork(header.EtherIPv6, b, off, wire)
	default:
		f.setOpaque(b, wire, off)
	}
}

// decodeOther decodes every link type but Ethernet.
func (f *frame) decodeOther(b []byte, wire int, link uint32) {
	switch link {
	case linkRaw, linkRawBSD, linkRawOpen, linkIPv4, linkIPv6:
		f.decodeRawIP(b, 0, wire)
	case linkNull, linkLoop:
		// Four bytes of address family, by the numbers and in the byte order of
		// the machine that captured.
		f.decodeRawIP(b, 4, wire)

	case linkCooked:
		f.decodeCooked(b, wire, 16, 14)
	case linkCooked2:
		f.decodeCooked(b, wire, 20, 0)

	case link80211:
		f.decodeWiFi(b, wire, false)
	case linkRadiotap:
		f.decodeWiFi(b, wire, true)
	case link802154, link802154FCS:
		f.decodeZigbee(b, wire)
	case link802154TAP:
		f.decodeZigbeeTAP(b, wire)
	default:
		f.skip = "unsupported " + linkName(link)
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
	addr, n := b[6:14], int(binary.BigEndian.Uint16(b[4:]))
	if typ == 0 {
		addr, n = b[12:20], int(b[11])
	}
	etherType, off := untag(binary.BigEndian.Uint16(b[typ:]), b, head)
	f.decodeNetwork(etherType, b, off, wire)

	// The header has only the sender's address, so only frames that are not IP
	// keep it: the two directions of a conversation must not show different
	// home sides.
	if f.kind == 0 && n == 6 {
		f.srcMAC = header.MAC48(addr)
	}
}
