package fusion_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/fusion"
	"veilbench/attacks/knn"
	"veilbench/attacks/rates"
)

func TestContract(t *testing.T) {
	attacktest.Run(t, fusion.Of(
		knn.EventKNN{PairS: 5, K: 1, GapS: 1},
		eventforest.Attack{Features: "hist", GapS: 1, PairS: 5, Trees: 20},
		rates.Attack{ToleranceS: 5, WindowS: 300, Beta: 1, BinS: 1},
	))
}
