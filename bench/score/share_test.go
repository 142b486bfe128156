package score

import (
	"fmt"
	"slices"
	"testing"
)

// TestWindowScores works both measures out by hand: two windows of four and a
// partial one of two.
func TestWindowScores(t *testing.T) {
	truth := []int32{0, 0, 0, 1, 1, 1, 0, -1, 0, 0}
	guess := []int32{0, 0, 1, 0, 1, 1, 1, 0, 0, 0}
	// Wrong: 2 of 4, 1 of 3, 0 of 2.
	loss, n := hammingLoss(truth, guess, 4)
	if want := (2./4 + 1./3 + 0) / 3; n != 3 || fmt.Sprintf("%.9f", loss) != fmt.Sprintf("%.9f", want) {
		t.Errorf("Hamming loss %v over %d windows, want %v over 3", loss, n, want)
	}
	bins := shareRecall(truth, guess, 4, 2, []float64{0.25, 0.5, 1})
	want := [][]shareBin{
		// Class 0 is 3 of 4 packets, then 1 of 4, then 2 of 2.
		{{Lo: 0, Hi: 0.25, Packets: 1}, {Lo: 0.25, Hi: 0.5}, {Lo: 0.5, Hi: 1, Packets: 5, Right: 4}},
		// Class 1 is 1 of 4, then 2 of 4.
		{{Lo: 0, Hi: 0.25, Packets: 1}, {Lo: 0.25, Hi: 0.5, Packets: 2, Right: 2}, {Lo: 0.5, Hi: 1}},
	}
	for c := range want {
		if !slices.Equal(bins[c], want[c]) {
			t.Errorf("class %d: %+v, want %+v", c, bins[c], want[c])
		}
	}
}
