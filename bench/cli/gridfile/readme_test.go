package gridfile

import (
	"os"
	"regexp"
	"testing"

	"veilbench/bench/cli/source"
	"veilbench/bench/cli/yamlfile"
)

// The experiment in the README must be one that is understood.
func TestReadmeExperimentResolves(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(readme)
	if text == nil {
		t.Fatal("README.md has no experiment")
	}
	c, err := Parse("README.md", string(text[1]))
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
