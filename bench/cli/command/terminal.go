package command

import (
	"encoding/json"
	"io"
	"os"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"veilbench/reports/table"
)

// Show is how a command shows its results, by the flags that AddShow adds.
type Show struct {
	// JSON asks for JSON instead of text for people.
	JSON bool
	// Verbose asks for the names of defenses and attacks in full under tables.
	Verbose bool
}

// AddJSON is AddShow for commands whose results hold no name of a plug-in to shorten.
func (s *Show) AddJSON(fl *pflag.FlagSet) {
	fl.BoolVar(&s.JSON, "json", false, "print JSON, for programs")
}

// AddShow adds --json and --verbose.
func (s *Show) AddShow(fl *pflag.FlagSet) {
	s.AddJSON(fl)
	fl.BoolVar(&s.Verbose, "verbose", false, "names of defenses and attacks in full, with every parameter, under tables")
}

// AddJobs adds --jobs. Its default is a number of this machine, which help and manual say
// in words: they are the same everywhere.
func AddJobs(fl *pflag.FlagSet, jobs *int, all int) {
	fl.IntVar(jobs, "jobs", all, "how many things to do at once, by default as many as there are cores; has no influence on results")
	fl.Lookup("jobs").DefValue = "0"
}

// Tables writes tables to Stdout: as JSON where s asks for it, else in format f. Text
// is as wide as the terminal, with bold type and color; elsewhere, and where NO_COLOR
// is set or TERM is dumb, it is plain, and of one width that hangs on no machine.
func (a *App) Tables(f table.Format, s Show, ts ...table.Table) error {
	if s.JSON {
		f = table.JSON
	}
	if f != table.Text {
		return table.Write(a.Stdout, f, ts)
	}
	l := table.Layout{Brief: !s.Verbose}
	width, ok := terminal(a.Stdout)
	if !ok {
		return table.WriteText(a.Stdout, ts, l)
	}

	// An Output would take the sequences of a style for those of a hostile name.
	l.Width, l.Style = width, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return table.WriteText(Raw(a.Stdout), ts, l)
}

// Print writes text, or v as JSON where s asks for it.
func (s Show) Print(a *App, v any, text string) error {
	return s.Write(a, v, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// Write is Print of a text that is made only where it is wanted.
func (s Show) Write(a *App, v any, text func(io.Writer) error) error {
	if !s.JSON {
		return text(Folded(a.Stdout))
	}
	e := json.NewEncoder(a.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// terminal is how many columns the terminal below w has; ok is false where there is
// none.
func terminal(w io.Writer) (columns int, ok bool) {
	f, is := Raw(w).(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	return columns, err == nil && columns > 0
}
