package bursts

import (
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// TestPairByWindow: a burst pairs with an event when it begins in the event's
// window widened by the tolerance, as in scoring; of several events it is that
// with the nearest start. One nearest burst, or all, are taken.
func TestPairByWindow(t *testing.T) {
	const s = time.Second
	var l attacks.Labeled
	var segs []Segment
	for i, at := range []time.Duration{30, 50, 64, 66, 130, 299, 310} {
		l.Trace.Packets = append(l.Trace.Packets, datasets.Packet{Time: at * s})
		segs = append(segs, Segment{int32(i), int32(i + 1)})
	}
	l.Labels = datasets.Labels{Devices: []string{"cam"}, Events: []datasets.Event{
		{Start: 0, End: 59 * s},        // known to the minute
		{Start: 120 * s, End: 400 * s}, // a state that lasts
		{Start: 300 * s, End: 300 * s}, // a point within it
	}}
	for _, c := range []struct {
		nearest bool
		want    []int32
	}{
		{false, []int32{0, 0, 0, -1, 1, 2, 1}},
		{true, []int32{0, -1, -1, -1, 1, 2, -1}},
	} {
		got := Pairer{Within: 5 * s, Nearest: c.nearest}.Pair(l, Stream{Packets: AllPackets(l.Trace)}, segs)
		if !slices.Equal(got, c.want) {
			t.Errorf("nearest %v: events %v, want %v", c.nearest, got, c.want)
		}
	}
}

// TestFoldsWithin: a split within groups deals the recordings of each class round
// by themselves, and all draws of one together; else whole groups are dealt.
func TestFoldsWithin(t *testing.T) {
	var tr attacks.Training
	for _, r := range []string{"a1", "a1", "b1", "c1", "a2", "b2", "b2", "c2"} {
		tr.Examples = append(tr.Examples, attacks.Labeled{Group: r, Class: r[:1]})
	}
	if got, _ := Folds(tr, 3); !slices.Equal(got, []int{0, 0, 1, 2, 0, 1, 1, 2}) {
		t.Errorf("across groups: folds %v", got)
	}
	tr.Within = true
	if got, _ := Folds(tr, 3); !slices.Equal(got, []int{0, 0, 0, 0, 1, 1, 1, 1}) {
		t.Errorf("within groups: folds %v", got)
	}
}
