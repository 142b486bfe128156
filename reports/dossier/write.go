package dossier

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"veilbench/reports/table"
)

//go:embed dossier.tmpl
var source string

var page = template.Must(template.New("dossier").Funcs(template.FuncMap{"plain": table.Plain, "notes": notes}).Parse(source))

// notes are those of a table without the names in full, which the scope has once.
func notes(t table.Table) []string {
	var out []string
	for _, n := range t.Notes {
		if !strings.HasPrefix(n, table.InFull) {
			out = append(out, n)
		}
	}
	return out
}

// WriteHTML writes one file that needs nothing beside it and prints on A4 and on
// letter paper. Cells of tables to edit can be typed into.
func (d Document) WriteHTML(w io.Writer) error { return page.Execute(w, d) }

// WriteMarkdown writes the same for an editor.
func (d Document) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", table.EscapeMarkdown(d.Title), table.EscapeMarkdown(d.Under))
	for _, s := range d.Sections {
		fmt.Fprintf(&b, "\n# %s\n", table.EscapeMarkdown(s.Title))
		for _, p := range s.Text {
			fmt.Fprintf(&b, "\n%s\n", table.EscapeMarkdown(p))
		}
		if len(s.List) > 0 {
			b.WriteByte('\n')
		}
		for _, l := range s.List {
			fmt.Fprintf(&b, "- %s\n", table.EscapeMarkdown(l))
		}

		// Tables of this format head themselves, so that one without a title gets one.
		for _, t := range s.Tables {
			b.WriteByte('\n')
			if t.Title == "" {
				t.Title = "To be edited"
			}
			t.Notes = notes(t)
			if err := table.Write(&b, table.Markdown, []table.Table{t}); err != nil {
				return err
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
