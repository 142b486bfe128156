package attacks_test

import (
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
)

// TestContract runs the contract kit over every attack of the project.
func TestContract(t *testing.T) {
	for _, a := range attacks.All() {
		t.Run(a.Info().Name, func(t *testing.T) { attacktest.Run(t, a) })
	}
}
