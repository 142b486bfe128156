package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/datasets/params"
)

// presetFiles are experiments in the same YAML that users write; the first
// line of each is a comment that says what it is for.
//
//go:embed presets/*.yaml
var presetFiles embed.FS

// defaultPreset is what "veilbench run" does without arguments.
const defaultPreset = "quick"

func presetNames() []string {
	files, _ := fs.Glob(presetFiles, "presets/*.yaml") // the pattern is fixed
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSuffix(path.Base(f), ".yaml"))
	}
	return out
}

// openConfig reads a preset or a file.
func openConfig(arg string) (config, error) {
	if b, err := presetFiles.ReadFile("presets/" + arg + ".yaml"); err == nil {
		return parseConfig(arg, string(b))
	}
	c, err := readConfig(arg)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(arg, "./\\") {
		return c, fmt.Errorf("no preset and no file %q%s (presets: %s)", arg, params.DidYouMean(arg, presetNames()), strings.Join(presetNames(), ", "))
	}
	return c, err
}

func (a *app) listPresets(*cobra.Command, []string) error {
	for _, n := range presetNames() {
		b, err := presetFiles.ReadFile("presets/" + n + ".yaml")
		if err != nil {
			return err
		}
		first, _, _ := strings.Cut(string(b), "\n")
		fmt.Fprintf(a.stdout, "%-24s %s\n", n, strings.TrimPrefix(first, "# "))
	}
	return nil
}
