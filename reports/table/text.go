package table

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// lineWidth is how wide notes are set: terminals have 120 columns or wrap.
const lineWidth = 118

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

	// Left to itself the library sets heads in capitals, breaks long cells, and
	// takes some signs for two columns wide.
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

// writeText writes for a terminal: no frames, an empty line between tables.
func writeText(w io.Writer, ts []Table) error {
	for i, t := range ts {
		r := renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone, Symbols: tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		})
		body, err := grid(t, r, Plain, tw.Padding{Left: "", Right: "  ", Overwrite: true})
		if err != nil {
			return err
		}

		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n\n", Plain(t.Title))
		// The padding of the last column would be blanks at the end of each line.
		for line := range strings.Lines(body) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		for _, n := range t.Notes {
			b.WriteString(wrap(Plain(n), lineWidth) + "\n")
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// wrap breaks s into lines of at most n runes where it has spaces. Lines after
// the first begin two columns further in, so that notes can be told apart.
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

// Plain drops what could steer a terminal: control characters and marks that
// turn the direction of writing. Names of defenses come from configurations.
func Plain(s string) string {
	// Nearly all there is to print is letters of this kind, and a table of all cells
	// has a million of such texts.
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s
	}
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
