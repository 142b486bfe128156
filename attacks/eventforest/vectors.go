package eventforest

import (
	"cmp"

	"veilbench/attacks"
	"veilbench/attacks/features"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Vectors shows a clip or the burst of each event in every feature set that the
// forest chooses from.
func (a Attack) Vectors(task datasets.Task, l attacks.Labeled) attacks.Features {
	return features.OfBursts(task, l, params.Seconds(cmp.Or(a.GapS, features.Gap)), params.Seconds(a.PairS), a.sets())
}
