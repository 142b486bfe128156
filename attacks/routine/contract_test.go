package routine_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/rates"
	"veilbench/attacks/routine"
)

func TestContractRates(t *testing.T)   { attacktest.Run(t, routine.NewRates()) }
func TestContractPackets(t *testing.T) { attacktest.Run(t, routine.NewPackets()) }
func TestContractEvents(t *testing.T)  { attacktest.Run(t, routine.NewEvents(rates.New())) }
