package bursts

import (
	"slices"
	"testing"
	"time"

	"veilbench/datasets"
)

// A gap above the threshold closes a sequence (IoTEvent, section 3.3.1), one equal
// to it does not; and a vector is direction times length (section 3.3.2).
func TestSegmentsByHand(t *testing.T) {
	var tr datasets.Trace
	for i, at := range []int{0, 400, 1400, 2401, 2402} {
		p := datasets.Packet{Time: time.Duration(at) * time.Millisecond, Size: int32(100 + i)}
		if i%2 == 1 {
			p.Dir = datasets.Down
		}
		tr.Packets = append(tr.Packets, p)
	}
	if got := Segments(nil, tr, AllPackets(tr), time.Second); !slices.Equal(got, []Segment{{0, 3}, {3, 5}}) {
		t.Errorf("segments %v, want the first three packets and the last two", got)
	}
	var signed []int32
	for _, p := range tr.Packets {
		signed = append(signed, SignedSize(p))
	}
	if !slices.Equal(signed, []int32{100, -101, 102, -103, 104}) {
		t.Errorf("signed lengths %v", signed)
	}
}
