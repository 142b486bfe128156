package guess_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/guess"
)

func TestContractOfMajority(t *testing.T) { attacktest.Run(t, guess.Majority{}) }

func TestContractOfUniform(t *testing.T) { attacktest.Run(t, guess.Uniform{}) }

func TestContractOfClock(t *testing.T) { attacktest.Run(t, guess.Clock{}) }

func TestContractOfExact(t *testing.T) { attacktest.Run(t, guess.Exact{GapS: 1, PairS: 5}) }

func TestContractOfHour(t *testing.T) { attacktest.Run(t, guess.Hour{}) }
