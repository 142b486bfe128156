// Package figures holds the kinds of figures: what each shows of a set of
// results, one subject a file. A new kind is a value like Scores, and a line in
// All.
package figures

import (
	"fmt"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// All lists the kinds in report order.
func All() []reports.FigureKind {
	return []reports.FigureKind{
		Scores,
		Tradeoff,
		Bars,
		Confusion,
		PublishedConfusion,
		Curves,
		Delay,
		Study,
		Tolerance,
		Shares,
		Packets,
		Rates,
		Routine,
		Ranks,
	}
}

// perPanel draws each panel by itself, and says on each picture what it is of and
// where it is better for the home.
func perPanel(better figure.Better, draw func(*reports.Set, reports.Panel) []figure.Figure) func(*reports.Set) []figure.Figure {
	return reports.PerPanel(func(s *reports.Set, p reports.Panel) []figure.Figure {
		fs := draw(s, p)
		for i := range fs {
			fs[i].About, fs[i].Better = append(fs[i].About, about(s, p)...), better
		}
		return fs
	})
}

// about is what stands above a picture of a panel.
func about(s *reports.Set, p reports.Panel) []string {
	return []string{reports.TaskName(p.Task), s.DataName(p.Dataset), "seen " + reports.WhereName(p.Vantage)}
}

// scoreTip is what a page tells of a score when a reader points at it: whose it is,
// between which bounds, and what it rests on.
func scoreTip(s *reports.Set, who reports.Pair, e reports.Estimate, metric string) string {
	text := fmt.Sprintf("%s on %s: %s %s", s.Label(who.Attack), s.DefenseLabel(who.Defense), reports.MetricLabel(metric), e.Value(table.Score).Text)
	if lo, hi, ok := scoreInterval(s, who); ok && e.OK {
		text += " " + table.Bounds(lo, hi, 2, table.Short)
	}
	if who.Knowledge != "" {
		text += ", " + string(who.Knowledge)
	}
	if ev, ok := s.Evidence(who); ok {
		text += "; " + reports.State(ev)
	} else if s.Control[who.Attack] {
		text += "; a control"
	}
	return text
}

// scoreInterval is over the test groups of a score.
func scoreInterval(s *reports.Set, who reports.Pair) (lo, hi float64, ok bool) {
	if who.Split.Within() {
		return 0, 0, false
	}
	return reports.Interval(reports.GroupsOf(s.ByPair[who], func(_ *results.Result, g results.GroupScore) (float64, bool) { return g.Value, g.N > 0 }), true)
}

// advantageTip is scoreTip of the best attack on a defense.
func advantageTip(s *reports.Set, at reports.Subject) string {
	m := s.Summaries[at]
	if m.Attack == "" {
		return ""
	}
	text := fmt.Sprintf("%s: advantage of %s %s", s.DefenseLabel(at.Defense), s.Label(m.Attack), table.Score(m.Advantage))
	if m.HasInterval {
		text += " " + reports.BoundsOf(m)
	}
	if bytes := s.Costs(at).Bytes(); bytes.OK {
		text += ", bytes " + bytes.Text
	}
	return text + "; " + reports.State(m.Evidence)
}

// withLeftOut adds to what a figure shows which defenses it does not, because
// nothing is known of them.
func withLeftOut(s *reports.Set, p reports.Panel, what string) string {
	if left := s.LeftOut(p); left != "" {
		return what + " " + left
	}
	return what
}

// Main are the kinds that are written as files and stand in report.md.
func Main() []reports.FigureKind {
	return []reports.FigureKind{Scores, Tradeoff, Study, Shares, Routine, Packets, Rates}
}
