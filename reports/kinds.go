package reports

import (
	"fmt"
	"io"
	"slices"

	"gonum.org/v1/plot/vg"

	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// TableKind is a named kind of table and what draws it. A new one is a value in
// a file of package tables and a line in its All.
type TableKind struct {
	// Name is that of the command line, Doc a line for people, without capital
	// and period.
	Name, Doc string
	// Draw gives the tables, the most important first, none where the results
	// have nothing for them. The set is read only; names are set by Tables.
	Draw func(*Set) []table.Table
}

// Tables draws the tables of the kind, with its name on each.
func (k TableKind) Tables(s *Set) []table.Table {
	ts := k.Draw(s)
	for i := range ts {
		ts[i].Name, ts[i].Stamp = k.Name, s.Options.Fingerprint
		if s.canariesOff() {
			ts[i].Notes = append(ts[i].Notes, noCanaries)
		}
	}
	return ts
}

// TablesOf draws several kinds one after the other.
func TablesOf(s *Set, ks []TableKind) []table.Table {
	var out []table.Table
	for _, k := range ks {
		out = append(out, k.Tables(s)...)
	}
	return out
}

// PerPanel draws each panel of a set by itself.
func PerPanel[T any](draw func(*Set, Panel) []T) func(*Set) []T {
	return func(s *Set) []T { return each(s, s.Panels, draw) }
}

// PerCost is PerPanel of one panel of those that have the same traces, for what
// no attack changes: panels that differ in the task alone.
func PerCost[T any](draw func(*Set, Panel) []T) func(*Set) []T {
	return func(s *Set) []T {
		seen := map[Panel]bool{}
		return each(s, slices.DeleteFunc(slices.Clone(s.Panels), func(p Panel) bool {
			p.Task = ""
			again := seen[p]
			seen[p] = true
			return again
		}), draw)
	}
}

func each[T any](s *Set, ps []Panel, draw func(*Set, Panel) []T) []T {
	var out []T
	for _, p := range ps {
		out = append(out, draw(s, p)...)
	}
	return out
}

// FigureKind is a named kind of figure; its fields mean what those of TableKind
// do. A new one is a value in a file of package figures and a line in its All.
type FigureKind struct {
	Name, Doc string
	Draw      func(*Set) []figure.Figure
}

// Figures draws the figures of the kind. A panic is an error that names it: what
// one picture cannot draw must not cost the tables, nor what was computed.
func (k FigureKind) Figures(s *Set) (fs []figure.Figure, err error) {
	defer recovered("figure "+k.Name, &err)
	return k.Draw(s), nil
}

// Draw writes a figure as Figure.Write does; a panic is an error here too.
func Draw(w io.Writer, f figure.Figure, format figure.Format, width vg.Length) (err error) {
	defer recovered("picture "+f.Name, &err)
	return f.Write(w, format, width)
}

// recovered makes of a panic, when deferred, an error about what was drawn.
func recovered(what string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: panic: %v", what, p)
	}
}
