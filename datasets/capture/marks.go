package capture

import (
	"bytes"
	"time"

	"veilbench/datasets"
)

// Texts of the marker frames that Write puts at the start and the end of
// observing, so that a trace read back covers the same time.
const (
	markStart   = "veilbench: observing starts"
	markStartNo = "veilbench: observing starts, wall clock unknown"
	markEnd     = "veilbench: observing ends"
)

// marks is what marker frames said.
type marks struct {
	start, end       int64
	hasStart, hasEnd bool
	noClock          bool
}

// take reads a marker frame. It reports false if text is none.
func (m *marks) take(text []byte, at int64) bool {
	switch string(bytes.TrimRight(text, "\x00")) {
	case markStart:
		m.start, m.hasStart = at, true
	case markStartNo:
		m.start, m.hasStart, m.noClock = at, true, true
	case markEnd:
		m.end, m.hasEnd = at, true
	default:
		return false
	}
	return true
}

// apply moves t to the marked interval, unless packets lie outside of it.
// base is the Unix time of t's Time 0 if t has packets.
func (m *marks) apply(t *datasets.Trace, base int64, packets bool) {
	if !m.hasStart || packets && m.start > base {
		return
	}
	shift := time.Duration(0)
	if packets {
		shift = time.Duration(base - m.start)
	}
	for i := range t.Packets {
		t.Packets[i].Time += shift
	}
	t.End += shift
	t.Start = time.Unix(0, m.start).UTC()
	if m.noClock {
		t.Start = time.Time{}
	}
	if end := time.Duration(m.end - m.start); m.hasEnd && end > t.End {
		t.End = end
	}
}
