package header

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
)
