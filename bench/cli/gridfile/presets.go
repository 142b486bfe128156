package gridfile

import (
	"embed"
	"io/fs"
	"path"
	"strings"
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

func presetNames() []string {
	files, _ := fs.Glob(presetFiles, presetFile("*")) // the pattern is fixed
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSuffix(path.Base(f), ".yaml"))
	}
	return out
}

func presetFile(name string) string { return "presets/" + name + ".yaml" }
