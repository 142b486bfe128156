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

// training shows how far long trainings are, those of one attack at most every few
// seconds: on a terminal in a line that vanishes with them. Every warning stays.
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

		// A training that ends says so by its last epoch.
		if t.Epoch >= t.Epochs {
			p.Note("")
			return
		}
		// Each attack has a turn of its own, or a quick one would hide a slow one.
		if time.Since(last[t.Attack]) < progress.LogEvery {
			return
		}
		last[t.Attack] = time.Now()
		if math.IsNaN(t.Loss) { // a program says no more than that
			p.Note("training %s on %s, fold %d: %d of %d", t.Attack, on, t.Fold, t.Epoch, t.Epochs)
			return
		}
		p.Note("training %s on %s, fold %d: epoch %d of %d, about %s left, loss %.3f, %s",
			t.Attack, on, t.Fold, t.Epoch, t.Epochs, t.Left.Round(time.Second), t.Loss, validationText(t.Score))
	}
}

// validationText says the score on the validation part, or that there is none.
func validationText(score float64) string {
	if math.IsNaN(score) {
		return "no validation data"
	}
	return fmt.Sprintf("validation score %.3f", score)
}
