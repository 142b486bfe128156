package window_test

import (
	"testing"

	"veilbench/attacks/attacktest"
	"veilbench/attacks/window"
)

func TestContractOfForest(t *testing.T) { attacktest.Run(t, window.NewForest()) }

func TestContractOfLSTM(t *testing.T) { attacktest.Run(t, window.NewLSTM()) }

func TestContractOfBLSTM(t *testing.T) { attacktest.Run(t, window.NewBLSTM()) }
