package cli

import (
	"math"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/defenses/builtin"
)

// What training prints has no score where nothing was kept for validation.
func TestTrainingWithoutValidation(t *testing.T) {
	for _, tt := range []struct {
		score float64
		want  string
	}{
		{0.5, "loss 1.250, validation score 0.500, about 3s left"},
		{0, "loss 1.250, validation score 0.000, about 3s left"},
		{math.NaN(), "loss 1.250, no validation data, about 3s left"},
	} {
		var b strings.Builder
		p := &progress{w: &b, now: time.Now}
		a := &app{Plugins: Plugins{Defenses: builtin.All()}}
		a.training(p)(attacks.Progress{Attack: "window-lstm", Defense: "none", Epoch: 1, Epochs: 8, Loss: 1.25, Score: tt.score, Left: 3 * time.Second})
		if !strings.Contains(b.String(), tt.want) {
			t.Errorf("score %v: printed %q, want %q", tt.score, b.String(), tt.want)
		}
	}
}
