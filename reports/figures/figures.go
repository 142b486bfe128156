// Package figures holds the kinds of figures: what each shows of a set of
// results, one subject a file. A new kind is a value like Scores, and a line in
// All.
package figures

import "veilbench/reports"

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
