package capture

import (
	"encoding/binary"
	"fmt"

	"veilbench/datasets/capture/internal/header"
)

// Link types (tcpdump.org/linktypes.html).
const (
	linkNull       = 0
	linkEthernet   = 1
	linkSLIP       = 8
	linkPPP        = 9
	linkATM        = 11
	linkRawBSD     = 12
	linkRawOpen    = 14
	linkPPPSerial  = 50
	linkPPPoE      = 51
	linkATM1483    = 100
	linkRaw        = 101
	linkHDLC       = 104
	link80211      = 105
	linkRelay      = 107
	linkLoop       = 108
	linkCooked     = 113
	linkPFLog      = 117
	linkPrism      = 119
	linkRadiotap   = 127
	linkPKTAPUser  = 149
	linkAVS        = 163
	linkPPPD       = 166
	linkPPI        = 192
	link802154FCS  = 195
	linkPPPDir     = 204
	linkHDLCDir    = 205
	linkRelayDir   = 206
	linkIPv4       = 228
	linkIPv6       = 229
	link802154     = 230
	linkNFLOG      = 239
	linkNetAna     = 240
	linkPKTAP      = 258
	linkCooked2    = 276
	linkBrcm       = 281
	linkBrcmBefore = 282
	link802154TAP  = 283
	linkDSA        = 284
	linkEDSA       = 285
)

// linkName is what reports call a link type. Types that differ only in how a
// machine writes the same header share a name, and so one line of the report;
// 12 and 14 are what BSD systems write for 101.
func linkName(l uint32) string {
	name := map[uint32]string{
		linkNull: "BSD loopback", linkLoop: "BSD loopback", linkEthernet: "Ethernet",
		linkRawBSD: "raw IP", linkRawOpen: "raw IP", linkRaw: "raw IP", linkIPv4: "raw IPv4", linkIPv6: "raw IPv6",
		linkSLIP: "SLIP", linkPPP: "PPP", linkPPPSerial: "PPP", linkPPPD: "PPP", linkPPPDir: "PPP", linkPPPoE: "PPPoE",
		linkATM: "ATM", linkATM1483: "ATM", linkHDLC: "Cisco HDLC", linkHDLCDir: "Cisco HDLC",
		linkRelay: "frame relay", linkRelayDir: "frame relay",
		linkCooked: "Linux cooked v1", linkCooked2: "Linux cooked v2", linkNFLOG: "NFLOG", linkPFLog: "pflog",
		linkPKTAP: "PKTAP", linkPKTAPUser: "PKTAP", linkNetAna: "netANALYZER",
		link80211: "802.11", linkRadiotap: "802.11 with radiotap", linkPrism: "802.11 with Prism", linkAVS: "802.11 with AVS", linkPPI: "PPI",
		link802154FCS: "802.15.4 with FCS", link802154: "802.15.4", link802154TAP: "802.15.4 TAP",
		linkBrcm: "Ethernet of a Broadcom switch", linkBrcmBefore: "Ethernet of a Broadcom switch",
		linkDSA: "Ethernet of a Marvell switch", linkEDSA: "Ethernet of a Marvell switch",
	}[l]
	if name == "" {
		return fmt.Sprintf("link type %d", l)
	}
	return name
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

// is says whether both keys are the same. Written out it is a few words, as == a call.
func (k *key) is(o *key) bool {
	return (k.srcHi^o.srcHi)|(k.srcLo^o.srcLo)|(k.dstHi^o.dstHi)|(k.dstLo^o.dstLo)|(k.srcMAC^o.srcMAC)|(k.dstMAC^o.dstMAC) == 0 &&
		k.srcPort == o.srcPort && k.dstPort == o.dstPort && k.proto == o.proto && k.kind == o.kind
}

// reversed is the key of the other direction.
func (k *key) reversed() key {
	return key{k.dstHi, k.dstLo, k.srcHi, k.srcLo, k.dstMAC, k.srcMAC, k.dstPort, k.srcPort, k.proto, k.kind}
}

// frame is one decoded record. What every frame has stands first, so that a plain one
// takes few lines of the processor's caches.
type frame struct {
	key
	size    int32 // as datasets.Packet.Size
	payload int32 // as datasets.Packet.Payload
	// app is the captured part of the payload, sum its hash (see sumUp).
	app []byte
	sum uint64
	// seq, ack and flags are TCP's. ipID is the identification of IPv4, or of IPv6's
	// fragment header.
	seq, ack uint32
	ipID     uint32
	flags    uint8
	// plain says that nothing is rare about the frame (see decodePlain): everything
	// below, and the upper halves of its addresses, is zero.
	plain bool

	// skip says why the record is no packet, odd what is wrong with one that
	// is; "" if nothing.
	skip, odd string
	// marker is the content of a marker frame (see header.EtherMarker).
	marker []byte
	// way is the direction that the link layer tells (802.11): 1 from the
	// home, 2 to it, 0 unknown.
	way uint8
	// sender is the hardware address of who sent the packet where the link has
	// only that one, and own says that it was the capturing machine.
	sender uint64
	own    bool

	// peer is the other side of a written 802.15.4 frame, check what the end of a
	// recorded one says of its state.
	peer  uint64
	check check

	// wrapped is the outermost wrapper that was opened, unopened one that was
	// not; depth counts those opened. pppoe says that the line begins here.
	wrapped, unopened string
	depth             int
	pppoe             bool

	// fragment is 1 for the first fragment of an IP packet and 2 for a later one,
	// offset where it belongs in units of 8 bytes. outer is that of a wrapper in
	// fragments.
	fragment uint8
	offset   uint16
	outer    *fragKey
	// loopback says that the packet was on no line, made that this program wrote
	// it: what looks like a wrapper in it is filling.
	loopback, made bool
	// mss is TCP's option of a SYN (0: none).
	mss uint16
}

// skipDamaged is the reason to leave out a frame whose check sequence is wrong:
// its addresses are noise.
const skipDamaged = "bad FCS"

// decode fills f from a record, whatever f was decoded from before. It never fails:
// what cannot be understood as IP is a frame of its length.
func (f *frame) decode(rec *Record) {
	// Clearing a frame costs as much as decoding a plain one, which overwrites all that
	// a plain one before it has left.
	if !f.plain {
		*f = frame{}
	}
	if rec.Link == linkEthernet && f.decodePlain(rec.Data, rec.Length) {
		return
	}

	*f = frame{}
	if rec.Link == linkEthernet {
		f.decodeEthernet(rec.Data, rec.Length)
		return
	}
	f.decodeOther(rec.Data, rec.Length, rec.Link)
}

// decodeEthernet decodes an Ethernet frame of wire bytes.
func (f *frame) decodeEthernet(b []byte, wire int) {
	f.decodeTagged(b, wire, 0)
}

// decodeTagged is decodeEthernet for frames with a switch's tag of so many bytes
// behind the hardware addresses.
func (f *frame) decodeTagged(b []byte, wire, tag int) {
	if len(b) < 14+tag {
		f.setOpaque(b, wire, 14)
		f.odd = "frame cut inside the Ethernet header"
		return
	}

	f.dstMAC, f.srcMAC = header.MAC48(b), header.MAC48(b[6:])
	f.made = f.depth == 0 && (f.srcMAC>>24 == header.FarPrefix || f.dstMAC>>24 == header.FarPrefix)
	typ := binary.BigEndian.Uint16(b[12+tag:])

	// Only on the outside: a mirrored frame of a written capture is a packet.
	switch {
	case f.made && typ == header.EtherMarker && f.srcMAC>>24 == header.FarPrefix:
		f.marker = b[14:]
	case f.made && typ == header.EtherOpaque:
		if size, payload, peer, ok := header.ReadSized(b[14:]); ok {
			f.setOpaque(b, wire, 14)
			f.size, f.payload, f.app, f.peer = size, payload, nil, peer
			return
		}
	}
	f.decodeType(typ, b, 14+tag, wire)
}

// pppType maps a PPP protocol number to an Ethernet type.
func pppType(b []byte) uint16 {
	_, typ, _ := pppHeader(b[:2])
	return typ
}

// skipUnsupported begins the reason to leave out what no decoder knows.
const skipUnsupported = "unsupported "

// setOpaque makes f a frame that is not IP, with a link header of head bytes.
// It takes back what a decoder set before it gave up; hardware addresses stay.
func (f *frame) setOpaque(b []byte, wire, head int) {
	f.kind, f.proto = 0, 0
	f.srcPort, f.dstPort = 0, 0
	f.srcHi, f.srcLo, f.dstHi, f.dstLo = 0, 0, 0, 0

	// A frame shorter than the header of its link is none that a network
	// carries: writers make such records for what they lost.
	if wire < head || wire <= 0 {
		f.skip = "frame shorter than its link header"
		f.size, f.payload, f.app = 0, 0, nil
		return
	}

	// Payload is at most Size - 14 by the contract of a trace, although a
	// link header may be shorter than Ethernet's.
	f.size = int32(max(wire, 14))
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
		f.loopback = true
	case linkSLIP:
		f.decodeRawIP(b, 16, wire) // direction, and a copy of a compressed header

	case linkPPP, linkPPPSerial, linkPPPD, linkPPPDir, linkPPPoE, linkHDLC, linkHDLCDir, linkRelay, linkRelayDir, linkATM, linkATM1483:
		f.decodeLine(b, wire, link)

	case linkCooked:
		f.decodeCooked(b, wire, 16, 14)
	case linkCooked2:
		f.decodeCooked(b, wire, 20, 0)
	case linkNFLOG:
		f.decodeNFLOG(b, wire)
	case linkPFLog:
		f.decodePFLog(b, wire)
	case linkPKTAP, linkPKTAPUser:
		f.decodePKTAP(b, wire)
	case linkNetAna:
		f.decodeInner(b, wire-4, 4, linkEthernet) // its check sequence is in the frame

	case linkBrcm, linkDSA:
		f.decodeTagged(b, wire, 4)
	case linkEDSA:
		f.decodeTagged(b, wire, 8)
	case linkBrcmBefore:
		f.decodeInner(b, wire, 4, linkEthernet)

	case link80211:
		f.decodeWiFi(b, wire, false)
	case linkRadiotap:
		f.decodeWiFi(b, wire, true)
	case linkPrism, linkAVS:
		f.decodePrism(b, wire)
	case linkPPI:
		f.decodePPI(b, wire)
	case link802154FCS:
		f.check = checkOf(b, wire)
		f.decodeZigbee(b, wire)
	case link802154:
		f.decodeZigbee(b, wire)
	case link802154TAP:
		f.decodeZigbeeTAP(b, wire)
	default:
		f.skip = skipUnsupported + linkName(link)
	}
}
