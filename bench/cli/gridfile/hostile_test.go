package gridfile

import (
	"context"
	"strings"
	"testing"
	"time"

	allattacks "veilbench/attacks/builtin"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	alldefenses "veilbench/defenses/builtin"
)

// A data set that is named again is refused before it is loaded again, under
// whatever words, and who is told to stop loads no more.
func TestDataSetsAreLoadedOnce(t *testing.T) {
	p := command.Plugins{Defenses: alldefenses.All(), Attacks: allattacks.All()}
	grid := func(ctx context.Context, words ...string) error {
		var c Config
		c.Override(Words{Datasets: words, Defenses: []string{"none"}, Attacks: []string{"guess-exact"}})
		_, _, err := c.Grid(ctx, p, source.Options{})
		return err
	}
	many := make([]string, 300_000)
	for i := range many {
		many[i] = "home:event_signatures:homes=2,hours=0.1"
	}
	start := time.Now()
	for _, words := range [][]string{many, {many[0], "home:event_signatures:hours=0.1,homes=2"}} {
		if err := grid(context.Background(), words...); err == nil || !strings.Contains(err.Error(), "is named twice") {
			t.Errorf("error %v", err)
		}
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("refused after %v", took)
	}

	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := grid(ctx, "home:small:homes=50"); err != context.Canceled {
		t.Errorf("told to stop: error %v", err)
	}
}
