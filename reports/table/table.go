// Package table draws tables for people and for papers: values go in, text,
// Markdown, LaTeX, CSV or HTML comes out. It knows no result and no metric, and
// imports nothing of this module.
//
// A Value carries what is printed and, apart from it, the number behind it:
// people read the rounded text (format.go holds the roundings), CSV and sorting
// use the number.
package table

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table is rows of values with what must be known to read them.
type Table struct {
	// Name labels the table in LaTeX, Title is the heading.
	Name, Title string
	// Columns head the values of each row; there are as many of both.
	Columns []Column
	Rows    [][]Value
	// Notes stand under the table, in order: what is estimated, stamps,
	// warnings. One that begins with InFull is folded away in HTML.
	Notes []string
	// Stacked says that LaTeX sets the interval of a value below it, in smaller type: so
	// a page has room for twice as many columns.
	Stacked bool
	// Stamp says which results the table is of. It is the last note, in CSV a comment
	// at the top. A Fragment leaves it out, for a page has it once.
	Stamp string
}

// stamped are the notes with the stamp, in a slice of their own.
func (t Table) stamped() []string {
	if t.Stamp == "" {
		return slices.Clone(t.Notes)
	}
	return slices.Concat(t.Notes, []string{t.Stamp})
}

// InFull begins the note that says what short names stand for, each as "name = ID",
// with InFullSep between them.
const (
	InFull    = "In full: "
	InFullSep = "; "
)

// Column is the head of a column.
type Column struct {
	Head string
	// Over begins the heads of columns side by side, before ": ". LaTeX sets it once,
	// over all of them.
	Over string
	// Num aligns to the right and, in HTML, sorts by number.
	Num bool
	// Interval adds columns for lower and upper bound to CSV.
	Interval bool
}

// Columns are columns of text, of numbers where a head begins with "#", and of
// numbers with intervals where it begins with "±"; these are no part of it.
func Columns(heads ...string) []Column {
	out := make([]Column, len(heads))
	for i, h := range heads {
		out[i].Head, out[i].Interval = strings.CutPrefix(h, "±")
		if out[i].Num = out[i].Interval; !out[i].Interval {
			out[i].Head, out[i].Num = strings.CutPrefix(h, "#")
		}
	}
	return out
}

// Value is a cell of a table.
type Value struct {
	// Text is what is printed.
	Text string
	// Num is the number behind Text at full precision, if OK.
	Num float64
	OK  bool
	// Lo and Hi bound Num if HasInterval.
	Lo, Hi      float64
	HasInterval bool
	// Bad is set where something failed; HTML makes it stand out. Doubt is set where
	// the number says less than it seems to: figures leave it out.
	Bad, Doubt bool
	// Strong is set of what a reader should see first: bold but in
	// CSV, JSON and text that is no terminal's.
	Strong bool
	// Under stands below Text and Tip is shown to who points at it, in HTML alone.
	Under, Tip string
}

// Word is a cell without a number behind it.
func Word(s string) Value { return Value{Text: s} }

// Number is v as format prints it.
func Number(v float64, format func(float64) string) Value {
	return Value{Text: format(v), Num: v, OK: true}
}

// Count is a number of things.
func Count[T int | int64](n T) Value { return Number(float64(n), Amount) }

// Failed is a cell that stands out, for what went wrong.
func Failed(s string) Value { return Value{Text: s, Bad: true} }

// Verdict is a cell that says pass or FAIL.
func Verdict(ok bool) Value {
	if ok {
		return Word("pass")
	}
	return Failed("FAIL")
}

// Missing marks what was not computed.
func Missing() Value { return Word("–") }

// NotApplicable marks what cannot be computed from the results that there are.
func NotApplicable() Value { return Word("n/a") }

// Within returns v with an interval, which text writes behind the number.
func (v Value) Within(lo, hi float64, text string) Value {
	v.Lo, v.Hi, v.HasInterval = lo, hi, true
	v.Text += " " + text
	return v
}

// Format is a file format of tables.
type Format string

// Formats that Write knows.
const (
	Text     Format = "text"
	Markdown Format = "markdown"
	LaTeX    Format = "latex"
	CSV      Format = "csv"
	HTML     Format = "html"
	JSON     Format = "json"
)

// Write writes tables one after the other. LaTeX is a file that compiles by
// itself and can be read by \input too; HTML is a fragment for each table
// without a page around it. Errors are those of w, and a format that is none.
func Write(w io.Writer, f Format, ts []Table) error {
	writers := map[Format]func(io.Writer, []Table) error{Text: writeText, Markdown: writeMarkdown, LaTeX: writeLaTeX, CSV: writeCSV, HTML: writeHTML, JSON: writeJSON}
	write, ok := writers[f]
	if !ok {
		return fmt.Errorf("no table in format %q: want %s, %s, %s, %s, %s or %s", f, Text, Markdown, LaTeX, CSV, HTML, JSON)
	}
	return write(w, ts)
}
