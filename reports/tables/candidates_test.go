package tables

import "testing"

// The figure of section III-A of Junges et al., and two that can be counted.
func TestCombinations(t *testing.T) {
	for _, c := range []struct{ devices, actions, want int }{{5, 7, 19607}, {1, 3, 3}, {2, 2, 6}} {
		if got := combinations(c.devices, c.actions); got != c.want {
			t.Errorf("%d devices with %d actions: %d, want %d", c.devices, c.actions, got, c.want)
		}
	}
}
