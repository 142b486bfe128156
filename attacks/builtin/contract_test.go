package builtin_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/builtin"
)

// TestContract runs the contract kit over every attack of the project.
func TestContract(t *testing.T) {
	for _, a := range builtin.All() {
		t.Run(a.Info().Name, func(t *testing.T) { attacktest.Run(t, a) })
	}
}
