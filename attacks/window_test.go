package attacks_test

import (
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
)

// quickNet shrinks a window attack to what a test can wait for.
func quickNet(a attacks.WindowNet) attacks.WindowNet {
	a.Window, a.Hidden, a.Layers, a.MinSteps, a.Lr = 40, 32, 1, 150, 1e-2
	return a
}

func TestWindowNetContract(t *testing.T) {
	t.Run("forest", func(t *testing.T) { attacktest.Run(t, attacks.NewWindowForest()) })
	t.Run("lstm", func(t *testing.T) { attacktest.Run(t, quickNet(attacks.NewWindowLSTM())) })
	t.Run("blstm", func(t *testing.T) { attacktest.Run(t, quickNet(attacks.NewWindowBLSTM())) })
}
