package runs

import (
	"math"
	"strings"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/gridfile"
	"veilbench/bench/cli/progress"
	"veilbench/defenses/builtin"
)

// What training prints has no score where nothing was kept for validation.
func TestTrainingWithoutValidation(t *testing.T) {
	for _, tt := range []struct {
		score float64
		want  string
	}{
		{0.5, "about 3s left, loss 1.250, validation score 0.500"},
		{0, "about 3s left, loss 1.250, validation score 0.000"},
		{math.NaN(), "about 3s left, loss 1.250, no validation data"},
	} {
		var b strings.Builder
		p := progress.New(&b, "")
		a := &command.App{Plugins: command.Plugins{Defenses: builtin.All()}}
		training(a, p)(attacks.Progress{Attack: "window-lstm", Defense: "none", Epoch: 1, Epochs: 8, Loss: 1.25, Score: tt.score, Left: 3 * time.Second})
		if !strings.Contains(b.String(), tt.want) {
			t.Errorf("score %v: printed %q, want %q", tt.score, b.String(), tt.want)
		}
	}
}

// The help of run explains the keys of a config file.
func TestHelpExplainsConfigFiles(t *testing.T) {
	if long := runCommand(&command.App{}).Long; !strings.HasSuffix(long, gridfile.Help()) {
		t.Errorf("help of run does not end with the keys: %s", long)
	}
}
