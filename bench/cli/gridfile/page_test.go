package gridfile

import (
	"os"
	"regexp"
	"testing"

	"veilbench/bench/cli/source"
	"veilbench/bench/cli/yamlfile"
)

// The experiment on the page of grids must be one that is understood.
func TestShownExperimentResolves(t *testing.T) {
	page, err := os.ReadFile("../../../reports/docs/grids.md")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if text == nil {
		t.Fatal("grids.md has no experiment")
	}
	c, err := Parse("grids.md", string(text[1]))
	if err != nil {
		t.Fatal(err)
	}
	c.datasets = []dataset{{Value: yamlfile.Value{Text: "home:event_signatures:hours=0.1"}}}
	g, _, err := c.Grid(t.Context(), own(), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Defenses) != 3 || len(g.Attacks) != 3 || g.Draws != 3 {
		t.Errorf("%d defenses, %d attacks, %d draws; want 3 of each", len(g.Defenses), len(g.Attacks), g.Draws)
	}
}
