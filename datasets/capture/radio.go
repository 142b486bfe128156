package capture

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// Kinds of key beside 4 and 6 for IP and 0 for other frames of a local link.
const (
	kindWiFi   = 11 // between a station and what lies behind its access point
	kindRelay  = 12 // the same, relayed between access points
	kindZigbee = 15 // 802.15.4
)

// decodeWiFi decodes an 802.11 frame, after a radiotap header if tap. Only
// protected data frames are kept: they are what an observer without the key can
// count as traffic. Size is the frame's length without radiotap and check
// sequence, and Payload what CCMP protects behind the LLC header, as
// datasets.WiFi has it.
func (f *frame) decodeWiFi(b []byte, wire int, tap bool) {
	if tap {
		head, check, damaged, ok := radiotap(b)
		switch {
		case !ok:
			f.skip = "malformed radiotap header"
			return
		case damaged:
			f.skip = skipDamaged
			return
		}
		b, wire = b[head:], wire-head-check
	}

	d, ok := dot11(b)
	if !ok || wire < 10 {
		f.skip = "802.11 frame cut inside its header"
		return
	}
	switch t := d.Type.MainType(); {
	case t == layers.Dot11TypeMgmt:
		f.skip = "802.11 management frame"
	case t == layers.Dot11TypeCtrl:
		f.skip = "802.11 control frame"
	case t != layers.Dot11TypeData:
		f.skip = "802.11 frame of a reserved type"
	case d.Flags.Retry():
		f.skip = "802.11 retry"
	case b[0]&0x40 != 0:
		f.skip = "802.11 data frame without data"
	case !d.Flags.WEP(): // the protected bit, by its old name
		f.skip = "802.11 data frame that is not protected"
	}
	if f.skip != "" {
		return
	}

	// Which addresses are the two ends depends on the way through the access
	// point (IEEE 802.11, table of address fields); its own one, which stands
	// between them, is left out.
	f.kind = kindWiFi
	switch {
	case d.Flags.ToDS() && d.Flags.FromDS():
		// Between a repeater and its access point four addresses stand: two of
		// theirs, then the two ends. Which of those is the home, nothing says.
		f.kind, f.srcMAC, f.dstMAC = kindRelay, header.MAC48(d.Address4), header.MAC48(d.Address3)
	case d.Flags.ToDS():
		f.way, f.srcMAC, f.dstMAC = 1, header.MAC48(d.Address2), header.MAC48(d.Address3)
	case d.Flags.FromDS():
		f.way, f.srcMAC, f.dstMAC = 2, header.MAC48(d.Address3), header.MAC48(d.Address1)
	default:
		f.srcMAC, f.dstMAC = header.MAC48(d.Address2), header.MAC48(d.Address1)
	}

	const ccmpLLC = 8 + 8 + 8 // CCMP header, LLC and SNAP, MIC
	f.size = int32(wire)
	f.payload = int32(max(0, wire-len(d.Contents)-ccmpLLC))
}

// radiotap returns the lengths of the radiotap header and of the check
// sequence that follows the frame, and whether that was found wrong. gopacket's
// decoder may panic.
func radiotap(b []byte) (head, check int, damaged, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	var r layers.RadioTap
	if err := r.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		return 0, 0, false, false
	}
	if r.Present.Flags() && r.Flags.FCS() {
		check = 4
	}
	damaged = r.Present.Flags() && r.Flags.BadFCS()
	return int(r.Length), check, damaged, int(r.Length) >= 8 && int(r.Length) <= len(b)
}

// decodePrism skips a Prism header, whose length is in its second word by the
// order of the machine that wrote it, or an AVS header, which is big-endian.
func (f *frame) decodePrism(b []byte, wire int) {
	if len(b) < 8 {
		f.skip = "malformed Prism header"
		return
	}
	head := binary.LittleEndian.Uint32(b[4:])
	if big := binary.BigEndian.Uint32(b[4:]); big < head {
		head = big
	}
	if head < 8 || int64(head) > int64(len(b)) {
		f.skip = "malformed Prism header"
		return
	}
	f.decodeWiFi(b[head:], wire-int(head), false)
}

// decodePPI skips a per-packet information header: version, flags, its length,
// the link type of what follows, and fields of a type and a length each. That
// of 802.11 says whether the frame has a check sequence and whether it is wrong.
func (f *frame) decodePPI(b []byte, wire int) {
	if len(b) < 8 {
		f.skip = "malformed PPI header"
		return
	}
	head, link := int(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])
	if head < 8 || head > len(b) || link == linkPPI {
		f.skip = "malformed PPI header"
		return
	}

	const common80211 = 2
	for at := 8; at+4 <= head; {
		typ, n := binary.LittleEndian.Uint16(b[at:]), int(binary.LittleEndian.Uint16(b[at+2:]))
		if typ == common80211 && n >= 10 && at+14 <= head {
			flags := binary.LittleEndian.Uint16(b[at+12:])
			if flags&4 != 0 {
				f.skip = skipDamaged
				return
			}
			// The check sequence is no part of the frame's length anywhere here.
			if flags&1 != 0 {
				wire -= 4
			}
		}
		if at += 4 + n; b[1]&1 != 0 {
			at = (at + 3) &^ 3 // fields begin at whole words
		}
	}
	f.decodeInner(b, wire, head, link)
}

// dot11 decodes the header of an 802.11 frame. gopacket takes the last four
// bytes for the check sequence, so it gets four more than the header needs.
func dot11(b []byte) (d layers.Dot11, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	const longest = 24 + 6 + 2 + 4
	var head [longest + 4]byte
	n := copy(head[:longest], b)
	return d, d.DecodeFromBytes(head[:n+4], gopacket.NilDecodeFeedback) == nil
}

// decodeZigbee decodes an IEEE 802.15.4 frame (2015, section 7.2.2; 2006 for
// frame versions 0 and 1). Size is the frame's length as recorded.
// Only data frames are kept: acknowledgments, beacons and MAC commands (mostly
// the polls of sleeping devices) are no traffic of their own. The coordinator,
// short address 0, is the far side.
func (f *frame) decodeZigbee(b []byte, wire int) {
	if len(b) < 3 || wire < 3 {
		f.skip = "802.15.4 frame cut inside its header"
		return
	}

	// Frame control: type in bits 0 to 2, bit 6 that a network is left out, bit
	// 8 that there is no sequence number, in bits 10 and 14 the modes of both
	// addresses (0 none, 2 short, 3 long), and the version in bits 12 and 13.
	control := binary.LittleEndian.Uint16(b)
	switch control & 7 {
	case 0:
		f.skip = "802.15.4 beacon"
		return
	case 2:
		f.skip = "802.15.4 acknowledgment"
		return
	case 3:
		f.skip = "802.15.4 MAC command"
		return
	case 4:
		f.skip = "802.15.4 frame of a reserved type"
		return
	case 5, 6, 7: // multipurpose, fragment, extended: their headers are others
		f.skip = "802.15.4 frame of another layout"
		return
	}
	newest := control>>12&3 == 2
	at := 3
	if control>>8&1 == 1 && newest {
		at = 2
	}

	dstMode, srcMode := control>>10&3, control>>14&3
	if dstMode == 1 || srcMode == 1 {
		f.skip = "802.15.4 frame of a reserved address mode"
		return
	}
	dstPAN, srcPAN := zigbeeNetworks(dstMode, srcMode, control&0x40 != 0, newest)
	dst, at, dstZero, network := zigbeeAddr(b, at, dstMode, dstPAN, 0)
	src, at, srcZero, _ := zigbeeAddr(b, at, srcMode, srcPAN, network)
	if at > len(b) {
		f.skip = "802.15.4 frame cut inside its header"
		return
	}

	f.kind, f.srcMAC, f.dstMAC = kindZigbee, src, dst
	switch {
	case dstZero && !srcZero:
		f.way = 1
	case srcZero && !dstZero:
		f.way = 2
	}
	f.size = int32(wire)
	f.payload = int32(max(0, min(wire-at, wire-14)))
}

// zigbeeNetworks says in front of which address its network (PAN) stands. Since
// 2015 (table 7-2) a set bit means that both are left out where one alone would
// be there; before, that the source's is the destination's.
func zigbeeNetworks(dst, src uint16, compressed, newest bool) (dstPAN, srcPAN bool) {
	switch {
	case !newest:
		return dst != 0, src != 0 && !compressed
	case dst == 0 && src == 0:
		return compressed, false
	case dst == 3 && src == 3:
		return !compressed, false
	case dst == 0 || src == 0:
		return dst != 0 && !compressed, src != 0 && !compressed
	}
	return true, !compressed
}

// zigbeeAddr reads an address at at, behind its network (PAN) if pan; else that
// is network, if the address needs one. A short address becomes 00:00, network,
// address; of a long one the first and last three bytes stay. zero says that it
// is short address 0.
func zigbeeAddr(b []byte, at int, mode uint16, pan bool, network uint64) (addr uint64, next int, zero bool, its uint64) {
	if pan {
		if at+2 > len(b) {
			return 0, len(b) + 1, false, 0
		}
		network = uint64(binary.LittleEndian.Uint16(b[at:]))
		at += 2
	}

	// Where the frame ends too early, next is behind its end: the caller
	// checks once, after both addresses.
	size := map[uint16]int{2: 2, 3: 8}[mode]
	switch {
	case at+size > len(b):
		return 0, len(b) + 1, false, 0
	case size == 0:
		return 0, at, false, network
	case size == 2:
		short := uint64(binary.LittleEndian.Uint16(b[at:]))
		return network<<16 | short, at + 2, short == 0, network
	}
	long := binary.LittleEndian.Uint64(b[at:])
	return long>>40<<24 | long&0xffffff, at + 8, false, network
}

// decodeZigbeeTAP skips the TAP header in front of an 802.15.4 frame, a list of
// fields in little-endian words, one of which says what check sequence the frame has.
func (f *frame) decodeZigbeeTAP(b []byte, wire int) {
	if len(b) < 4 {
		f.skip = "802.15.4 TAP header cut"
		return
	}
	head := int(binary.LittleEndian.Uint16(b[2:]))
	if head < 4 || head > len(b) {
		f.skip = "802.15.4 TAP header of a wrong length"
		return
	}
	if wire < head {
		f.skip = "802.15.4 TAP header of a wrong length"
		return
	}

	// Without the field the frame has no check sequence, or one of 32 bits, which
	// only radios below 1 GHz use: then nothing says that it is damaged.
	const fieldFCS, crc16 = 0, 1
	for at := 4; at+8 <= head; {
		typ, n := binary.LittleEndian.Uint16(b[at:]), int(binary.LittleEndian.Uint16(b[at+2:]))
		if typ == fieldFCS && n >= 1 && b[at+4] == crc16 {
			f.check = checkOf(b[head:], wire-head)
		}
		at += 4 + (n+3)&^3
	}
	f.decodeZigbee(b[head:], wire-head)
}

// check is what the last two bytes of an 802.15.4 frame say of its state. They
// are a CRC or, from sniffers with a CC24xx chip, signal strength and quality
// with a bit that is set when the chip found the CRC right. A file does not say
// which, so both readings are kept until all frames are there.
type check uint8

const (
	checked  check = 1 << iota // the frame is whole, so that its end is known
	crcRight                   // as a CRC it is right
	bitSet                     // as a chip's word it says so
)

// checkOf reads the end of a frame of wire bytes.
func checkOf(b []byte, wire int) check {
	if len(b) < wire || wire < 3 {
		return 0
	}

	// CRC-16 of ITU-T, bits in order of the air: polynomial 0x1021 reflected is
	// 0x8408, no initial value, least significant byte first.
	crc := uint16(0)
	for _, x := range b[:wire-2] {
		crc ^= uint16(x)
		for range 8 {
			low := crc & 1
			if crc >>= 1; low == 1 {
				crc ^= 0x8408
			}
		}
	}

	out := checked
	if binary.LittleEndian.Uint16(b[wire-2:]) == crc {
		out |= crcRight
	}
	if b[wire-1]&0x80 != 0 {
		out |= bitSet
	}
	return out
}

// dropDamaged leaves out the frames of 802.15.4 that arrived damaged: their
// addresses are noise. Which of the two readings a file has, most of its frames
// tell; where neither is right for most, as when a sniffer cut or filled the
// field, nothing is known of any.
func (b *builder) dropDamaged(ps []datasets.Packet) []datasets.Packet {
	var known, right, set int
	for _, c := range b.checks {
		if c&checked != 0 {
			known++
		}
		if c&crcRight != 0 {
			right++
		}
		if c&bitSet != 0 {
			set++
		}
	}
	var sign check
	switch {
	case right*2 > known:
		sign = crcRight
	case set*2 > known:
		sign = bitSet
	default:
		return ps
	}

	keep := ps[:0]
	for i, p := range ps {
		if i < len(b.checks) && b.checks[i]&checked != 0 && b.checks[i]&sign == 0 {
			b.skips[skipDamaged]++
			b.moved = true
			continue
		}
		keep = append(keep, p)
	}

	// The first frame may be gone, and Time 0 is that of the first one left.
	shift := keep[0].Time
	for i := range keep {
		keep[i].Time -= shift
	}
	b.base += int64(shift)
	return keep
}
