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
	Draw: func(s *reports.Set) []figure.Figure {
		return dotFigures(s, s.Tolerances(), toleranceKeys, "recall of events")
	},
}

// Shares is the recall of packets against how much of the traffic around them
// is their device's.
var Shares = reports.FigureKind{
	Name: "shares", Doc: "recall of packets against their device's share of the window",
	Draw: func(s *reports.Set) []figure.Figure { return dotFigures(s, s.Shares(), shareKeys, "recall of packets") },
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
		f := l.Figure(st.Title, studyCaption(s, st, what))
		f.About, f.Better = studyAbout(s, st), figure.Down
		out = append(out, f)
	}
	return out
}

// studyAbout is about of a study, whose values may be data sets of their own.
func studyAbout(s *reports.Set, st reports.Study) []string {
	out := about(s, st.Panel)
	out[1] = st.Data
	return out
}

// studyCaption is the caption of a study: texts and its notes, and at the end what short
// names stand for, which a page folds away with all that follows.
func studyCaption(s *reports.Set, st reports.Study, texts ...string) string {
	var names []string
	for _, n := range st.Notes {
		if strings.HasPrefix(n, table.InFull) {
			names = append(names, n)
		} else {
			texts = append(texts, n)
		}
	}
	return strings.Join(append([]string{s.Caption(st.Panel, strings.Join(texts, " "), nil, nil)}, names...), " ")
}

// dotFigures draws studies of few values, which are no axis: a row for each defense
// with a sign for each value, as key names it.
func dotFigures(s *reports.Set, sts []reports.Study, key func(values []float64) []string, what string) []figure.Figure {
	var out []figure.Figure
	for _, st := range sts {
		if !slices.ContainsFunc(st.Lines, drawn) {
			continue
		}
		g := figure.Dots{XName: what, RowsName: "defense", NotesName: "best attack", Keys: key(st.Values)}

		// What is no evidence has no sign either, or it would look like a good defense.
		gaps := false
		for i, row := range st.Lines {
			r := figure.DotRow{Name: st.Defenses[i], Note: st.By[i], Word: reports.NoEvidence}
			for k, v := range row {
				q := figure.Point{Y: v.Num, Lo: v.Lo, Hi: v.Hi, HasInterval: v.HasInterval, Missing: !v.OK || v.Doubt}
				q.Tip = fmt.Sprintf("%s, %s, %s: %s", r.Name, r.Note, g.Keys[k], v.Text)
				gaps = gaps || !v.OK
				r.Points = append(r.Points, q)
			}
			g.Rows = append(g.Rows, r)
		}
		text := []string{fmt.Sprintf("%s: a row for each defense, with %.0f %% intervals over test groups where there are enough.", st.Title, 100*results.Level)}
		if gaps {
			text = append(text, "Where a sign is missing there is nothing to find.")
		}
		f := g.Figure(st.Title, studyCaption(s, st, text...))
		f.About, f.Better = studyAbout(s, st), figure.Left
		out = append(out, f)
	}
	return out
}

// toleranceKeys name how far a detection may be off.
func toleranceKeys(seconds []float64) []string {
	out := make([]string, len(seconds))
	for i, v := range seconds {
		out[i] = "within " + table.Full(v) + " s"
	}
	return out
}

// shareKeys name ranges by their ends in percent.
func shareKeys(ends []float64) []string {
	out := make([]string, len(ends))
	from := 0.0
	for i, v := range ends {
		out[i] = fmt.Sprintf("%s to %s %% of the packets around", table.Full(from), table.Full(v))
		from = v
	}
	return out
}
