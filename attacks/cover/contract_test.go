package cover_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/cover"
	"veilbench/attacks/decompose"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/window"
)

func TestContract(t *testing.T) {
	attacktest.Run(t, cover.Without(eventforest.Attack{Features: "hist", GapS: 1, PairS: 5, Trees: 30}))
	attacktest.Run(t, cover.Without(decompose.New()))
	f := window.NewForest()
	f.Trees = 20
	attacktest.Run(t, cover.Without(f))
}
