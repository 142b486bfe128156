package signatures_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/signatures"
)

func TestContract(t *testing.T) { attacktest.Run(t, signatures.New()) }
