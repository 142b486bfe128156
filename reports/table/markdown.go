package table

import (
	"fmt"
	"io"
	"strings"

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
		body, err := grid(t, renderer.NewMarkdown(), EscapeMarkdown, tw.Padding{Left: " ", Right: " "})
		if err != nil {
			return err
		}

		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "## %s\n\n%s", EscapeMarkdown(t.Title), body)
		// Without the empty line before it the list would be a row of the table.
		for _, n := range t.Notes {
			fmt.Fprintf(&b, "\n- %s", EscapeMarkdown(n))
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
