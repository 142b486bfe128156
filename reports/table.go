package reports

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Table is a table before it gets a form.
type Table struct {
	// Name is a word for files and flags, Title a sentence above the table.
	Name, Title string
	// Header names the columns. The first is a name and stands left, the
	// others are figures and stand right.
	Header []string
	Rows   [][]string
	// Notes stand below the table, in order. A cell refers to one by its
	// number in superscript.
	Notes []string
}

// Text is the table for a terminal.
func (t Table) Text() string {
	return t.Title + "\n\n" + t.render(renderer.NewBlueprint(tw.Rendition{
		Borders:  tw.BorderNone,
		Symbols:  tw.NewSymbols(tw.StyleLight),
		Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}, Lines: tw.Lines{ShowHeaderLine: tw.On}},
	}), func(s string) string { return s }) + notes(t.Notes, "%s %s\n")
}

// Markdown is the table with its title as a heading.
func (t Table) Markdown() string {
	escape := func(s string) string {
		return strings.ReplaceAll(html.EscapeString(s), "|", "\\|")
	}
	out := "## " + escape(t.Title) + "\n\n" + t.render(renderer.NewMarkdown(), escape)
	if n := notes(t.Notes, "- %s %s\n"); n != "" {
		out += "\n" + strings.ReplaceAll(n, "|", "\\|")
	}
	return out
}

// render fills a tablewriter. Render does not report write errors, so it goes
// to memory, where there are none.
func (t Table) render(r tw.Renderer, escape func(string) string) string {
	var b bytes.Buffer
	align := make([]tw.Align, len(t.Header))
	for i := range align {
		align[i] = tw.AlignRight
	}
	align[0] = tw.AlignLeft
	w := tablewriter.NewTable(&b,
		tablewriter.WithRenderer(r),
		tablewriter.WithConfig(tablewriter.Config{
			Header: tw.CellConfig{
				Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
				Alignment:  tw.CellAlignment{PerColumn: align},
			},
			Row: tw.CellConfig{
				Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
				Alignment:  tw.CellAlignment{PerColumn: align},
			},
		}),
		tablewriter.WithEastAsian(tw.Off),
	)
	w.Header(escapeAll(t.Header, escape))
	for _, row := range t.Rows {
		if err := w.Append(escapeAll(row, escape)); err != nil {
			panic("reports: table " + t.Name + ": " + err.Error()) // rows are slices of strings
		}
	}
	if err := w.Render(); err != nil {
		panic("reports: table " + t.Name + ": " + err.Error()) // memory takes everything
	}
	return b.String()
}

func escapeAll(row []string, escape func(string) string) []string {
	out := make([]string, len(row))
	for i, c := range row {
		out[i] = escape(c)
	}
	return out
}

func notes(ns []string, form string) string {
	var b strings.Builder
	for i, n := range ns {
		fmt.Fprintf(&b, form, superscript(i+1), n)
	}
	return b.String()
}

// superscript writes 12 as ¹².
func superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	var out []rune
	for _, d := range fmt.Sprint(n) {
		out = append(out, digits[d-'0'])
	}
	return string(out)
}

// LaTeX is the table in booktabs form, to be put into a document that loads
// that package.
func (t Table) LaTeX() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\\begin{table}\n\\centering\\small\n\\caption{%s}\n\\label{tab:%s}\n\\begin{tabular}{l%s}\n\\toprule\n",
		escapeLaTeX(t.Title), t.Name, strings.Repeat("r", len(t.Header)-1))
	line := func(cells []string) {
		b.WriteString(strings.Join(escapeAll(cells, escapeLaTeX), " & "))
		b.WriteString(" \\\\\n")
	}
	line(t.Header)
	b.WriteString("\\midrule\n")
	for _, r := range t.Rows {
		line(r)
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	for i, n := range t.Notes {
		fmt.Fprintf(&b, "\n{\\footnotesize %s %s\\par}\n", escapeLaTeX(superscript(i+1)), escapeLaTeX(n))
	}
	b.WriteString("\\end{table}\n")
	return b.String()
}

func escapeLaTeX(s string) string {
	r := strings.NewReplacer(
		`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "#", `\#`, "%", `\%`, "_", `\_`,
		"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`,
		"⁰", `\textsuperscript{0}`, "¹", `\textsuperscript{1}`, "²", `\textsuperscript{2}`, "³", `\textsuperscript{3}`,
		"⁴", `\textsuperscript{4}`, "⁵", `\textsuperscript{5}`, "⁶", `\textsuperscript{6}`, "⁷", `\textsuperscript{7}`,
		"⁸", `\textsuperscript{8}`, "⁹", `\textsuperscript{9}`, "–", "--", "±", `$\pm$`, "×", `$\times$`,
	)
	return r.Replace(s)
}
