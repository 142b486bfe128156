package table

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// EscapeMarkdown keeps s from being read as markup.
func EscapeMarkdown(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`,
	).Replace(Plain(s))
}

// writeMarkdown writes a heading, a table and a list of notes for each.
func writeMarkdown(w io.Writer, ts []Table) error {
	for i, t := range ts {
		body, err := grid(t)
		if err != nil {
			return err
		}

		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "## %s\n\n%s", EscapeMarkdown(t.Title), body)
		// Without the empty line before it the list would be a row of the table.
		notes := t.stamped()
		for _, n := range notes {
			fmt.Fprintf(&b, "\n- %s", EscapeMarkdown(n))
		}
		if len(notes) > 0 {
			b.WriteByte('\n')
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// grid draws the cells of t with tablewriter. Its Render loses write errors
// for some writers, so it writes into a buffer.
func grid(t Table) (string, error) {
	align := make([]tw.Align, len(t.Columns))
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		align[i] = tw.AlignLeft
		if c.Num {
			align[i] = tw.AlignRight
		}
		head[i] = EscapeMarkdown(c.Head)
	}

	// Left to itself the library sets heads in capitals, breaks long cells, and
	// takes some signs for two columns wide.
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Alignment:  tw.CellAlignment{PerColumn: align},
		Padding:    tw.CellPadding{Global: tw.Padding{Left: " ", Right: " "}},
	}
	var b bytes.Buffer
	tb := tablewriter.NewTable(&b,
		tablewriter.WithConfig(tablewriter.Config{Header: cell, Row: cell}),
		tablewriter.WithRenderer(renderer.NewMarkdown()),
		tablewriter.WithEastAsian(tw.Off))

	tb.Header(head)
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			if cells[i] = EscapeMarkdown(v.Text); v.Strong {
				cells[i] = "**" + cells[i] + "**"
			}
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
