package reports

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// summaries are bench.Summaries by panel and defense: splits are never mixed.
func (s *Set) summaries() map[subject]results.Summary {
	bySplit := map[datasets.Split][]results.Result{}
	for i := range s.results {
		r := s.results[i]
		bySplit[r.Cell.Split] = append(bySplit[r.Cell.Split], r)
	}
	out := map[subject]results.Summary{}
	for split, rs := range bySplit {
		for _, m := range results.Summaries(rs) {
			out[subject{Panel{m.Dataset, m.Task, m.Vantage, split}, m.Defense}] = m
		}
	}
	return out
}

// headline is the table that answers the question, one for each vantage: rows
// are defenses, columns tasks, then the cost.
func (s *Set) headline() []Table {
	sums := s.summaries()
	var out []Table
	for _, v := range []datasets.Vantage{datasets.WAN, datasets.WiFi, datasets.LAN} {
		var ps []Panel
		for _, p := range s.panels {
			if p.Vantage == v {
				ps = append(ps, p)
			}
		}
		if len(ps) > 0 {
			out = append(out, s.headlineTable(v, ps, sums))
		}
	}
	return out
}

func (s *Set) headlineTable(v datasets.Vantage, ps []Panel, sums map[subject]results.Summary) Table {
	t := Table{
		Title: fmt.Sprintf("What an observer %s still learns from the best attack that knows the defense (advantage over guessing, %.0f %% interval), and what it costs",
			whereName(v), 100*results.Level),
		Columns: []Column{{Head: "defense"}},
	}
	n := notes{}
	for _, p := range ps {
		head := taskName(p.Task)
		if slices.ContainsFunc(ps, func(q Panel) bool { return q.Task == p.Task && q.Dataset != p.Dataset }) {
			head += ", " + p.Dataset
		}
		if p.Split.Within() {
			head += " (within)"
		}
		t.Columns = append(t.Columns, Column{Head: head, Num: true, Interval: true})
	}
	t.Columns = append(t.Columns, Column{Head: "bytes", Num: true}, Column{Head: "delay p95", Num: true}, Column{Head: "GB/month", Num: true})
	cost := ps[0]
	for _, d := range s.defensesOf(ps) {
		row := []Value{s.defenseLabel(d)}
		for _, p := range ps {
			m, ok := sums[subject{p, d}]
			row = append(row, s.headlineValue(p, d, m, ok, &n))
		}
		row = append(row, s.overhead(cost, d), s.delay(cost, d), s.traffic(cost, d))
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append(n.lines, s.headlineNotes(ps, cost, sums)...)
	return t
}

// notes are numbered footnotes in the order in which they are first used.
type notes struct{ lines []string }

// mark returns the sign of a note.
func (n *notes) mark(line string) string {
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

func (s *Set) headlineValue(p Panel, d string, m results.Summary, ok bool, n *notes) Value {
	if !ok {
		return missing()
	}
	if m.Failed == m.Cells || m.Attack == "" {
		return word("failed")
	}
	v := number(m.Advantage, score).of(gain(p, d, m))
	if m.HasInterval {
		v.Lo, v.Hi, v.HasInterval = m.Lo, m.Hi, true
		v.Text += " " + bounds(m.Lo, m.Hi, 2, short)
	}
	if m.Advantage == 0 {
		v.Text += " " + n.mark("best attack is at its floor")
	}
	if m.Failed > 0 {
		v.Text += " " + n.mark("cells failed: the figure is over the attacks that did not, a better attack may be missing")
	}
	return v
}

// headlineNotes say whose cost is printed, which attack was worst and what is
// in doubt.
func (s *Set) headlineNotes(ps []Panel, cost Panel, sums map[subject]results.Summary) []string {
	var out, worst, attacks []string
	if !sameDataset(ps) {
		var of []string
		for _, p := range ps {
			of = append(of, taskName(p.Task)+" of "+p.Dataset)
		}
		out = append(out, strings.Join(of, ", "))
	}
	out = append(out, fmt.Sprintf("cost columns are those of the %s data (%s); delay p95 is the largest over folds; GB/month from continuous recordings only", taskName(cost.Task), cost.Dataset))
	var doubts []string
	for _, p := range ps {
		tally := map[string]int{}
		for _, d := range s.defenses[p] {
			m, ok := sums[subject{p, d}]
			if ok && m.Attack != "" && d != results.NoDefense {
				tally[m.Attack]++
			}
			for _, w := range m.Warnings {
				if w = s.doubt(p, w); strings.Contains(w, "weak") {
					w = fmt.Sprintf("%s under %s", w, s.names.of(d))
				}
				if !slices.Contains(doubts, w) {
					doubts = append(doubts, w)
				}
			}
		}
		if name := s.commonest(tally); name != "" {
			worst = append(worst, fmt.Sprintf("%s %s", taskName(p.Task), s.names.of(name)))
			attacks = append(attacks, name)
		}
	}
	if len(worst) > 0 {
		out = append(out, "worst attack per column: "+strings.Join(worst, ", "))
	}
	if slices.ContainsFunc(ps, func(p Panel) bool {
		return slices.ContainsFunc(s.defenses[p], func(d string) bool { return sums[subject{p, d}].HasInterval })
	}) {
		out = append(out, "mean and interval over test groups, each with the attack that is best on the other groups (no winner's curse); about this training data, not about others like it")
	}
	const most = 4
	if len(doubts) > most {
		doubts = append(doubts[:most], fmt.Sprintf("%d more warnings, see the page", len(doubts)-most))
	}
	out = append(out, doubts...)
	out = append(out, s.selfCheckNotes()...)
	out = append(out, s.probeNotes()...)
	out = append(out, s.stamps(ps...)...)
	return append(out, s.idNotes(s.defensesOf(ps), attacks)...)
}

// doubt is a warning of a summary in the words of tables.
func (s *Set) doubt(p Panel, w string) string {
	for _, a := range s.attacksOf(p) {
		w = strings.ReplaceAll(w, a, s.names.of(a))
	}
	return fmt.Sprintf("%s: %s", taskName(p.Task), w)
}

// commonest is the name with the highest count, the first in report order of
// several.
func (s *Set) commonest(tally map[string]int) string {
	best := ""
	for _, p := range s.panels {
		for _, a := range s.attackers[p] {
			if tally[a.Attack] > tally[best] {
				best = a.Attack
			}
		}
	}
	return best
}

// defensesOf are the defenses of several panels in report order.
func (s *Set) defensesOf(ps []Panel) []string {
	var out []string
	for _, p := range ps {
		for _, d := range s.defenses[p] {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	slices.SortFunc(out, s.compareDefenses)
	return out
}

func sameDataset(ps []Panel) bool {
	for _, p := range ps {
		if p.Dataset != ps[0].Dataset {
			return false
		}
	}
	return true
}

// selfCheckNotes say how the run's self-check ended, nothing if there was none.
func (s *Set) selfCheckNotes() []string {
	var out []string
	for _, v := range s.opt.SelfCheck {
		if !v.OK {
			out = append(out, "SELF-CHECK FAILED: "+v.Name+": "+v.Detail)
		}
	}
	if n := len(s.opt.SelfCheck); n > 0 {
		out = append(out, fmt.Sprintf("self-check: %d of %d passed", n-len(out), n))
	}
	return out
}
