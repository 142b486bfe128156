package figures

import (
	"slices"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
)

// Curves is recall against false alarms a day of the best attack on each
// defense.
var Curves = reports.FigureKind{
	Name: "curves", Doc: "recall against false alarms",
	Draw: perPanel(figure.DownRight, curves),
}

func curves(s *reports.Set, p reports.Panel) []figure.Figure {
	l := figure.Lines{YName: reports.MetricLabel(results.Recall)}
	top := 0.0
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		if s.Summaries[at].NoEvidence != "" {
			continue
		}
		if xy := meanCurve(s.BestResults(at)); len(xy) > 1 {
			l.Names, l.Series = append(l.Names, s.DefenseLabel(d)), append(l.Series, xy)
			top = max(top, xy[len(xy)-1].X)
		}
	}
	if len(l.Series) == 0 || top == 0 {
		return nil
	}

	// A few false alarms a day and a thousand of them must both find room.
	l.X = figure.CountAxis("false alarms a home and day", top)
	for _, xy := range l.Series {
		for i := range xy {
			xy[i].X = figure.OnCountAxis(xy[i].X)
		}
	}
	what := "Recall of events against false alarms a home and day as the attack's threshold moves, for the best attack on each defense; mean over folds at the same number of false alarms. The axis is logarithmic, with 0 at its start."
	what = withLeftOut(s, p, what)
	return []figure.Figure{l.Figure("Operating curves: "+s.About(p), s.Caption(p, what, s.Defenses[p], nil))}
}

// meanCurve is the mean recall over results at each number of false alarms: of
// each result the highest recall that needs no more of them.
func meanCurve(rs []*results.Result) []figure.Point {
	const most = 300 // points: more than a column of a paper can show
	var xs []float64
	n := 0
	for _, r := range rs {
		if len(r.Curve) > 0 {
			n++
		}
		for _, q := range r.Curve {
			xs = append(xs, q.FalsePerDay)
		}
	}
	slices.Sort(xs)
	xs = slices.Compact(xs)

	// Evenly by rank, both ends among them.
	if len(xs) > most {
		thin := make([]float64, most)
		for i := range thin {
			thin[i] = xs[i*(len(xs)-1)/(most-1)]
		}
		xs = thin
	}

	var out []figure.Point
	for _, x := range xs {
		var sum float64
		for _, r := range rs {
			best := 0.0
			for _, q := range r.Curve {
				if q.FalsePerDay <= x {
					best = max(best, q.Recall)
				}
			}
			sum += best
		}
		out = append(out, figure.Point{X: x, Y: sum / float64(n)})
	}
	return out
}
