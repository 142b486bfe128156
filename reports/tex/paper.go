// Package tex holds what the author of a paper puts into it: one table over all
// data sets (Paper), what the data and the short names in it are (Data,
// Parameters), and numbers that the text names by key instead of by digits
// (WriteMacros).
//
// The tables are kinds like those of package tables, so every format has them;
// package table knows how LaTeX sets one.
package tex

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Paper is one table over all data sets: a row for each defense, a column for each
// task, place and data set, in each cell what the worst attack learns. What is too
// large for a page of two columns is in parts.
var Paper = reports.TableKind{
	Name: "paper", Doc: "one table over data sets: the worst attack on every defense, with its interval and what it rests on",
	Draw: func(s *reports.Set) []table.Table {
		var across, within []reports.Panel // never in one table
		for _, p := range byTask(s.Panels) {
			if p.Split.Within() {
				within = append(within, p)
			} else {
				across = append(across, p)
			}
		}
		return slices.Concat(paperTables(s, across), paperTables(s, within))
	},
}

// byTask brings panels of one task, seen from one place, side by side, in the order in
// which such first come.
func byTask(ps []reports.Panel) []reports.Panel {
	var out []reports.Panel
	for i, p := range ps {
		same := func(q reports.Panel) bool { return q.Task == p.Task && q.Vantage == p.Vantage }
		if slices.IndexFunc(ps, same) < i {
			continue
		}
		for _, q := range ps[i:] {
			if same(q) {
				out = append(out, q)
			}
		}
	}
	return out
}

// What one page of a paper of two columns holds, in type that can be read.
const (
	partRows    = 20
	partColumns = 12
)

// paperTables are the parts of the table of some panels, as equal as can be. Letters of
// attacks and signs of notes mean the same in all of them; what short names stand for
// is said once, under the last.
func paperTables(s *reports.Set, ps []reports.Panel) []table.Table {
	var ds []string
	for _, d := range s.DefensesOf(ps) {
		measured := func(p reports.Panel) bool { _, ok := s.Summaries[reports.Subject{Panel: p, Defense: d}]; return ok }
		if slices.ContainsFunc(ps, measured) { // not controls alone
			ds = append(ds, d)
		}
	}
	if len(ds) == 0 {
		return nil
	}

	// A tie is bold more than once: neither data set is the better one.
	most := map[string]float64{}
	for _, d := range ds {
		for _, p := range ps {
			if m := s.Summaries[reports.Subject{Panel: p, Defense: d}]; m.NoEvidence == "" {
				most[d] = max(most[d], m.Advantage)
			}
		}
	}

	n := notes{names: shortNames(s)}
	var out []table.Table
	for cols := range slices.Chunk(ps, evenly(len(ps), partColumns)) {
		for rows := range slices.Chunk(ds, evenly(len(ds), partRows)) {
			out = append(out, n.part(s, cols, rows, most))
		}
	}

	title := fmt.Sprintf("What the worst attack learns behind each defense: advantage over guessing and %.0f %% interval, on %s", 100*results.Level, reports.Plural(sets(ps), "data set"))
	if len(places(s.Panels)) == 1 {
		title += ", seen " + reports.WhereName(ps[0].Vantage)
	}
	for i := range out {
		out[i].Title = title
		if len(out) > 1 {
			out[i].Title += fmt.Sprintf(" (part %d of %d)", i+1, len(out))
		}
		out[i].Notes = n.lines(s, ps)
	}
	last := &out[len(out)-1]
	last.Notes = append(last.Notes, s.IDNotes(ds, n.attacks)...)
	return out
}

// evenly is how many of n things are in each part, where no part has more than most.
func evenly(n, most int) int {
	parts := (n + most - 1) / most
	return (n + parts - 1) / parts
}

// sets is how many data sets some panels are of.
func sets(ps []reports.Panel) int {
	seen := map[string]bool{}
	for _, p := range ps {
		seen[p.Dataset] = true
	}
	return len(seen)
}

// places are those that panels are seen from.
func places(ps []reports.Panel) map[datasets.Vantage]bool {
	out := map[datasets.Vantage]bool{}
	for _, p := range ps {
		out[p.Vantage] = true
	}
	return out
}

// part is some rows and columns of the table, with what is most of a row in bold.
func (n *notes) part(s *reports.Set, ps []reports.Panel, ds []string, most map[string]float64) table.Table {
	t := table.Table{Columns: table.Columns("defense"), Stacked: true}
	for _, p := range ps {
		over := reports.TaskName(p.Task)
		if len(places(s.Panels)) > 1 {
			over += ", " + string(p.Vantage)
		}
		t.Columns = append(t.Columns, table.Column{Head: over + ": " + n.names[p.Dataset], Over: over, Num: true, Interval: true})
	}
	for _, d := range ds {
		row := []table.Value{table.Word(s.DefenseLabel(d))}
		for _, p := range ps {
			v := n.worst(s, reports.Subject{Panel: p, Defense: d})
			v.Strong = v.OK && v.Num > 0 && v.Num == most[d]
			row = append(row, v)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// lines are the notes of all parts but for what names stand for.
func (n *notes) lines(s *reports.Set, ps []reports.Panel) []string {
	out := []string{"A cell is of the attack that learns most there, knowing the defense or not. Bold: where the worst attack on the defense learns most. Intervals are over test groups."}
	var letters, groups []string
	for i, a := range n.attacks {
		letters = append(letters, letter(i)+" "+s.Label(a))
	}
	if letters != nil {
		out = append(out, "Attacks: "+strings.Join(letters, ", ")+".")
	}
	for i, line := range n.marks {
		out = append(out, table.Superscript(i+1)+" "+line+".")
	}

	// Data sets that were cut alike have one line.
	of := map[string][]string{}
	for _, p := range ps {
		most := 0
		for _, d := range s.Defenses[p] {
			most = max(most, s.Summaries[reports.Subject{Panel: p, Defense: d}].Groups)
		}
		k := reports.Plural(most, "test group")
		if of[k] == nil {
			groups = append(groups, k)
		}
		if name := n.names[p.Dataset]; !slices.Contains(of[k], name) {
			of[k] = append(of[k], name)
		}
	}
	for i, k := range groups {
		if len(groups) > 1 {
			groups[i] += " of " + strings.Join(of[k], ", ")
		}
	}
	out = append(out, reports.FirstUpper(strings.Join(groups, "; "))+".")
	return append(out, stamps(s, ps, n.names)...)
}

// stamps are those of the panels, one line for all data sets that share one.
func stamps(s *reports.Set, ps []reports.Panel, names map[string]string) []string {
	var generated, within []string
	for _, p := range ps {
		name := names[p.Dataset]
		if s.Generated[p.Dataset] && !slices.Contains(generated, name) {
			generated = append(generated, name)
		}
		if p.Split.Within() && !slices.Contains(within, name) {
			within = append(within, name)
		}
	}

	// Each data set was cut in a way of its own, so these have a line each.
	var out []string
	for _, p := range ps {
		if w := s.OneHome(p); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	if within != nil {
		out = append(out, "WITHIN SPLIT: of "+strings.Join(within, ", ")+" training and test share sessions; no headline.")
	}
	if generated != nil {
		out = append(out, "Generated data ("+strings.Join(generated, ", ")+"): attack and data share one model.")
	}
	return out
}

// worst is the advantage of the best attack with its letter and its interval, and the
// signs of what is to be known about it.
func (n *notes) worst(s *reports.Set, at reports.Subject) table.Value {
	m, ok := s.Summaries[at]
	switch {
	case !ok:
		return table.Missing()
	case m.Attack == "" || m.Failed == m.Cells:
		return table.Failed("failed")
	case m.NoEvidence != "":
		return table.Word("n/e" + n.mark("n/e, no evidence: nothing is known about the defense, for "+m.NoEvidence.Text()))
	}

	// A figure without an interval, and a zero, say what they rest on: print has no
	// tooltip.
	v := table.Number(m.Advantage, table.Score)
	v.Text += " " + n.letter(m.Attack)
	if !m.HasInterval {
		v.Text += n.mark("too few test groups for an interval, or a split within them")
	}
	if m.HasInterval && m.Hi == 0 {
		v.Text += n.mark("≤0: even the upper limit is not above the floor")
	}
	if m.Advantage == 0 {
		v.Text += n.mark("at the floor, and the defense explains it: the attack works without the defense and finds the canaries behind it")
	}
	if m.HasInterval && m.Edge {
		v.Text += n.mark("few groups, and nearly all alike: the interval may be too short")
	}
	if m.Failed > 0 {
		v.Text += n.mark("some cells failed: a better attack may be missing")
	}
	if m.HasInterval {
		v = v.Within(m.Lo, m.Hi, reports.BoundsOf(m))
	}
	return v
}

// notes are what stands below a table and has signs in its cells: attacks by letters,
// the rest by digits, both in the order in which cells first need them.
type notes struct {
	names   map[string]string // of data sets, in short
	attacks []string
	marks   []string
}

// mark is the sign of a footnote.
func (n *notes) mark(line string) string { return " " + table.Superscript(place(&n.marks, line)+1) }

// letter is that of an attack.
func (n *notes) letter(attack string) string { return letter(place(&n.attacks, attack)) }

// place is where a word is in a list, at its end if it was not in it.
func place(list *[]string, word string) int {
	i := slices.Index(*list, word)
	if i < 0 {
		i = len(*list)
		*list = append(*list, word)
	}
	return i
}

// letter is a to z, then a' and so on.
func letter(i int) string { return string(rune('a'+i%26)) + strings.Repeat("'", i/26) }
