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
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Paper is one table for each task and place, over all data sets: what each attack
// learns behind each defense, the worst attack of a row in bold.
var Paper = reports.TableKind{
	Name: "paper", Doc: "one table over data sets: every attack on every defense, the worst in bold, with its interval",
	Draw: func(s *reports.Set) []table.Table {
		type about struct {
			task    datasets.Task
			vantage datasets.Vantage
			within  bool
		}
		var order []about
		panels := map[about][]reports.Panel{}
		for _, p := range s.Panels {
			k := about{p.Task, p.Vantage, p.Split.Within()} // never in one table
			if panels[k] == nil {
				order = append(order, k)
			}
			panels[k] = append(panels[k], p)
		}

		names := shortNames(s)
		var out []table.Table
		for _, k := range order {
			if t := paperTable(s, panels[k], names); len(t.Rows) > 0 {
				out = append(out, t)
			}
		}
		return out
	},
}

// paperTable is about panels that differ in the data set alone.
func paperTable(s *reports.Set, ps []reports.Panel, names map[string]string) table.Table {
	// What of several attacks is in a column must be of one for all data sets, so one
	// that a data set was not tried with has a column there too.
	var attacks []string
	for _, p := range ps {
		for _, a := range s.Attackers[p] {
			if !s.Control[a.Attack] && !slices.Contains(attacks, a.Attack) {
				attacks = append(attacks, a.Attack)
			}
		}
	}
	t := table.Table{
		Title: fmt.Sprintf("What each attack learns of %s, seen %s: advantage over guessing on %s",
			reports.TaskName(ps[0].Task), reports.WhereName(ps[0].Vantage), reports.Plural(len(ps), "data set")),
		Columns: table.Columns("data", "defense"),
		Grouped: true,
	}
	for _, a := range attacks {
		t.Columns = append(t.Columns, table.Column{Head: s.Label(a), Num: true})
	}
	t.Columns = append(t.Columns, table.Columns("±worst attack", "#groups", "#bytes")...)

	var marks marks
	for _, p := range ps {
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			m, ok := s.Summaries[at]
			if !ok {
				continue // controls alone
			}
			row := []table.Value{table.Word(names[p.Dataset]), table.Word(s.DefenseLabel(d))}
			for _, a := range attacks {
				row = append(row, attackValue(s, at, a, &marks))
			}
			t.Rows = append(t.Rows, append(row, worst(s, at, &marks), table.Count(m.Groups), s.Costs(at).Bytes()))
		}
	}

	t.Notes = append(marks.lines(), fmt.Sprintf("Bold: the worst attack of the row. Each figure is the better of what the attack learns knowing the defense and not knowing it. The interval (%.0f %%) is of the worst attack, whichever it is, over test groups.", 100*results.Level))
	t.Notes = append(t.Notes, stamps(s, ps, names)...)
	t.Notes = append(t.Notes, s.IDNotes(s.DefensesOf(ps), attacks)...)
	return t
}

// stamps are those of the panels, one line for all data sets that share one.
func stamps(s *reports.Set, ps []reports.Panel, names map[string]string) []string {
	var generated, within []string
	for _, p := range ps {
		if s.Generated[p.Dataset] {
			generated = append(generated, names[p.Dataset])
		}
		if p.Split.Within() {
			within = append(within, names[p.Dataset])
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

// attackValue is the advantage of one attack on a defense, the best of all that it
// may know.
func attackValue(s *reports.Set, at reports.Subject, attack string, n *marks) table.Value {
	m := s.Summaries[at]
	var best, reason *results.Reached
	for i, r := range m.Reached {
		switch {
		case r.Attack != attack:
		case !r.Evidence.OK():
			reason = &m.Reached[i]
		case best == nil || reach(s, at, r) > reach(s, at, *best):
			best = &m.Reached[i]
		}
	}
	switch {
	case best == nil && reason == nil:
		if slices.ContainsFunc(s.Attackers[at.Panel], func(a reports.Attacker) bool { return a.Attack == attack }) {
			return table.Failed("failed")
		}
		return table.Missing()
	case best == nil:
		return table.Word("n/e" + n.of(reports.Doubt(reason.Evidence)))
	}

	// The headline's own figure, to the last digit: two sums of the same groups differ.
	if attack == m.Attack {
		v := table.Number(m.Advantage, table.Score)
		v.Strong = m.Advantage > 0
		return v
	}
	return table.Number(reach(s, at, *best), table.Score)
}

// reach is the advantage of one attacker as the headline counts it, cut to 0 to 1:
// the mean over groups, or that of the mean score where groups are no sample.
func reach(s *reports.Set, at reports.Subject, r results.Reached) float64 {
	m := s.Summaries[at]
	if m.Within || m.Groups < 2 {
		k := reports.Pair{Panel: at.Panel, Defense: at.Defense, Attacker: reports.Attacker{Attack: r.Attack, Knowledge: r.Knowledge}}
		if r.Knowledge == results.Transfer {
			k.TrainDefense = r.TrainDefense
		}
		return s.Gain(k).Num
	}
	var v []float64
	for _, x := range r.ByGroup {
		v = append(v, x)
	}
	slices.Sort(v) // a sum in a map's order would differ from run to run
	return min(max(stats.Mean(v), 0), 1)
}

// worst is the advantage of the best attack with its interval, and what is to be
// known about it.
func worst(s *reports.Set, at reports.Subject, n *marks) table.Value {
	m := s.Summaries[at]
	if m.Attack == "" || m.Failed == m.Cells {
		return table.Failed("failed")
	}
	if m.NoEvidence != "" {
		return table.Word(reports.NoEvidence + n.of("nothing is known about the defense, for "+m.NoEvidence.Text()))
	}

	// A figure without an interval, and a zero, say what they rest on: print has no
	// tooltip.
	v := table.Number(m.Advantage, table.Score)
	if m.HasInterval {
		v = v.Within(m.Lo, m.Hi, reports.BoundsOf(m))
		if m.Hi == 0 {
			v.Text += n.of("≤0: even the upper limit is not above the floor")
		}
	} else {
		v.Text += n.of("too few test groups for an interval, or a split within them")
	}
	if m.Advantage == 0 {
		v.Text += n.of("at the floor, and the defense explains it: the attack works without the defense and finds the canaries behind it")
	}
	if m.HasInterval && m.Edge {
		v.Text += n.of("few groups, and nearly all alike: the interval may be too short")
	}
	if m.Failed > 0 {
		v.Text += n.of("some cells failed: a better attack may be missing")
	}
	return v
}

// marks are the footnotes of a table, in the order in which cells first need them.
type marks []string

// of is the sign of a footnote.
func (n *marks) of(line string) string {
	i := slices.Index(*n, line)
	if i < 0 {
		i = len(*n)
		*n = append(*n, line)
	}
	return " " + sign(i)
}

func (n marks) lines() []string {
	var out []string
	for i, line := range n {
		out = append(out, sign(i)+" "+line)
	}
	return out
}

// sign is a superscript digit, which LaTeX and terminals have. There are fewer kinds
// of footnotes than digits.
func sign(i int) string { return string([]rune("¹²³⁴⁵⁶⁷⁸⁹")[min(i, 8)]) }
