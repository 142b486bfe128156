package figures

import (
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// Scores is one heat map for each panel: the headline metric of each attack
// with the knowledge that serves it best.
var Scores = reports.FigureKind{
	Name: "scores", Doc: "heat map of every attack on every defense",
	Draw: reports.PerPanel(heatMap),
}

func heatMap(s *reports.Set, p reports.Panel) []figure.Figure {
	metric, _ := s.Headline(p)
	name := reports.MetricLabel(metric)
	attacks := s.Attacks(p)
	h := figure.HeatMap{Scale: name, Rows: s.DefenseLabels(s.Defenses[p])}
	for _, a := range attacks {
		h.Cols = append(h.Cols, s.Label(a))
	}

	hatched := false
	for _, d := range s.Defenses[p] {
		row := make([]figure.HeatCell, len(attacks))
		for i, a := range attacks {
			e, who := best(s, p, d, a, metric)
			if s.Unearned(who) {
				row[i], hatched = figure.HeatCell{Text: reports.NoEvidence, Hatched: true}, true
				continue
			}

			// How many cells failed is no matter in a square.
			row[i] = figure.HeatCell{Share: e.Num, Text: e.Value(table.Score).Text, OK: e.OK}
			if e.Failed > 0 {
				row[i].Text = "failed"
			}
		}
		h.Cells = append(h.Cells, row)
	}

	title := reports.FirstUpper(name) + " of each attack on each defense"
	what := title + ", with the knowledge of the defense that serves the attack best. Darker means that more is learned."
	if hatched {
		what += " Hatched squares: no evidence, for the score is low and the attack may be to blame (see the table evidence)."
	}
	return []figure.Figure{h.Figure(title+": "+p.About(), s.Caption(p, what, s.Defenses[p], attacks))}
}

// best is the highest score of an attack over what it may know. A failure of
// any of these is said, not left out: the one that failed may be the best.
func best(s *reports.Set, p reports.Panel, d, attack, metric string) (reports.Estimate, reports.Pair) {
	var out reports.Estimate
	var who reports.Pair
	for _, a := range s.Attackers[p] {
		if a.Attack != attack {
			continue
		}
		k := reports.Pair{Panel: p, Defense: d, Attacker: a}
		e := s.Mean(k, metric)
		switch {
		case e.Cells == 0:
		case e.Failed > 0:
			return e, k
		case out.Cells > 0 && s.Unearned(k) != s.Unearned(who):
			// What counts stands before what does not.
			if s.Unearned(who) {
				out, who = e, k
			}
		case out.Cells == 0 || e.OK && (!out.OK || e.Num > out.Num):
			out, who = e, k
		}
	}
	return out, who
}

// mostBars is how many attacks a group of bars can show.
const mostBars = 6

// Bars is the headline metric of each attack, grouped by defense.
var Bars = reports.FigureKind{
	Name: "bars", Doc: "every attack on every defense with intervals",
	Draw: reports.PerPanel(bars),
}

func bars(s *reports.Set, p reports.Panel) []figure.Figure {
	metric, _ := s.Headline(p)
	name := reports.MetricLabel(metric)
	var attacks []string
	g := figure.Bars{XName: name, Groups: s.DefenseLabels(s.Defenses[p])}
	for _, a := range s.Attacks(p) {
		if s.Control[a] || len(attacks) == mostBars {
			continue
		}
		attacks = append(attacks, a)
		row := make([]figure.Bar, len(s.Defenses[p]))
		for i, d := range s.Defenses[p] {
			row[i] = bar(s, p, d, a, metric)
		}
		g.Keys, g.Series = append(g.Keys, s.Label(a)), append(g.Series, row)
	}
	if len(attacks) == 0 { // controls say nothing of a defense
		return nil
	}

	what := fmt.Sprintf("%s of each attack with the knowledge that serves it best, with %.0f %% intervals over test groups where there are enough; × marks what failed.", reports.FirstUpper(name), 100*results.Level)
	if slices.ContainsFunc(g.Series, func(row []figure.Bar) bool {
		return slices.ContainsFunc(row, func(b figure.Bar) bool { return b.Word != "" })
	}) {
		what += " No evidence: the score is low and the attack may be to blame (see the table evidence)."
	}
	return []figure.Figure{g.Figure(fmt.Sprintf("%s by defense and attack: %s", reports.FirstUpper(name), p.About()), s.Caption(p, what, s.Defenses[p], attacks))}
}

// bar is the best attacker's score and the interval over its groups.
func bar(s *reports.Set, p reports.Panel, d, attack, metric string) figure.Bar {
	e, who := best(s, p, d, attack, metric)
	out := figure.Bar{Share: e.Num, OK: e.OK}
	if s.Unearned(who) {
		return figure.Bar{Word: reports.NoEvidence}
	}
	groups := reports.GroupsOf(s.ByPair[who], func(_ *results.Result, g results.GroupScore) (float64, bool) { return g.Value, g.N > 0 })
	lo, hi, ok := reports.Interval(groups, true)
	if ok && e.OK && !p.Split.Within() {
		out.Lo, out.Hi, out.HasInterval = lo, hi, true
	}
	return out
}
