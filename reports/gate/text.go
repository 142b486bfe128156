package gate

import (
	"fmt"
	"io"
	"strings"

	"veilbench/reports/table"
)

// Format is a way to write an outcome.
type Format string

// The formats. Text is for people, Markdown for a page of a pipeline's run, GitHub
// for its annotations; the others are files that other tools read.
const (
	Text     Format = "text"
	JSON     Format = "json"
	JUnit    Format = "junit"
	SARIF    Format = "sarif"
	GitHub   Format = "github"
	Badge    Format = "badge"
	Markdown Format = "markdown"
)

// Formats lists them as they are told to people.
func Formats() []Format { return []Format{Text, JSON, JUnit, SARIF, GitHub, Badge, Markdown} }

// Write writes the outcome. Errors are those of w, and a format that is none.
func (o Outcome) Write(w io.Writer, f Format) error {
	writers := map[Format]func(io.Writer) error{
		Text: o.writeText, JSON: o.writeJSON, JUnit: o.writeJUnit, SARIF: o.writeSARIF, GitHub: o.writeGitHub, Badge: o.writeBadge, Markdown: o.writeMarkdown,
	}
	write, ok := writers[f]
	if !ok {
		var names []string
		for _, f := range Formats() {
			names = append(names, string(f))
		}
		return fmt.Errorf("no gate in format %q: want %s", f, strings.Join(names, ", "))
	}
	return write(w)
}

// message is a line's finding with what to try.
func (l Line) message() string {
	if l.Try == "" {
		return l.Detail
	}
	return l.Detail + " (what to try: " + l.Try + ")"
}

func (o Outcome) writeText(w io.Writer) error {
	var b strings.Builder
	for _, l := range o.Lines {
		fmt.Fprintf(&b, "%s  %s: %s\n", l.State, l.Name, l.message())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeMarkdown writes the verdict as a heading and a table of all lines.
func (o Outcome) writeMarkdown(w io.Writer) error {
	t := table.Table{Title: o.Run + ": " + o.Verdict(), Columns: table.Columns("state", "limit", "found", "what to try")}
	for _, l := range o.Lines {
		t.Rows = append(t.Rows, []table.Value{table.Word(string(l.State)), table.Word(l.Name), table.Word(l.Detail), table.Word(l.Try)})
	}
	t.Notes = append(t.Notes, "budget "+o.Budget+"; "+o.Program)
	if o.Baseline != "" {
		t.Notes[0] += "; baseline " + o.Baseline
	}
	t.Stamp = o.Results
	return table.Write(w, table.Markdown, []table.Table{t})
}

// writeGitHub writes workflow commands, which GitHub shows at the line of the
// budget: an error for what is missed, a warning for what is open. The rest is plain
// text in the log.
func (o Outcome) writeGitHub(w io.Writer) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace

	var b strings.Builder
	for _, l := range o.Lines {
		command := ""
		switch {
		case l.State.Missed() || o.Strict && l.State.Open():
			command = "error"
		case l.State.Open() || l.State == allowed:
			command = "warning"
		}

		// The log would take a line that begins with :: for a command, and no state does.
		if command == "" {
			fmt.Fprintf(&b, "%s  %s: %s\n", l.State, l.Name, l.message())
			continue
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d,title=%s::%s\n", command, property(o.Budget), max(l.At, 1),
			property(string(l.State)+": "+l.Name), data(l.message()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeBadge writes a small picture of the verdict. The widths of its words are
// fixed, so that it looks alike whatever fonts there are.
func (o Outcome) writeBadge(w io.Writer) error {
	const left, perLetter, pad = "veilbench", 7, 12
	right, color := o.Verdict(), "#2e7d32"
	switch _, missed, open := o.Counts(); {
	case missed > 0 || o.Strict && open > 0:
		color = "#c62828"
	case open > 0:
		color = "#8a6100"
	}

	wide := func(s string) int { return perLetter*len(s) + pad }
	a, c := wide(left), wide(right)
	word := func(s string, at int) string {
		return fmt.Sprintf(`<text x="%d" y="14" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text>`, at+pad/2, perLetter*len(s), s)
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s: %s"><title>%s: %s</title>`+
		`<rect width="%d" height="20" rx="3" fill="#444"/><rect x="%d" width="%d" height="20" rx="3" fill="%s"/>`+
		`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">%s%s</g></svg>`+"\n",
		a+c, left, right, left, right, a+c, a, c, color, word(left, 0), word(right, a))
	return err
}
