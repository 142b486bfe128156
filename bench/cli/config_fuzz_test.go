package cli

import (
	"strings"
	"testing"
)

// FuzzConfig: any text is an experiment or an error that names the file, and
// what was read is resolved or refused without a panic.
func FuzzConfig(f *testing.F) {
	for _, name := range presetNames() {
		c, err := openConfig(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.file.text)
	}
	for _, s := range []string{
		"", "a", "[]", "- x", "datasets:\n  - home: {preset: [1]}\n", "published: {task: event}", "published: [[]]", "published:\n  - {task: ~}\n",
		"link: {up_mbit_s: x}", "defenses: {chain: [{chain: [none, none]}, vpn]}", "split: {a: {b: c}}", "attacks: &a [*a]", "? {a: b}\n: c", "seed: !!binary x", "draws: |\n  3\n",
		"published: {? [task] : event}", "a: b\n---\nc: d", "<<: *x", "datasets: {home: ~}",
	} {
		f.Add(s)
	}
	a := &app{Plugins: Builtin()}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConfig("file.yaml", text)
		if err == nil {
			if _, err = a.settings(c); err == nil {
				_, err = a.publishedOf(c)
			}
		}
		if err != nil && !strings.Contains(err.Error(), "file.yaml") {
			t.Errorf("%q: the error names no file: %v", text, err)
		}
	})
}

// FuzzBudget: any text is a budget or an error that names the file.
func FuzzBudget(f *testing.F) {
	for _, s := range []string{"", "advantage: 0.2", "advantage: {events: 20 %, device: 1}\noverhead: 50 %\ndelay_p95: 50ms\ngb_per_month: 20\nrise: 0", "defense: {vpn: {kind: wireguard}}", "overhead: [1]", "rise: .nan", "advantage: ~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := parseBudget("file.yaml", text); err != nil && !strings.Contains(err.Error(), "file.yaml") {
			t.Errorf("%q: the error names no file: %v", text, err)
		}
	})
}
