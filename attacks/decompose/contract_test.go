package decompose_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/decompose"
)

func TestContract(t *testing.T) { attacktest.Run(t, decompose.New()) }
