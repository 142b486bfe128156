package runs

import (
	"fmt"
	"math"
	"sync"
	"time"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/progress"
	"veilbench/defenses"
)

// training logs how far long trainings are, those of one attack at most every
// few seconds, and every warning, above the line that p rewrites.
func training(a *command.App, p *progress.Progress) func(attacks.Progress) {
	var mu sync.Mutex
	last := map[string]time.Time{}
	return func(t attacks.Progress) {
		mu.Lock()
		defer mu.Unlock()

		// People read labels; a defense that is not known here keeps its ID.
		on := t.Defense
		if d, err := defenses.Parse(a.Defenses, on); err == nil {
			on = defenses.Label(a.Defenses, d)
		}
		if t.Warning != "" {
			p.Print("warning: training %s on %s, fold %d: %s\n", t.Attack, on, t.Fold, t.Warning)
			return
		}

		// Each attack has a turn of its own, or a quick one would hide a slow one.
		if time.Since(last[t.Attack]) < progress.LogEvery {
			return
		}
		last[t.Attack] = time.Now()
		p.Print("training %s on %s, fold %d: epoch %d of %d, loss %.3f, %s, about %s left\n",
			t.Attack, on, t.Fold, t.Epoch, t.Epochs, t.Loss, validationText(t.Score), t.Left.Round(time.Second))
	}
}

// validationText says the score on the validation part, or that there is none.
func validationText(score float64) string {
	if math.IsNaN(score) {
		return "no validation data"
	}
	return fmt.Sprintf("validation score %.3f", score)
}
