package rates_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/rates"
)

func TestContract(t *testing.T) { attacktest.Run(t, rates.New()) }
