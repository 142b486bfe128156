package reports

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// grid draws the cells of t with tablewriter. Its Render loses write errors
// for some renderers, so it writes into a buffer.
func grid(t Table, r tw.Renderer, escape func(string) string, pad tw.Padding) (string, error) {
	align := make([]tw.Align, len(t.Columns))
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		align[i] = tw.AlignLeft
		if c.Num {
			align[i] = tw.AlignRight
		}
		head[i] = escape(c.Head)
	}
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Alignment:  tw.CellAlignment{PerColumn: align},
		Padding:    tw.CellPadding{Global: pad},
	}
	var b bytes.Buffer
	tb := tablewriter.NewTable(&b,
		tablewriter.WithConfig(tablewriter.Config{Header: cell, Row: cell}),
		tablewriter.WithRenderer(r),
		tablewriter.WithEastAsian(tw.Off))
	tb.Header(head)
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = escape(v.Text)
		}
		if err := tb.Append(cells); err != nil {
			return "", err
		}
	}
	if err := tb.Render(); err != nil {
		return "", err
	}
	return b.String(), nil
}

func writeText(w io.Writer, ts []Table) error {
	for i, t := range ts {
		r := renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone, Symbols: tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		})
		body, err := grid(t, r, plain, tw.Padding{Left: "", Right: "  ", Overwrite: true})
		if err != nil {
			return err
		}
		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n\n", plain(t.Title))
		for line := range strings.Lines(body) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		for _, n := range t.Notes {
			b.WriteString(wrap(plain(n), 118) + "\n")
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// wrap breaks s into lines of at most n runes where it has spaces.
func wrap(s string, n int) string {
	var b strings.Builder
	col := 0
	for i, word := range strings.Fields(s) {
		l := len([]rune(word))
		switch {
		case i > 0 && col+1+l > n:
			b.WriteString("\n  ")
			col = 2
		case i > 0:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += l
	}
	return b.String()
}

// plain drops what could steer a terminal: control characters and marks that
// turn the direction of writing.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// escapeMarkdown keeps s from being read as markup.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`,
	).Replace(plain(s))
}

func writeMarkdown(w io.Writer, ts []Table) error {
	for i, t := range ts {
		body, err := grid(t, renderer.NewMarkdown(), escapeMarkdown, tw.Padding{Left: " ", Right: " "})
		if err != nil {
			return err
		}
		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "## %s\n\n%s", escapeMarkdown(t.Title), body)
		for _, n := range t.Notes {
			fmt.Fprintf(&b, "\n- %s", escapeMarkdown(n))
		}
		if len(t.Notes) > 0 {
			b.WriteByte('\n')
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// writeCSV writes numbers at full precision. Tables are separated by an empty
// line and headed by a comment with their titles when there are several.
func writeCSV(w io.Writer, ts []Table) error {
	for i, t := range ts {
		if len(ts) > 1 {
			sep := "\n"
			if i == 0 {
				sep = ""
			}
			if _, err := fmt.Fprintf(w, "%s# %s\n", sep, plain(t.Title)); err != nil {
				return err
			}
		}
		c := csv.NewWriter(w)
		var head []string
		for _, col := range t.Columns {
			head = append(head, col.Head)
			if col.Interval {
				head = append(head, col.Head+" lower", col.Head+" upper")
			}
		}
		if err := c.Write(head); err != nil {
			return err
		}
		for _, row := range t.Rows {
			var cells []string
			for k, v := range row {
				cells = append(cells, csvCell(v))
				if !t.Columns[k].Interval {
					continue
				}
				if v.HasInterval {
					cells = append(cells, full(v.Lo), full(v.Hi))
				} else {
					cells = append(cells, "", "")
				}
			}
			if err := c.Write(cells); err != nil {
				return err
			}
		}
		c.Flush()
		if err := c.Error(); err != nil {
			return err
		}
	}
	return nil
}

func csvCell(v Value) string {
	if v.OK {
		return full(v.Num)
	}
	return v.Text
}
