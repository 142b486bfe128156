package table

import (
	"encoding/json"
	"io"
)

// A table as JSON: texts as people read them, and the numbers behind them at full
// precision.
type (
	jsonTable struct {
		Name    string        `json:"name,omitempty"`
		Title   string        `json:"title,omitempty"`
		Columns []string      `json:"columns"`
		Rows    [][]jsonValue `json:"rows"`
		Notes   []string      `json:"notes,omitempty"`
		Stamp   string        `json:"stamp,omitempty"`
	}
	jsonValue struct {
		Text  string   `json:"text"`
		Value *float64 `json:"value,omitempty"`
		Lower *float64 `json:"lower,omitempty"`
		Upper *float64 `json:"upper,omitempty"`
		Bad   bool     `json:"bad,omitempty"`
	}
)

// writeJSON writes one list of all tables.
func writeJSON(w io.Writer, ts []Table) error {
	out := make([]jsonTable, len(ts))
	for i, t := range ts {
		j := jsonTable{Name: t.Name, Title: t.Title, Columns: make([]string, len(t.Columns)), Rows: make([][]jsonValue, len(t.Rows)), Notes: t.Notes, Stamp: t.Stamp}
		for k, c := range t.Columns {
			j.Columns[k] = c.Head
		}

		// JSON has no number for infinity, so what no decimal can say is a text alone.
		for n, row := range t.Rows {
			for _, v := range row {
				x := jsonValue{Text: v.Text, Bad: v.Bad}
				if v.OK {
					x.Value = number(v.Num)
				}
				if v.HasInterval {
					x.Lower, x.Upper = number(v.Lo), number(v.Hi)
				}
				j.Rows[n] = append(j.Rows[n], x)
			}
		}
		out[i] = j
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// number is v where JSON can say it, else nil.
func number(v float64) *float64 {
	if v-v != 0 { // infinite, or none
		return nil
	}
	return &v
}
