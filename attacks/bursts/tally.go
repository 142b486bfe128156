package bursts

import (
	"cmp"
	"slices"

	"veilbench/attacks"
	"veilbench/datasets"
)

// UnknownRank is the answer of a model that does not know.
func UnknownRank() []attacks.Ranked { return []attacks.Ranked{{Class: datasets.Unknown, P: 1}} }

// Counts ranks classes by count, ties alphabetically; Unknown when empty.
func Counts(counts map[string]int) []attacks.Ranked {
	total := 0
	out := make([]attacks.Ranked, 0, len(counts))
	for class, n := range counts {
		total += n
		out = append(out, attacks.Ranked{Class: class, P: float64(n)})
	}
	if total == 0 {
		return UnknownRank()
	}
	slices.SortFunc(out, func(a, b attacks.Ranked) int {
		return cmp.Or(cmp.Compare(b.P, a.P), cmp.Compare(a.Class, b.Class))
	})
	for i := range out {
		out[i].P /= float64(total)
	}
	return out
}
