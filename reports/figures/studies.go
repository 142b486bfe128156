package figures

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/table"
)

// Study is a score against a number that attacks or data sets differ in.
var Study = reports.FigureKind{
	Name: "study", Doc: "score against a parameter of an attack",
	Draw: func(s *reports.Set) []figure.Figure { return studyFigures(s, s.Studies()) },
}

// Tolerance is the recall of events against how far a detection may be off.
var Tolerance = reports.FigureKind{
	Name: "tolerance", Doc: "recall of events against the matching tolerance",
	Draw: func(s *reports.Set) []figure.Figure { return studyFigures(s, s.Tolerances()) },
}

// Shares is the recall of packets against how much of the traffic around them
// is their device's.
var Shares = reports.FigureKind{
	Name: "shares", Doc: "recall of packets against their device's share of the window",
	Draw: func(s *reports.Set) []figure.Figure { return studyFigures(s, s.Shares()) },
}

// drawn says whether a line has a point.
func drawn(row []table.Value) bool {
	return slices.ContainsFunc(row, func(v table.Value) bool { return v.OK && !v.Doubt })
}

func studyFigures(s *reports.Set, sts []reports.Study) []figure.Figure {
	var out []figure.Figure
	for _, st := range sts {
		if !slices.ContainsFunc(st.Lines, drawn) {
			continue
		}
		l := figure.Lines{X: figure.ValuesAxis(reports.WithUnit(st.X), st.Values), YName: st.Metric, Names: st.Names, Marks: true}
		l.Names = slices.Clone(l.Names)
		for i, row := range st.Lines {
			if slices.ContainsFunc(row, func(v table.Value) bool { return v.Doubt }) && !drawn(row) {
				l.Names[i] += " (" + reports.NoEvidence + ")"
			}
			pts := make([]figure.Point, len(row))
			for k, v := range row {
				pts[k] = figure.Point{X: st.Values[k], Y: v.Num, Lo: v.Lo, Hi: v.Hi, HasInterval: v.HasInterval, Missing: !v.OK || v.Doubt}
			}
			l.Series = append(l.Series, pts)
		}

		// A choice has no place on the axis, and its interval would be taken for that of
		// a place: the table has it.
		if st.Zero != "" {
			l.LevelName = "across: " + st.Zero
			for _, v := range st.AtZero {
				l.Levels = append(l.Levels, figure.Point{Y: v.Num, Missing: !v.OK || v.Doubt})
			}
		}
		what := fmt.Sprintf("%s, one line for each defense, with %.0f %% intervals over test groups where there are enough.", st.Title, 100*results.Level)
		what = strings.Join(append([]string{what}, st.Notes...), " ")
		out = append(out, l.Figure(st.Title, s.Caption(st.Panel, what, nil, nil)))
	}
	return out
}
