package bursts

import (
	"slices"

	"veilbench/datasets"
)

// Multiset writes a command as counts of classes; ok is false when it holds an
// action that is not a class or more than 255 of one.
func Multiset(c datasets.Command, classes []string) (counts []uint8, ok bool) {
	counts = make([]uint8, len(classes))
	for _, a := range c.Actions {
		i, found := slices.BinarySearch(classes, a.Action)
		if !found || a.Count > 255 {
			return nil, false
		}
		counts[i] = uint8(a.Count)
	}
	return counts, true
}
