package capture

import (
	"encoding/binary"
	"fmt"
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

func linkName(l uint32) string {
	switch l {
	case linkNull, linkLoop:
		return "BSD loopback"
	case linkEthernet:
		return "Ethernet"
	case linkRawBSD, linkRawOpen, linkRaw:
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

// Ethernet types.
const (
	etherIPv4   = 0x0800
	etherVLAN   = 0x8100
	etherIPv6   = 0x86dd
	etherPPPoE  = 0x8864
	etherQinQ   = 0x88a8
	etherMarker = 0x88b6 // IEEE 802 local experimental 2; see Write
	etherOpaque = 0x88b5 // IEEE 802 local experimental 1; see Write
	etherOldQ   = 0x9100
)

// key is what all packets of one direction of a conversation have in common.
// Hardware addresses are in the low 48 bits, an IPv4 address in lo.
type key struct {
	srcHi, srcLo uint64
	dstHi, dstLo uint64
	srcMAC       uint64
	dstMAC       uint64
	srcPort      uint16
	dstPort      uint16
	proto        uint8
	kind         uint8 // 4, 6, or another kind of link; 0 not IP
}

// reversed is the key of the other direction.
func (k *key) reversed() key {
	return key{k.dstHi, k.dstLo, k.srcHi, k.srcLo, k.dstMAC, k.srcMAC, k.dstPort, k.srcPort, k.proto, k.kind}
}

// frame is one decoded record.
type frame struct {
	key
	size    int32 // as Packet.Size
	payload int32 // as Packet.Payload
	// app is the captured part of the payload.
	app []byte
	// skip says why the record is no packet, odd what is wrong with one that
	// is; "" if nothing.
	skip, odd string
	// marker is the content of a marker frame that Write made.
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
		f.ethernet(rec.Data, rec.Length)
		return
	}
	f.otherLink(rec.Data, rec.Length, rec.Link)
}

func mac48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

func (f *frame) ethernet(b []byte, wire int) {
	if len(b) < 14 {
		f.opaque(b, wire, 14)
		f.odd = "frame cut inside the Ethernet header"
		return
	}
	f.dstMAC, f.srcMAC = mac48(b), mac48(b[6:])
	typ, off := untag(binary.BigEndian.Uint16(b[12:]), b, 14)
	if typ == etherMarker && f.srcMAC>>24 == farPrefix {
		f.marker = b[off:]
	}
	f.network(typ, b, off, wire)
}

// untag skips VLAN tags and a PPPoE header at off.
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
		return etherIPv4
	case 0x0057:
		return etherIPv6
	}
	return 0
}

// opaque is a frame that is not IP, with a link header of head bytes.
func (f *frame) opaque(b []byte, wire, head int) {
	f.kind, f.proto = 0, 0
	f.srcPort, f.dstPort = 0, 0
	f.srcHi, f.srcLo, f.dstHi, f.dstLo = 0, 0, 0, 0
	f.size = int32(wire)
	f.payload = int32(max(0, min(wire-head, wire-14)))
	f.app = b[min(head, len(b)):]
}

// network decodes the network layer at off by its Ethernet type.
func (f *frame) network(typ uint16, b []byte, off, wire int) {
	switch {
	case typ == etherIPv4 && f.ipv4(b[off:], wire-off):
	case typ == etherIPv6 && f.ipv6(b[off:], wire-off):
	default:
		f.opaque(b, wire, off)
	}
}

// rawIP decodes an IP packet that has no link header worth keeping.
func (f *frame) rawIP(b []byte, off, wire int) {
	if off > len(b) {
		off = len(b)
	}
	if off == len(b) {
		f.opaque(b, wire, off)
		return
	}
	switch b[off] >> 4 {
	case 4:
		f.network(etherIPv4, b, off, wire)
	case 6:
		f.network(etherIPv6, b, off, wire)
	default:
		f.opaque(b, wire, off)
	}
}

// otherLink decodes every link type but Ethernet.
func (f *frame) otherLink(b []byte, wire int, link uint32) {
	switch link {
	case linkRaw, linkRawBSD, linkRawOpen, linkIPv4, linkIPv6:
		f.rawIP(b, 0, wire)
	case linkNull, linkLoop:
		f.rawIP(b, 4, wire)
	case linkCooked:
		f.cooked(b, wire, 16, 14)
	case linkCooked2:
		f.cooked(b, wire, 20, 0)
	case link80211:
		f.wifi(b, wire, false)
	case linkRadiotap:
		f.wifi(b, wire, true)
	case link802154, link802154FCS:
		f.zigbee(b, wire)
	case link802154TAP:
		f.zigbeeTAP(b, wire)
	default:
		f.skip = "unsupported " + linkName(link)
	}
}

// cooked decodes Linux cooked capture. Its header has only the sender's
// address, so only frames that are not IP keep it: the two directions of a
// conversation must not show different home sides.
func (f *frame) cooked(b []byte, wire, head, typ int) {
	if len(b) < head {
		f.opaque(b, wire, head)
		f.odd = "frame cut inside the cooked header"
		return
	}
	addr, n := b[6:14], int(binary.BigEndian.Uint16(b[4:]))
	if typ == 0 {
		addr, n = b[12:20], int(b[11])
	}
	etherType, off := untag(binary.BigEndian.Uint16(b[typ:]), b, head)
	f.network(etherType, b, off, wire)
	if f.kind == 0 && n == 6 {
		f.srcMAC = mac48(addr)
	}
}
