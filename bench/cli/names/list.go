package names

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"veilbench/bench/cli/command"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/reports/table"
)

// listFlags are those of "veilbench list".
type listFlags struct {
	task, vantage string
	bibtex        bool
	show          command.Show
}

// List is "veilbench list": every name that other commands take.
func List(a *command.App) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list [KIND] [NAME|WORD...]",
		Short: "list what can be named: " + strings.Join(texts(kinds()), ", "),
		Long: `List shows the names of a kind: ` + strings.Join(texts(kinds()), ", ") + `.
A NAME is shown in full: what it is, its parameters with their defaults and the values that they may
have, which tasks and vantage points it is for, and its citation. Words that are no name leave those
entries that have all of them; --task and --vantage leave those that answer a task or can be shown from
a vantage point. With --json an entry has all of that, with --bibtex only its publications are printed.`,
		Example: `  veilbench list attacks --task event
  veilbench list defenses padding
  veilbench list event-knn
  veilbench list vpn --json
  veilbench list pad-random signatures --bibtex >> paper.bib`,
		Args: command.Args(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f == (listFlags{}) {
				return cmd.Help()
			}
			if err := command.Refuse(cmd.Flags(), command.Idle{Here: f.bibtex, Unless: "without --bibtex", Flags: []string{"json"}}); err != nil {
				return err
			}
			return list(a, f, args)
		},
	}

	// The names of flags are those of run, so that what is found can be typed there.
	fl := cmd.Flags()
	fl.StringVar(&f.task, "task", "", "only what is for this task")
	fl.StringVar(&f.vantage, "vantage", "", "only what can be shown from, or hides from, this vantage point")
	fl.BoolVar(&f.bibtex, "bibtex", false, "print the publications alone, for BibTeX")
	f.show.AddJSON(fl)
	return cmd
}

func list(a *command.App, f listFlags, args []string) error {
	chosen, words := kinds(), args
	if len(args) > 0 && slices.Contains(chosen, kind(args[0])) {
		chosen, words = []kind{kind(args[0])}, args[1:]
	}
	if f.task != "" && !slices.Contains(datasets.Tasks(), datasets.Task(f.task)) {
		return command.UnknownName("task", f.task, texts(datasets.Tasks()))
	}
	if f.vantage != "" {
		v, err := datasets.ParsePlaces(f.vantage)
		if err != nil {
			return err
		}
		f.vantage = string(v)
	}

	// A name may be of several kinds, as "routine" is: all of them are meant.
	var all []entry
	for _, k := range chosen {
		all = append(all, of(a.Plugins, k)...)
	}
	found, named := choose(all, words)
	found = slices.DeleteFunc(found, func(e entry) bool { return !f.keeps(e) })
	if len(found) == 0 {
		return nothing(all, words)
	}
	switch {
	case f.bibtex:
		return writeBibTeX(a.Stdout, found)
	case f.show.JSON:
		return f.show.Print(a, found, "")
	case named:
		return showEntries(a, found)
	}
	return showKinds(a, chosen, found)
}

// choose finds what words mean: the entries that they name, if each word is a name or
// a name's preset, else those that hold all of them.
func choose(all []entry, words []string) (found []entry, named bool) {
	if len(words) == 0 {
		return all, false
	}
	hit := map[string]bool{}
	for _, e := range all {
		for _, w := range words {
			if e.called(w) {
				hit[w] = true
				found = append(found, e)
				break
			}
		}
	}
	if len(found) > 0 && len(hit) == len(slices.Compact(slices.Sorted(slices.Values(words)))) {
		return found, true
	}
	return slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return !e.holds(words) }), false
}

// called says whether name is that of the entry, of one of its presets, or that of
// generated homes without the word in front.
func (e entry) called(name string) bool {
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "home:"), ":")
	own := strings.TrimPrefix(e.Name, "home:")
	return own == name || slices.ContainsFunc(e.Aliases, func(a alias) bool { return a.Name == name })
}

// holds says whether all words are somewhere in the entry, in any case. Titles of
// publications do not count: they are of much that has another name here.
func (e entry) holds(words []string) bool {
	e.Works = nil
	text, err := json.Marshal(e)
	if err != nil {
		return false // words and numbers always are JSON
	}
	all := strings.ToLower(string(text))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(all, strings.ToLower(w)) })
}

// keeps says whether the flags leave the entry. What hangs on neither stays out.
func (f listFlags) keeps(e entry) bool {
	return (f.task == "" || slices.Contains(e.Tasks, f.task) || e.Kind == taskKind && e.Name == f.task) &&
		(f.vantage == "" || slices.Contains(e.Vantages, f.vantage) || e.Kind == vantageKind && e.Name == f.vantage)
}

// nothing is the error for words that leave no entry.
func nothing(all []entry, words []string) error {
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
		for _, a := range e.Aliases {
			names = append(names, a.Name)
		}
	}
	text := strings.Join(words, " ")
	return fmt.Errorf("nothing that the flags leave is named %q or holds these words%s (\"veilbench list %s\" shows what there is)",
		text, params.DidYouMean(text, names), strings.Join(texts(kinds()), "|"))
}

// showKinds writes a table for each kind.
func showKinds(a *command.App, chosen []kind, found []entry) error {
	var ts []table.Table
	for _, k := range chosen {
		t := table.Table{Columns: heads(k)}
		for _, e := range found {
			if e.Kind != k {
				continue
			}
			t.Rows = append(t.Rows, e.row())
			for _, p := range e.Aliases { // only defenses have them
				t.Rows = append(t.Rows, words(p.Name, "preset of "+e.Name+": "+p.Doc, "", ""))
			}
		}
		if len(t.Rows) == 0 {
			continue
		}
		if len(chosen) > 1 {
			t.Title = string(k)
		}
		ts = append(ts, t)
	}
	return a.Tables(table.Text, command.Show{}, ts...)
}

// heads are the columns of a list; a row of each kind has as many cells.
func heads(k kind) []table.Column {
	switch k {
	case defenseKind:
		return table.Columns("defense", "what", "sits at, needs", "parameters")
	case attackKind:
		return table.Columns("attack", "what", "tasks", "parameters")
	case datasetKind:
		return table.Columns("data set", "what", "tasks", "parameters")
	case presetKind:
		return table.Columns("preset", "what", "tasks")
	}
	return table.Columns(strings.TrimSuffix(string(k), "s"), "what")
}

func (e entry) row() []table.Value {
	var set []string
	for _, p := range e.Params {
		set = append(set, p.Key+"="+p.Default)
	}
	switch e.Kind {
	case defenseKind:
		return words(e.Name, e.Doc, strings.Join(append([]string{e.Place}, e.Needs...), ", "), strings.Join(set, " "))
	case attackKind, datasetKind:
		return words(e.Name, e.Doc, strings.Join(e.Tasks, ", "), strings.Join(set, " "))
	case presetKind:
		return words(e.Name, e.Doc, strings.Join(e.Tasks, ", "))
	}
	return words(e.Name, e.Doc)
}

func words(s ...string) []table.Value {
	out := make([]table.Value, len(s))
	for i := range s {
		out[i] = table.Word(s[i])
	}
	return out
}

// showEntries writes entries one by one with all that is known of them.
func showEntries(a *command.App, found []entry) error {
	for i, e := range found {
		if i > 0 {
			fmt.Fprintln(a.Stdout)
		}
		if err := a.Tables(table.Text, command.Show{}, e.tables()...); err != nil {
			return err
		}

		// A preset stands as a file to begin from. To BibTeX a line break is a blank.
		if e.yaml != "" {
			fmt.Fprint(a.Stdout, "\n"+e.yaml)
		}
		for _, w := range e.Works {
			fmt.Fprint(command.Folded(a.Stdout), "\n"+w.BibTeX)
		}
	}
	return nil
}

// tables are the facts of an entry under its name, its parameters and its presets.
func (e entry) tables() []table.Table {
	// The head of the first is what the entry is called and is: it stands out.
	facts := table.Table{Columns: table.Columns(e.Name, e.Doc)}
	for _, r := range [][2]string{
		{"is", e.is()},
		{"use", e.Use},
		{"tasks", strings.Join(e.Tasks, ", ")},
		{e.seenFrom(), strings.Join(e.Vantages, ", ")},
		{"needs", strings.Join(e.Needs, ", ")},
		{"cite", e.Cite},
	} {
		if r[1] != "" {
			facts.Rows = append(facts.Rows, words(r[0], r[1]))
		}
	}
	ts := []table.Table{facts}

	ps := table.Table{Columns: table.Columns("parameter", "default", "values", "what")}
	for _, p := range e.Params {
		ps.Rows = append(ps.Rows, words(p.Key, p.Default, p.Values, p.Doc))
	}
	as := table.Table{Columns: table.Columns("preset", "what")}
	for _, p := range e.Aliases {
		as.Rows = append(as.Rows, words(p.Name, p.Doc))
	}
	for _, t := range []table.Table{ps, as} {
		if len(t.Rows) > 0 {
			ts = append(ts, t)
		}
	}
	return ts
}

// is says of what kind the entry is, in the words of people.
func (e entry) is() string {
	switch {
	case e.Kind == defenseKind:
		return "a defense at the " + e.Place
	case e.Control:
		return "a control: it sets the floor of an attack and is never the best one"
	case e.Kind == attackKind:
		return "an attack"
	case e.Kind == datasetKind:
		return "a data set"
	case e.Kind == presetKind:
		return "an experiment that comes with the program"
	case e.Kind == taskKind:
		return "a task"
	}
	return "a vantage point"
}

func (e entry) seenFrom() string {
	if e.Kind == defenseKind {
		return "hides from"
	}
	return "seen from"
}

// writeBibTeX writes the works of all entries, each once.
func writeBibTeX(w io.Writer, found []entry) error {
	done := map[string]bool{}
	for _, e := range found {
		for _, x := range e.Works {
			if done[x.Key] {
				continue
			}
			if _, err := io.WriteString(w, x.BibTeX); err != nil {
				return err
			}
			done[x.Key] = true
		}
	}
	if len(done) == 0 {
		return fmt.Errorf("--bibtex: none of these names a publication")
	}
	return nil
}
