package runs

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/attacks"
	"veilbench/bench/cli/command"
	"veilbench/bench/results"
	"veilbench/datasets/cite"
	"veilbench/datasets/home"
	"veilbench/datasets/published"
	"veilbench/defenses"
	"veilbench/reports"
)

func citeCommand(a *command.App) *cobra.Command {
	var show command.Show
	cmd := &cobra.Command{
		Use:   "cite DIR",
		Short: "bibliography of the defenses, attacks and data used in a run, for BibTeX",
		Long: `Cite prints BibTeX entries of what the results below DIR rest on: the publications of each defense
and attack that was used, of the data, the data themselves with the start of their SHA-256, and the
program. Comments say which entry stands for what, and what an author has to add: a field that is not
known for sure is left out.`,
		Example: "  veilbench cite runs/camera-ready > veilbench.bib",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return writeBibliography(a, args[0], show) },
	}
	show.AddJSON(cmd.Flags())
	return cmd
}

// writeBibliography prints one entry for each work that a plug-in or a data set of the run
// names, behind a list of who names it.
func writeBibliography(a *command.App, dir string, show command.Show) error {
	run, err := openRun(a, dir)
	if err != nil {
		return err
	}
	b := bibliographyOf(a, run)
	if show.JSON {
		return show.Print(a, b.list(), "")
	}
	return b.write(a.Stdout)
}

// bibliographyOf is what the results of a run rest on.
func bibliographyOf(a *command.App, run results.Run) *bibliography {
	var defs, atts, data []string
	for _, r := range run.Results {
		defs, atts, data = append(defs, r.Cell.Defense), append(atts, r.Cell.Attack), append(data, r.Cell.Dataset)
	}
	b := &bibliography{uses: map[string][]string{}}
	b.add("the program", "", []cite.Work{program(command.Version(), command.BuildOf().Module)})

	// A plug-in that this program does not have is passed over: a vendor's own was
	// run by another program.
	for _, id := range distinct(defs) {
		for part := range strings.SplitSeq(id, "+") {
			if d, err := defenses.Parse(a.Defenses, part); err == nil {
				i := d.Info()
				b.add("defense "+defenses.Label(a.Defenses, d), i.Cite, i.Works)
			}
		}
	}
	for _, id := range distinct(atts) {
		if at, err := attacks.Parse(a.Attacks, id); err == nil {
			i := at.Info()
			b.add("attack "+attacks.Label(a.Attacks, at), i.Cite, i.Works)
		}
	}

	var m results.Manifest // folders of older runs have none
	if run.Manifest != nil {
		m = *run.Manifest
	}
	for _, name := range distinct(data) {
		b.data(name, m)
	}

	return b
}

// write writes all of it for BibTeX.
func (b *bibliography) write(w io.Writer) error {
	fmt.Fprintf(w, "%% What this run rests on. Entries follow in the order of their keys.\n%s", strings.Join(distinct(b.lines), ""))
	return cite.Write(w, b.works)
}

// program is the work that this program is, of a version. The path of its module is
// its address where it has a host (make rename gives it one).
func program(version, module string) cite.Work {
	w := cite.Of("veilbench")[0]
	w.Note = "Version " + version + ". Apache License 2.0"
	if host, _, _ := strings.Cut(module, "/"); strings.Contains(host, ".") {
		w.URL = "https://" + module
	}
	return w
}

// bibliography collects works, and a line on each thing that they stand for.
type bibliography struct {
	works []cite.Work
	lines []string
	uses  map[string][]string // by the key of a work
}

// cited is a work in JSON: its key, a line for people, its entry, and what it stands
// for in the run.
type cited struct {
	Key    string   `json:"key"`
	Text   string   `json:"text"`
	BibTeX string   `json:"bibtex"`
	For    []string `json:"for"`
}

// list has each work once, in the order of keys.
func (b *bibliography) list() []cited {
	works := map[string]cited{}
	for _, w := range b.works {
		if _, ok := works[w.ID()]; !ok {
			works[w.ID()] = cited{w.ID(), w.String(), w.BibTeX(), distinct(b.uses[w.ID()])}
		}
	}
	out := []cited{}
	for _, k := range slices.Sorted(maps.Keys(works)) {
		out = append(out, works[k])
	}
	return out
}

// add notes what a plug-in comes from. One that names a publication in words
// alone gets an entry of these.
func (b *bibliography) add(what, words string, works []cite.Work) {
	if len(works) == 0 && words != "" {
		works = []cite.Work{{Key: what, Title: "{" + words + "}", Note: "Cited for the " + what}}
	}
	if len(works) == 0 {
		return
	}
	b.works = append(b.works, works...)
	b.line(what, works, words)
}

func (b *bibliography) line(what string, works []cite.Work, words string) {
	var keys []string
	for _, w := range works {
		keys = append(keys, w.ID())
		b.uses[w.ID()] = append(b.uses[w.ID()], what)
	}
	l := fmt.Sprintf("%% %s: %s", cite.Comment(what), strings.Join(keys, ", "))
	if words != "" {
		l += " (" + cite.Comment(words) + ")"
	}
	b.lines = append(b.lines, l+"\n")
}

// data notes a data set: itself, and the publications it comes from.
func (b *bibliography) data(name string, m results.Manifest) {
	// A bibliography is printed: it says nothing of the disk that a folder lay on.
	names := []string{name}
	for _, d := range m.Data {
		names = append(names, d.Name)
	}
	short := reports.DataNames(names)[name]

	// A variant of published data, NAME/PART, comes from where NAME does.
	w := cite.Work{Key: "data-" + short, Title: "{" + short + "}"}
	base, _, _ := strings.Cut(name, "/")
	works := []cite.Work{}
	if strings.HasPrefix(name, "home:") {
		w.Title = "Generated traffic of smart homes: {" + name + "}"
		works = home.Works()
	} else if e, err := published.Find(base); err == nil {
		w.Title = "{" + name + "}: " + e.Title
		works = e.Papers
		w.URL, _, _ = strings.Cut(e.Source, " ")
	}

	if i := slices.IndexFunc(m.Data, func(d results.DataEntry) bool { return d.Name == name }); i >= 0 {
		d := m.Data[i]
		w.Note = strings.TrimSpace(fmt.Sprintf("%s. SHA-256 %.16s", strings.TrimSuffix(firstUpper(d.Source), "."), d.Digest))
	}

	works = append([]cite.Work{w}, works...)
	b.works = append(b.works, works...)
	b.line("data "+short, works, "")
}

func firstUpper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// distinct returns the sorted values of v, each once.
func distinct(v []string) []string {
	slices.Sort(v)
	return slices.Compact(v)
}
