package gridfile

import (
	"strings"
	"testing"

	allattacks "veilbench/attacks/builtin"
	"veilbench/bench/cli/command"
	alldefenses "veilbench/defenses/builtin"
)

func own() command.Plugins {
	return command.Plugins{Defenses: alldefenses.All(), Attacks: allattacks.All()}
}

// FuzzConfig: any text is an experiment or an error that names the file, and
// what was read is resolved or refused without a panic.
func FuzzConfig(f *testing.F) {
	for _, name := range presetNames() {
		c, err := Open(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.file.Text)
	}
	for _, s := range []string{
		"", "a", "[]", "- x", "datasets:\n  - home: {preset: [1]}\n", "published: {task: event}", "published: [[]]", "published:\n  - {task: ~}\n",
		"link: {up_mbit_s: x}", "defenses: {chain: [{chain: [none, none]}, vpn]}", "split: {a: {b: c}}", "attacks: &a [*a]", "? {a: b}\n: c", "seed: !!binary x", "draws: |\n  3\n",
		"published: {? [task] : event}", "a: b\n---\nc: d", "<<: *x", "datasets: {home: ~}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("file.yaml", text)
		if err == nil {
			if _, err = c.settings(own()); err == nil {
				_, err = c.Published(own())
			}
		}
		if err != nil && !strings.Contains(err.Error(), "file.yaml") {
			t.Errorf("%q: the error names no file: %v", text, err)
		}
	})
}
