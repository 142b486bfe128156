package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench"
)

func (a *app) citeCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "cite DIR",
		Short:   "bibliography of the defenses, attacks and data used in a run, for BibTeX",
		Example: "  veilbench cite runs/camera-ready > veilbench.bib",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return a.cite(args[0]) },
	}
}

// cite prints one entry for each plug-in that names a publication, and one for
// each data set that the manifest names a source of.
func (a *app) cite(dir string) error {
	rs, err := bench.ReadResults(dir)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, r := range rs {
		for _, id := range []string{r.Cell.Defense, r.Cell.Attack} {
			for part := range strings.SplitSeq(id, "+") {
				name, _, _ := strings.Cut(part, ":")
				used[name] = true
			}
		}
	}
	entry := func(key, title, note string) {
		fmt.Fprintf(a.stdout, "@misc{%s,\n  title = {%s},\n  note = {%s}\n}\n\n", bibKey(key), bibText(title), bibText(note))
	}
	entry("veilbench", "veilbench: a benchmark harness for traffic-analysis defenses of smart homes", version())
	for _, d := range a.Defenses {
		if i := d.Info(); used[i.Name] && i.Cite != "" {
			entry("defense-"+i.Name, i.Cite, "defense "+i.Name+": "+i.Doc)
		}
	}
	for _, at := range a.Attacks {
		if i := at.Info(); used[i.Name] && i.Cite != "" {
			entry("attack-"+i.Name, i.Cite, "attack "+i.Name+": "+i.Doc)
		}
	}
	m, err := bench.ReadManifest(dir)
	if err != nil {
		return nil // folders of older runs have none
	}
	var seen []string
	for _, d := range m.Data {
		if !slices.Contains(seen, d.Name) {
			seen = append(seen, d.Name)
			entry("data-"+d.Name, "Data set "+d.Name, strings.TrimSpace(d.Source+" SHA-256 "+d.Digest))
		}
	}
	return nil
}

// bibKey keeps what BibTeX allows in keys.
func bibKey(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, s)
}

// bibText escapes what TeX reads as markup.
func bibText(s string) string {
	return strings.NewReplacer("\\", `\textbackslash{}`, "{", `\{`, "}", `\}`, "&", `\&`, "%", `\%`, "#", `\#`, "_", `\_`, "$", `\$`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`).Replace(s)
}
