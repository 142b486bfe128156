package eventforest_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/eventforest"
)

func TestContract(t *testing.T) { attacktest.Run(t, eventforest.Attack{Features: "auto", PairS: 5}) }
