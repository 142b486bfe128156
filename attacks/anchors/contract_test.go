package anchors_test

import (
	"testing"

	"veilbench/attacks/anchors"
	"veilbench/attacks/attacktest"
)

func TestContract(t *testing.T) { attacktest.Run(t, anchors.New()) }
