package gridfile

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	allattacks "veilbench/attacks/builtin"
	"veilbench/bench"
	"veilbench/bench/cli/command"
	"veilbench/bench/cli/source"
	"veilbench/datasets"
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

// Two places are written with a plus, in a file as in flags, and a mistake in one of
// them is shown at its line.
func TestTwoPlaces(t *testing.T) {
	p := command.Plugins{Defenses: alldefenses.All(), Attacks: allattacks.All()}
	read := func(vantages string) (bench.Grid, error) {
		c, err := Parse("grid.yaml", "datasets: home:event_signatures:hours=0.1\ndefenses: none\nattacks: fusion\nvantage: "+vantages)
		if err != nil {
			t.Fatal(err)
		}
		return c.settings(p)
	}
	g, err := read("[wan, wan+wifi, wifi+wan]")
	if want := []datasets.Vantage{datasets.WAN, "wifi+wan"}; err != nil || !slices.Equal(g.Vantages, want) {
		t.Errorf("vantages %q, %v; want %q", g.Vantages, err, want)
	}
	if _, err := read("wifi+wam"); err == nil || !strings.Contains(err.Error(), "grid.yaml:4") || !strings.Contains(err.Error(), `did you mean "wan"`) {
		t.Errorf("error %v", err)
	}
}
