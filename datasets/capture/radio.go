package capture

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"veilbench/datasets/capture/internal/header"
)

// Kinds of key beside 4 and 6 for IP and 0 for other frames of a local link.
const (
	kindWiFi   = 11 // between a station and what lies behind its access point
	kindZigbee = 15 // 802.15.4
)

// decodeWiFi decodes an 802.11 frame, after a radiotap header if tap. Only
// protected data frames are kept: they are what an observer without the key can
// count as traffic. Size is the frame's length without radiotap and check
// sequence, and Payload what CCMP protects behind the LLC header, as
// datasets.WiFi has it.
func (f *frame) decodeWiFi(b []byte, wire int, tap bool) {
	if tap {
		head, check, ok := radiotap(b)
		if !ok {
			f.skip = "malformed radiotap header"
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
	case d.Flags.ToDS() && d.Flags.FromDS():
		f.skip = "802.11 frame between access points"
	}
	if f.skip != "" {
		return
	}

	// Which addresses are the two ends depends on the way through the access
	// point (IEEE 802.11, table of address fields); its own one, which stands
	// between them, is left out.
	f.kind = kindWiFi
	switch {
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
// sequence that follows the frame. gopacket's decoder may panic.
func radiotap(b []byte) (head, check int, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	var r layers.RadioTap
	if err := r.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		return 0, 0, false
	}
	if r.Present.Flags() && r.Flags.FCS() {
		check = 4
	}
	return int(r.Length), check, int(r.Length) >= 8 && int(r.Length) <= len(b)
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

// decodeZigbee decodes an IEEE 802.15.4 frame (2006, section 7.2.1). Size is the
// frame's length as recorded. Acknowledgments have no address and are
// skipped. The coordinator, short address 0, is the far side.
func (f *frame) decodeZigbee(b []byte, wire int) {
	if len(b) < 3 {
		f.skip = "802.15.4 frame cut inside its header"
		return
	}

	// Frame control: type in bits 0 to 2, bit 6 that source and destination
	// share a network, bit 8 that there is no sequence number, and in bits 10
	// and 14 the modes of both addresses: 0 none, 2 short, 3 long.
	control := binary.LittleEndian.Uint16(b)
	if control&7 == 2 {
		f.skip = "802.15.4 acknowledgment"
		return
	}
	at := 3
	if control>>8&1 == 1 && control>>12&3 == 2 { // sequence number suppressed
		at = 2
	}

	dstMode, srcMode := control>>10&3, control>>14&3
	dst, at, dstZero := zigbeeAddr(b, at, dstMode, true)
	src, at, srcZero := zigbeeAddr(b, at, srcMode, control&0x40 == 0)
	if at > len(b) || dstMode == 1 || srcMode == 1 {
		f.skip = "802.15.4 frame cut inside its header"
		return
	}
	if control&0x40 != 0 && srcMode == 2 && dstMode == 2 {
		src |= dst & 0xffff0000 // the network is written once, in front of dst
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

// zigbeeAddr reads an address at at, with its network (PAN) if pan. A short
// address becomes 00:00, network, address; of a long one the first and last
// three bytes stay. zero says that it is short address 0.
func zigbeeAddr(b []byte, at int, mode uint16, pan bool) (addr uint64, next int, zero bool) {
	if mode == 0 {
		return 0, at, false
	}

	network := uint64(0)
	if pan {
		if at+2 > len(b) {
			return 0, len(b) + 1, false
		}
		network = uint64(binary.LittleEndian.Uint16(b[at:]))
		at += 2
	}

	// Where the frame ends too early, next is behind its end: the caller
	// checks once, after both addresses.
	size := 2
	if mode == 3 {
		size = 8
	}
	if at+size > len(b) {
		return 0, len(b) + 1, false
	}

	if size == 2 {
		short := uint64(binary.LittleEndian.Uint16(b[at:]))
		return network<<16 | short, at + 2, short == 0
	}
	long := binary.LittleEndian.Uint64(b[at:])
	return long>>40<<24 | long&0xffffff, at + 8, false
}

// decodeZigbeeTAP skips the TAP header in front of an 802.15.4 frame.
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
	f.decodeZigbee(b[head:], wire-head)
}
