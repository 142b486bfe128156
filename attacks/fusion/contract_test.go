package fusion_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/fusion"
	"veilbench/attacks/knn"
)

func TestContract(t *testing.T) {
	attacktest.Run(t, fusion.Of(
		knn.EventKNN{PairS: 5, K: 1, GapS: 1},
		eventforest.Attack{Features: "hist", GapS: 1, PairS: 5, Trees: 10},
	))
}
