package tables

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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
		for _, v := range s.Vantages() {
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
		t.Columns = append(t.Columns, table.Column{Head: panelHead(s, ps, p), Num: true, Interval: true}, table.Column{Head: "attack"})
	}
	t.Columns = append(t.Columns, table.Columns("#bytes", "#delay p95", "#GB/month")...)

	// A defense costs the same whatever the attack looks for, but not on every
	// data set: one of them has to stand for all, and a note says which.
	n := footnotes{}
	for _, d := range s.DefensesOf(ps) {
		row := []table.Value{defense(s, d)}
		for _, p := range ps {
			at := reports.Subject{Panel: p, Defense: d}
			row = append(row, advantage(s, at, &n), attackOf(s, at))
		}
		cost := s.Costs(reports.Subject{Panel: ps[0], Defense: d})
		t.Rows = append(t.Rows, append(row, cost.Bytes(), cost.Delay(), cost.Traffic()))
	}
	if textWidth(t) > narrow {
		dropColumns(&t, func(c table.Column) bool { return c.Head == "attack" })
	}
	t.Notes = append(n.lines(), headlineNotes(s, ps)...)
	return t
}

// narrow is how wide a terminal is at the least. A headline that is wider with the
// names of attacks has them in the table below it.
const narrow = 80

// textWidth is how wide t stands on a terminal.
func textWidth(t table.Table) int {
	width := -2
	for k, c := range t.Columns {
		most := utf8.RuneCountInString(c.Head)
		for _, row := range t.Rows {
			most = max(most, utf8.RuneCountInString(row[k].Text))
		}
		width += most + 2
	}
	return width
}

// dropColumns takes columns out of a table.
func dropColumns(t *table.Table, drop func(table.Column) bool) {
	for i, row := range t.Rows {
		var kept []table.Value
		for k, c := range t.Columns {
			if !drop(c) {
				kept = append(kept, row[k])
			}
		}
		t.Rows[i] = kept
	}
	t.Columns = slices.DeleteFunc(t.Columns, drop)
}

// panelHead names a panel among others of one vantage point.
func panelHead(s *reports.Set, ps []reports.Panel, p reports.Panel) string {
	head := reports.TaskName(p.Task)
	if slices.ContainsFunc(ps, func(q reports.Panel) bool { return q.Task == p.Task && q.Dataset != p.Dataset }) {
		head += ", " + s.DataName(p.Dataset)
	}
	if p.Split.Within() {
		head += " (within)"
	}
	return head
}

// attackOf is the attack of the headline's cell.
func attackOf(s *reports.Set, at reports.Subject) table.Value {
	m := s.Summaries[at]
	if m.Attack == "" || m.NoEvidence != "" {
		return table.Missing()
	}
	return label(s, m.Attack)
}

// HeadlineAttacks stands below the headline: whose figure each cell is, and which
// control set its floor.
var HeadlineAttacks = reports.TableKind{
	Name: "headline-attacks", Doc: "attack of each cell of the headline, and the control that set its floor",
	Draw: func(s *reports.Set) []table.Table {
		var out []table.Table
		for _, v := range s.Vantages() {
			ps := slices.DeleteFunc(slices.Clone(s.Panels), func(p reports.Panel) bool { return p.Vantage != v })
			out = append(out, unlessEmpty(headlineAttacksTable(s, v, ps))...)
		}
		return out
	},
}

func headlineAttacksTable(s *reports.Set, v datasets.Vantage, ps []reports.Panel) table.Table {
	t := table.Table{Title: "Attack of each cell, over the control that sets its floor, seen " + reports.WhereName(v), Columns: table.Columns("defense")}
	pooled := map[reports.Panel]bool{}
	for _, p := range ps {
		t.Columns = append(t.Columns, table.Column{Head: panelHead(s, ps, p)})
		pooled[p] = slices.ContainsFunc(s.Defenses[p], func(d string) bool { return s.Summaries[reports.Subject{Panel: p, Defense: d}].HasPooled })
		if pooled[p] {
			t.Columns = append(t.Columns, table.Column{Head: "pooled", Num: true})
		}
	}

	// An attack is named only where its figure is known: of a defense without evidence
	// it would be the one that came farthest, which says nothing.
	for _, d := range s.DefensesOf(ps) {
		row := []table.Value{defense(s, d)}
		for _, p := range ps {
			m := s.Summaries[reports.Subject{Panel: p, Defense: d}]
			who, all := table.Missing(), table.Missing()
			switch {
			case m.NoEvidence != "":
				who = table.Word(reports.NoEvidence)
			case m.Attack != "":
				who = label(s, m.Attack)
				if m.FloorBy != "" {
					who.Text += " over " + s.Label(m.FloorBy)
				}
				if m.HasPooled {
					all = table.Number(m.Pooled, table.Score)
				}
			}
			if row = append(row, who); pooled[p] {
				row = append(row, all)
			}
		}
		t.Rows = append(t.Rows, row)
	}
	for _, p := range ps {
		if pooled[p] && !slices.Contains(t.Notes, aboutPooled) {
			t.Notes = append(t.Notes, aboutPooled)
		}
	}
	t.Notes = append(t.Notes, s.Stamps(ps...)...)
	return t
}

const aboutPooled = "pooled: the advantage of F1 over all devices at once, by the attack of the headline; a device with many events can hide the others there."

// footnotes are numbered in the order in which they are first used.
type footnotes []footnote

// footnote is a note whose middle grows with each cell that it is about.
type footnote struct {
	start, end string
	about      []string
}

// mark returns the sign of a note.
func (n *footnotes) mark(line string) string { return n.about(line, "", "") }

// about returns the sign of the note that begins with start and ends with end, and
// enters what it says of one cell between them.
func (n *footnotes) about(start, cell, end string) string {
	i := slices.IndexFunc(*n, func(f footnote) bool { return f.start == start && f.end == end })
	if i < 0 {
		i = len(*n)
		*n = append(*n, footnote{start: start, end: end})
	}
	if f := &(*n)[i]; cell != "" && !slices.Contains(f.about, cell) {
		f.about = append(f.about, cell)
	}
	return table.Superscript(i + 1)
}

// lines are the notes as they stand below a table.
func (n footnotes) lines() []string {
	var out []string
	for i, f := range n {
		out = append(out, table.Superscript(i+1)+" "+f.start+strings.Join(f.about, "; ")+f.end)
	}
	return out
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
	task := reports.TaskName(at.Task) + ": "
	if why, ok := s.Why(at); ok {
		v := table.Word(reports.NoEvidence + " " + n.about(task+why.Start, why.Finding, why.End))
		v.Under, v.Tip = m.NoEvidence.Text(), why.String()
		return v
	}
	v := table.Number(m.Advantage, table.Score)
	v.Under, v.Tip = s.Label(m.Attack)+", "+reports.State(m.Evidence), howKnown(s, m)
	if m.HasInterval {
		v = v.Within(m.Lo, m.Hi, reports.BoundsOf(m))
		if m.Hi == 0 {
			v.Text += " " + n.mark("≤0: even the upper limit is not above the floor, which is what the best answer without a look at the traffic scores")
		}
	}

	// A zero says what it rests on: it looks like a good defense and need not be one.
	if m.Advantage == 0 {
		v.Text += " " + n.about(task+reports.EarnedStart, s.Earned(at), "")
	}
	if m.HasInterval && m.Edge {
		v.Text += " " + n.mark("few groups, and nearly all alike: were groups to differ widely, this interval would miss more often than 1 in 20")
	}
	if m.Failed > 0 {
		v.Text += " " + n.mark("cells failed: the figure is over the attacks that did not, a better attack may be missing")
	}
	return v
}

// howKnown says of a figure whose it is, above which floor, and what it rests on.
func howKnown(s *reports.Set, m results.Summary) string {
	text := fmt.Sprintf("%s, %s: score %s", s.Label(m.Attack), m.Knowledge, table.Score(m.Score))
	if m.FloorBy != "" {
		text += fmt.Sprintf(" over %s of %s", table.Score(m.Floor), s.Label(m.FloorBy))
	}
	text += fmt.Sprintf("; %s, %s; %d of %d attackers count", reports.Plural(m.Groups, "test group"), reports.State(m.Evidence), m.Rest, len(m.Reached))
	if c := m.Evidence.Canary; c.Planted > 0 {
		text += fmt.Sprintf("; it finds %d of %d canaries behind the defense", c.Found, c.Planted)
	}
	return text
}

// headlineNotes say whose cost is printed, what the figures are and what is in
// doubt.
func headlineNotes(s *reports.Set, ps []reports.Panel) []string {
	var out, attacks []string
	cost := ps[0]
	if slices.ContainsFunc(ps, func(p reports.Panel) bool { return p.Dataset != cost.Dataset }) {
		var of []string
		for _, p := range ps {
			of = append(of, reports.TaskName(p.Task)+" of "+s.DataName(p.Dataset))
		}
		out = append(out, strings.Join(of, ", "))
	}
	out = append(out, fmt.Sprintf("cost columns are those of the %s data (%s); delay p95 is the largest over folds; GB/month from continuous recordings only", reports.TaskName(cost.Task), s.DataName(cost.Dataset)))

	// What is said of figures is said only where there are such.
	intervals, devices := false, false
	for _, p := range ps {
		for _, d := range s.Defenses[p] {
			m := s.Summaries[reports.Subject{Panel: p, Defense: d}]
			intervals, devices = intervals || m.HasInterval, devices || m.HasPooled
			if m.Attack != "" {
				attacks = append(attacks, m.Attack)
			}
		}
	}
	out = append(out, detectNotes(s, ps)...)
	if devices {
		out = append(out, "events: the mean over the devices with an event, each over its own floor, so that one timetable is not everybody's floor")
	}
	if slices.ContainsFunc(ps, func(p reports.Panel) bool { return len(p.Vantage.Places()) > 1 }) {
		out = append(out, "seen at two places at once, by the attacks that can join both views; the others are in the tables of each place")
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
