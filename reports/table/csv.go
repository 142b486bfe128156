package table

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeCSV writes numbers at full precision. Tables are separated by an empty
// line and headed by a comment with their titles when there are several. A stamp is
// a comment too.
func writeCSV(w io.Writer, ts []Table) error {
	for i, t := range ts {
		if len(ts) > 1 {
			sep := "\n"
			if i == 0 {
				sep = ""
			}
			if _, err := fmt.Fprintf(w, "%s# %s\n", sep, Plain(t.Title)); err != nil {
				return err
			}
		}
		if err := t.writeCSV(w); err != nil {
			return err
		}
	}
	return nil
}

func (t Table) writeCSV(w io.Writer) error {
	if t.Stamp != "" {
		if _, err := fmt.Fprintf(w, "# %s\n", Plain(t.Stamp)); err != nil {
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
	if err := c.Write(GuardCSV(head)); err != nil {
		return err
	}

	for _, row := range t.Rows {
		var cells []string
		for k, v := range row {
			cells = append(cells, v.csv())
			switch {
			case t.Columns[k].Interval && v.HasInterval:
				cells = append(cells, Full(v.Lo), Full(v.Hi))
			case t.Columns[k].Interval: // every row has as many cells as the head
				cells = append(cells, "", "")
			}
		}
		if err := c.Write(GuardCSV(cells)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func (v Value) csv() string {
	if v.OK {
		return Full(v.Num)
	}
	return v.Text
}

// GuardCSV makes cells harmless, in place, and returns them: a spreadsheet runs
// text that begins with one of = + - @ as a formula, and names are whatever a
// label file or a capture says. Such text gets an apostrophe in front, and so
// does what begins with one, so that a program gets every name back by dropping
// one apostrophe. Numbers stay as they are. Control characters are replaced.
func GuardCSV(cells []string) []string {
	for i, c := range cells {
		cells[i] = Plain(c)
		if c == "" || !strings.Contains("=+-@'\t\r\n", c[:1]) {
			continue
		}
		if _, err := strconv.ParseFloat(c, 64); err != nil {
			cells[i] = "'" + cells[i]
		}
	}
	return cells
}
