package gridfile

import (
	"embed"
	"io/fs"
	"path"
	"strings"

	"veilbench/bench/cli/yamlfile"
)

// presetFiles are experiments in the same YAML that users write; the first
// line of each is a comment that says what it is for.
//
//go:embed presets/*.yaml
var presetFiles embed.FS

// DefaultPreset is what "veilbench run" does without arguments.
const DefaultPreset = "quick"

// Preset is an experiment that comes with the program, and what it is for.
type Preset struct{ Name, Doc string }

// Presets lists the experiments that come with the program, by name.
func Presets() []Preset {
	var out []Preset
	for _, n := range presetNames() {
		b, _ := presetFiles.ReadFile(presetFile(n)) // embedded: it cannot fail
		first, _, _ := strings.Cut(string(b), "\n")
		out = append(out, Preset{n, strings.TrimPrefix(first, "# ")})
	}
	return out
}

// Text is the preset as a file would have it.
func (p Preset) Text() string {
	b, _ := presetFiles.ReadFile(presetFile(p.Name)) // embedded: it cannot fail
	return string(b)
}

// Words are the lists that c has, as IDs; those of its tasks are beside its data.
func (c Config) Words() Words {
	list := func(vs []yamlfile.Value) []string {
		var out []string
		for _, v := range vs {
			out = append(out, v.Text)
		}
		return out
	}
	w := Words{
		Defenses: list(c.defenses), Attacks: list(c.attacks), Knowledge: list(c.knowledge), Tasks: list(c.tasks), Vantages: list(c.vantages),
		Split: c.split.Text, Seed: c.seed.Text, Test: c.test.Text, Canaries: c.canaries.Text,
	}
	for _, d := range c.datasets {
		w.Datasets = append(w.Datasets, d.Text)
	}
	return w
}

// TasksOf are the tasks that c asks of each of its data sets, nil for all that one
// serves: what is said of the data set, else of the experiment.
func (c Config) TasksOf() [][]string {
	var out [][]string
	for _, d := range c.datasets {
		asked := c.tasks
		if len(d.tasks) > 0 {
			asked = d.tasks
		}
		var tasks []string
		for _, v := range asked {
			tasks = append(tasks, v.Text)
		}
		out = append(out, tasks)
	}
	return out
}

func presetNames() []string {
	files, _ := fs.Glob(presetFiles, presetFile("*")) // the pattern is fixed
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSuffix(path.Base(f), ".yaml"))
	}
	return out
}

func presetFile(name string) string { return "presets/" + name + ".yaml" }
