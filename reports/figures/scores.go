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
	Draw: perPanel(figure.Light, heatMap),
}

func heatMap(s *reports.Set, p reports.Panel) []figure.Figure {
	metric, _ := s.Headline(p)
	name := reports.MetricLabel(metric)
	h := figure.HeatMap{Scale: name, Rows: s.DefenseLabels(s.Defenses[p]), RowsName: "defense", Groups: [2]string{"attacks", "controls"}}

	// Controls stand behind the attacks and apart from them: what they reach is no
	// finding of an attack.
	var attacks []string
	for _, control := range []bool{false, true} {
		for _, a := range s.Attacks(p) {
			if s.Control[a] == control {
				attacks, h.Cols = append(attacks, a), append(h.Cols, s.Label(a))
			}
		}
	}
	h.Apart = len(slices.DeleteFunc(slices.Clone(attacks), func(a string) bool { return !s.Control[a] }))

	hatched := false
	for _, d := range s.Defenses[p] {
		row := make([]figure.HeatCell, len(attacks))
		for i, a := range attacks {
			e, who := best(s, p, d, a, metric)
			tip := ""
			if e.Cells > 0 {
				tip = scoreTip(s, who, e, metric)
			}
			if s.Unearned(who) {
				row[i], hatched = figure.HeatCell{Text: reports.NoEvidence, Hatched: true, Tip: tip}, true
				continue
			}

			// How many cells failed is no matter in a square.
			row[i] = figure.HeatCell{Share: e.Num, Text: e.Value(table.Score).Text, OK: e.OK, Tip: tip}
			if e.Failed > 0 {
				row[i].Text = "failed"
			}
		}
		h.Cells = append(h.Cells, row)
	}

	title := reports.FirstUpper(name) + " of each attack on each defense"
	what := title + ", with the knowledge of the defense that serves the attack best. Darker means that more is learned."
	if h.Apart > 0 {
		what += " Controls, set apart, stand for what is known without an attack."
	}
	if hatched {
		what += " Hatched squares: no evidence, for the score is low and the attack may be to blame (see the table evidence)."
	}
	return []figure.Figure{h.Figure(title+": "+s.About(p), s.Caption(p, what, s.Defenses[p], attacks))}
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
	Draw: perPanel(figure.Left, bars),
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
	g.Keys, g.Series, g.Controls = append(g.Keys, "floor"), append(g.Series, floors(s, p, metric)), 1

	what := fmt.Sprintf("%s of each attack with the knowledge that serves it best, with %.0f %% intervals over test groups where there are enough; × marks what failed. Gray, the floor: the best control that does not look at the traffic.", reports.FirstUpper(name), 100*results.Level)
	if slices.ContainsFunc(g.Series, func(row []figure.Bar) bool {
		return slices.ContainsFunc(row, func(b figure.Bar) bool { return b.Word != "" })
	}) {
		what += " No evidence: the score is low and the attack may be to blame (see the table evidence)."
	}
	return []figure.Figure{g.Figure(fmt.Sprintf("%s by defense and attack: %s", reports.FirstUpper(name), s.About(p)), s.Caption(p, what, s.Defenses[p], attacks))}
}

// floors are what the best control of each defense scores.
func floors(s *reports.Set, p reports.Panel, metric string) []figure.Bar {
	out := make([]figure.Bar, len(s.Defenses[p]))
	for i, d := range s.Defenses[p] {
		m := s.Summaries[reports.Subject{Panel: p, Defense: d}]
		out[i] = figure.Bar{Share: m.Floor, OK: m.Attack != "", Tip: fmt.Sprintf("floor on %s: %s %s", s.DefenseLabel(d), reports.MetricLabel(metric), table.Score(m.Floor))}
		if m.FloorBy != "" {
			out[i].Tip += ", by " + s.Label(m.FloorBy)
		}
	}
	return out
}

// bar is the best attacker's score and the interval over its groups.
func bar(s *reports.Set, p reports.Panel, d, attack, metric string) figure.Bar {
	e, who := best(s, p, d, attack, metric)
	out := figure.Bar{Share: e.Num, OK: e.OK, Tip: scoreTip(s, who, e, metric)}
	if s.Unearned(who) {
		return figure.Bar{Word: reports.NoEvidence, Tip: out.Tip}
	}
	if lo, hi, ok := scoreInterval(s, who); ok && e.OK {
		out.Lo, out.Hi, out.HasInterval = lo, hi, true
	}
	return out
}
