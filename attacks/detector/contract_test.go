package detector_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/detector"
)

func TestContract(t *testing.T) { attacktest.Run(t, detector.New()) }
