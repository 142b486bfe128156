package capture

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/capture/internal/header"
)

// marks is what the marker frames of a written capture said: nanoseconds since
// 1970 at which observing started and ended. With them a trace read back covers
// the same time, silence at both ends included.
type marks struct {
	start, end       int64
	hasStart, hasEnd bool
	noClock          bool
	recorded         datasets.Vantage // where the original was recorded, "" if that is not said
}

// read takes a marker frame. It reports false if text is none.
func (m *marks) read(text []byte, at int64) bool {
	said := string(bytes.TrimRight(text, "\x00"))
	if v, ok := strings.CutPrefix(said, header.MarkRecorded); ok && slices.Contains(datasets.Vantages(), datasets.Vantage(v)) {
		m.recorded = datasets.Vantage(v)
		return true
	}
	switch said {
	case header.MarkStart:
		m.start, m.hasStart = at, true
	case header.MarkStartNoClock:
		m.start, m.hasStart, m.noClock = at, true, true
	case header.MarkEnd:
		m.end, m.hasEnd = at, true
	default:
		return false
	}
	return true
}

// apply moves t to the marked interval, unless packets lie outside of it.
// base is the Unix time of t's Time 0 if t has packets.
func (m *marks) apply(t *datasets.Trace, base int64, packets bool) {
	// Packets before the start come from another file put in front of this
	// one: then the marks say nothing of the whole.
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
