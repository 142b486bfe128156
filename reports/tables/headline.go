package tables

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Headline answers the question, one table for each vantage: rows are
// defenses, columns tasks, then the cost.
var Headline = reports.TableKind{
	Name: "headline", Doc: "what the best attack still learns, and what it costs",
	Draw: func(s *reports.Set) []table.Table {
		var out []table.Table
		for _, v := range reports.Vantages() {
			var ps []reports.Panel
			for _, p := range s.Panels {
				if p.Vantage == v {
					ps = append(ps, p)
				}
			}
			if len(ps) > 0 {
				out = append(out, headlineTable(s, v, ps))
			}
		}
		return out
	},
}

func headlineTable(s *reports.Set, v datasets.Vantage, ps []reports.Panel) table.Table {
	t := table.Table{
		Title: fmt.Sprintf("What an observer %s still learns from the best attack that knows the defense (advantage over guessing, %.0f %% interval), and what it costs",
			reports.WhereName(v), 100*results.Level),
		Columns: table.Columns("defense"),
	}
	for _, p := range ps {
		head := reports.TaskName(p.Task)
		if slices.ContainsFunc(ps, func(q reports.Panel) bool { return q.Task == p.Task && q.Dataset != p.Dataset }) {
			head += ", " + p.Dataset
		}
		if p.Split.Within() {
			head += " (within)"
		}
		t.Columns = append(t.Columns, table.Column{Head: head, Num: true, Interval: true})
	}
	t.Columns = append(t.Columns, table.Columns("#bytes", "#delay p95", "#GB/month")...)

	// A defense costs the same whatever the attack looks for, but not on every
	// data set: one of them has to stand for all, and a note says which.
	n := footnotes{}
	for _, d := range s.DefensesOf(ps) {
		row := []table.Value{defense(s, d)}
		for _, p := range ps {
			row = append(row, advantage(s, reports.Subject{Panel: p, Defense: d}, &n))
		}
		cost := s.Costs(reports.Subject{Panel: ps[0], Defense: d})
		t.Rows = append(t.Rows, append(row, cost.Bytes(), cost.Delay(), cost.Traffic()))
	}
	t.Notes = append(n.lines, headlineNotes(s, ps)...)
	return t
}

// footnotes are numbered in the order in which they are first used.
type footnotes struct{ lines []string }

// mark returns the sign of a note.
func (n *footnotes) mark(line string) string {
	signs := []string{"¹", "²", "³", "†", "‡", "§", "¶"}
	for i, sign := range signs {
		if i == len(n.lines) {
			n.lines = append(n.lines, sign+" "+line)
			return sign
		}
		if n.lines[i] == sign+" "+line {
			return sign
		}
	}
	return "*"
}

// advantage is what the best attack on a defense learns, with its interval.
func advantage(s *reports.Set, at reports.Subject, n *footnotes) table.Value {
	m, ok := s.Summaries[at]
	if !ok {
		return table.Missing()
	}
	if m.Failed == m.Cells || m.Attack == "" {
		return table.Failed("failed")
	}
	v := table.Number(m.Advantage, table.Score)
	if m.HasInterval {
		v = v.Within(m.Lo, m.Hi, table.Bounds(m.Lo, m.Hi, 2, table.Short))
	}

	// Both look like a good defense and need not be one.
	if m.Advantage == 0 {
		v.Text += " " + n.mark("best attack is at its floor")
	}
	if m.HasInterval && m.Edge {
		v.Text += " " + n.mark("few groups, and nearly all alike: were groups to differ widely, this interval would miss more often than 1 in 20")
	}
	if m.Failed > 0 {
		v.Text += " " + n.mark("cells failed: the figure is over the attacks that did not, a better attack may be missing")
	}
	return v
}

// headlineNotes say whose cost is printed, which attack was worst and what is
// in doubt.
func headlineNotes(s *reports.Set, ps []reports.Panel) []string {
	var out, worst, attacks []string
	cost := ps[0]
	if slices.ContainsFunc(ps, func(p reports.Panel) bool { return p.Dataset != cost.Dataset }) {
		var of []string
		for _, p := range ps {
			of = append(of, reports.TaskName(p.Task)+" of "+p.Dataset)
		}
		out = append(out, strings.Join(of, ", "))
	}
	out = append(out, fmt.Sprintf("cost columns are those of the %s data (%s); delay p95 is the largest over folds; GB/month from continuous recordings only", reports.TaskName(cost.Task), cost.Dataset))

	// The worst attack is another one for each defense; the column names the one
	// that is it most often.
	intervals := false
	for _, p := range ps {
		if name := worstAttack(s, p); name != "" {
			worst = append(worst, reports.TaskName(p.Task)+" "+s.Label(name))
			attacks = append(attacks, name)
		}
		for _, d := range s.Defenses[p] {
			intervals = intervals || s.Summaries[reports.Subject{Panel: p, Defense: d}].HasInterval
		}
	}
	if len(worst) > 0 {
		out = append(out, "worst attack per column: "+strings.Join(worst, ", "))
	}
	if intervals {
		out = append(out, "figure: the largest mean over test groups of any attack, too high where many attacks are equally good and groups few; interval: of the best attack, whichever it is, about this training data, not about others like it")
	}
	return slices.Concat(out, headlineDoubts(s, ps), s.CheckNotes(), s.Stamps(ps...), s.IDNotes(s.DefensesOf(ps), attacks))
}

// headlineDoubts are the first of the warnings, each once.
func headlineDoubts(s *reports.Set, ps []reports.Panel) []string {
	const most = 4
	var out []string
	for _, p := range ps {
		for _, d := range s.Defenses[p] {
			general, weak := s.Doubts(reports.Subject{Panel: p, Defense: d})
			for i := range weak {
				weak[i] += " under " + s.Label(d)
			}
			for _, w := range slices.Concat(general, weak) {
				if !slices.Contains(out, w) {
					out = append(out, w)
				}
			}
		}
	}
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("%d more warnings, see the page", len(out)-most))
	}
	return out
}

// worstAttack is the attack that is best on most defenses of a panel, the first
// in report order of several.
func worstAttack(s *reports.Set, p reports.Panel) string {
	count := map[string]int{}
	for _, d := range s.Defenses[p] {
		if best, ok := s.Best(reports.Subject{Panel: p, Defense: d}); ok && d != results.NoDefense {
			count[best.Attack]++
		}
	}
	worst := ""
	for _, q := range s.Panels {
		for _, a := range s.Attackers[q] {
			if count[a.Attack] > count[worst] {
				worst = a.Attack
			}
		}
	}
	return worst
}
