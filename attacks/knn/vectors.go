package knn

import (
	"cmp"

	"veilbench/attacks"
	"veilbench/attacks/features"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Vectors shows a clip or the burst of each event as the sequence that event-knn
// compares and, for defenses under which no two sequences are alike, as the sizes
// without their order.
func (a EventKNN) Vectors(task datasets.Task, l attacks.Labeled) attacks.Features {
	return features.OfBursts(task, l, params.Seconds(cmp.Or(a.GapS, features.Gap)), params.Seconds(a.PairS), []features.Set{features.SequenceSet(), features.Sets()[0]})
}
