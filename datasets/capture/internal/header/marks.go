package header

import (
	"encoding/binary"
	"strings"
)

// Upper three bytes of the hardware addresses that a writer makes up. A trace
// that was written and read again keeps its directions by them, whatever its IP
// addresses.
const (
	// FarPrefix is the side that is not the home. A 1 in the byte after it
	// says that the far side is in the local network all the same.
	FarPrefix = 0x027662
	// NearPrefix is a home side whose address is unknown.
	NearPrefix = 0x027663
)

// Ethernet types of frames that only a writer makes: the two that IEEE 802
// leaves to local experiments.
const (
	// EtherOpaque is a packet of a trace that is not IP.
	EtherOpaque = 0x88b5
	// EtherMarker is no packet, but says when observing started or ended. Its
	// text follows, filled with zeros.
	EtherMarker = 0x88b6
)

// Texts of the marker frames.
const (
	MarkStart        = "veilbench: observing starts"
	MarkStartNoClock = "veilbench: observing starts, wall clock unknown"
	MarkEnd          = "veilbench: observing ends"
	// MarkRecorded comes before a vantage.
	MarkRecorded = "veilbench: recorded at "
)

// sizedMagic begins the content of an opaque frame that states its lengths.
const sizedMagic = "veilbench:len"

// AppendSized appends the content of an opaque frame whose size and payload are
// not those of the frame itself, as of packets seen by radio: a text, both as
// four bytes each, big-endian, and in six bytes the hardware address of the other
// side of an 802.15.4 frame, else 0.
func AppendSized(b []byte, size, payload int32, peer uint64) []byte {
	b = append(b, sizedMagic...)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = binary.BigEndian.AppendUint32(b, uint32(payload))
	b = binary.BigEndian.AppendUint16(b, uint16(peer>>32))
	return binary.BigEndian.AppendUint32(b, uint32(peer))
}

// ReadSized reads what AppendSized wrote at the beginning of b. ok is false where
// b is nothing of that kind, or its lengths are none of a packet.
func ReadSized(b []byte) (size, payload int32, peer uint64, ok bool) {
	const lengths, whole = 8, 14 // content of an older writer ends behind the lengths
	rest, found := strings.CutPrefix(string(b[:min(len(b), len(sizedMagic)+whole)]), sizedMagic)
	if !found || len(rest) < lengths {
		return 0, 0, 0, false
	}
	s, p := binary.BigEndian.Uint32([]byte(rest)), binary.BigEndian.Uint32([]byte(rest)[4:])
	if s > 1<<20 || p > max(s, 14)-14 {
		return 0, 0, 0, false
	}
	if len(rest) == whole {
		peer = MAC48([]byte(rest)[lengths:])
	}
	return int32(s), int32(p), peer, true
}
