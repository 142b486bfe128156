package main

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/defenses/defensetest"
)

// What veilbench asks of every defense and attack, as tests.
func TestContracts(t *testing.T) {
	defensetest.Run(t, steps{StepBytes: 64})
	attacktest.Run(t, volume{})
}
