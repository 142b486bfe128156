package table

import (
	"encoding/csv"
	"fmt"
	"io"
)

// writeCSV writes numbers at full precision. Tables are separated by an empty
// line and headed by a comment with their titles when there are several.
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
			cells = append(cells, v.csv())
			switch {
			case t.Columns[k].Interval && v.HasInterval:
				cells = append(cells, Full(v.Lo), Full(v.Hi))
			case t.Columns[k].Interval: // every row has as many cells as the head
				cells = append(cells, "", "")
			}
		}
		if err := c.Write(cells); err != nil {
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
