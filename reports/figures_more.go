package reports

import (
	"fmt"
	"image/color"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// bars draws the headline metric of each attack, grouped by defense.
func (s *Set) bars() []Figure {
	var out []Figure
	for _, p := range s.panels {
		metric, _ := s.headlineOf(p)
		var attacks []string
		for _, a := range s.attacksOf(p) {
			if !s.control[a] && len(attacks) < 6 {
				attacks = append(attacks, a)
			}
		}
		if len(attacks) == 0 {
			continue
		}
		g := barChart{yName: metricName(metric)}
		for _, d := range s.defenses[p] {
			g.names = append(g.names, s.defenseLabel(d).Text)
		}
		for _, a := range attacks {
			row := make([]bar, len(s.defenses[p]))
			for i, d := range s.defenses[p] {
				row[i] = s.barOf(p, d, a, metric)
			}
			g.series = append(g.series, row)
			g.keys = append(g.keys, s.names.of(a))
		}
		what := fmt.Sprintf("%s of each attack with the knowledge that serves it best, with %.0f %% intervals over test groups where there are enough; × marks what failed.", firstUpper(metricName(metric)), 100*results.Level)
		out = append(out, Figure{
			Title:   fmt.Sprintf("%s by defense and attack: %s", firstUpper(metricName(metric)), p.about()),
			Caption: s.caption(p, what, s.defenses[p], attacks), height: g.height, draw: g.draw,
		})
	}
	return out
}

// bar is one bar with its interval.
type bar struct {
	v, lo, hi  float64
	ok, whisks bool
}

// barOf is the best attacker's score and the interval over its groups.
func (s *Set) barOf(p Panel, d, attack, metric string) bar {
	var out bar
	for _, a := range s.attackers[p] {
		if a.Attack != attack {
			continue
		}
		v, _, failed, ok := s.compute(Origin{Op: Mean, Metric: metric, Panel: p, Defense: d, Attacker: a})
		if failed > 0 {
			return bar{}
		}
		if !ok || out.ok && v <= out.v {
			continue
		}
		out = bar{v: v, ok: true}
		sum, n := map[string]float64{}, map[string]float64{}
		for _, r := range s.byPair[pair{p, d, a}] {
			for _, g := range r.Groups {
				sum[g.Group] += g.Value
				n[g.Group]++
			}
		}
		var groups []float64
		for _, g := range slices.Sorted(maps.Keys(sum)) {
			groups = append(groups, sum[g]/n[g])
		}
		if lo, hi, ok := interval(groups); ok && !p.Split.Within() {
			out.lo, out.hi, out.whisks = max(lo, 0), min(hi, 1), true
		}
	}
	return out
}

// barChart draws horizontal bars: names of defenses are too long for a column.
type barChart struct {
	names, keys []string
	series      [][]bar
	yName       string
}

func (g barChart) key() []keyEntry {
	var out []keyEntry
	for i, k := range g.keys {
		out = append(out, keyEntry{k, func(c draw.Canvas, at vg.Point) { fillRect(c, okabeIto(i), at.X-4, at.Y-3, at.X+4, at.Y+3) }})
	}
	return out
}

func (g barChart) height(width vg.Length) vg.Length {
	return vg.Length(len(g.names))*(vg.Length(len(g.series))*6+6) + 26 + keyHeight(g.key(), width)
}

func (g barChart) draw(c draw.Canvas) {
	key := g.key()
	kh := keyHeight(key, c.Max.X-c.Min.X)
	drawKey(c, key)
	c = draw.Crop(c, 0, -8, 0, -kh)
	x0 := c.Min.X + heat{rows: g.names}.labelRoom(c.Max.X-c.Min.X)
	y0 := c.Min.Y + 24
	x := func(v float64) vg.Length { return x0 + (c.Max.X-x0)*vg.Length(v) }
	for _, t := range share01() {
		c.StrokeLine2(line(color.Gray{215}, 0.4), x(t.Value), y0, x(t.Value), c.Max.Y)
		if t.Label != "" {
			c.FillText(aligned(smallType, center, top), vg.Point{X: x(t.Value), Y: y0 - 3}, t.Label)
		}
	}
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: x(0.5), Y: c.Min.Y + 1}, g.yName)
	step := (c.Max.Y - y0) / vg.Length(len(g.names))
	h := (step - 5) / vg.Length(len(g.series))
	label := aligned(smallType, right, center)
	for i, name := range g.names {
		yTop := c.Max.Y - vg.Length(i)*step - 2.5
		c.FillText(label, vg.Point{X: x0 - heatGap, Y: yTop - (step-5)/2}, fit(label, name, x0-c.Min.X-heatGap-1))
		for k, row := range g.series {
			b := row[i]
			y := yTop - vg.Length(k)*h
			if !b.ok {
				c.FillText(aligned(smallType, left, center), vg.Point{X: x0 + 2, Y: y - h/2}, "×")
				continue
			}
			fillRect(c, okabeIto(k), x0, y-h+0.4, x(b.v), y-0.4)
			if x(b.v)-x0 < 1 { // a bar that nobody sees is not one left out
				c.FillText(aligned(5, left, center), vg.Point{X: max(x0, x(b.hi)) + 3, Y: y - h/2}, score(b.v))
			}
			if b.whisks {
				w := line(color.Black, 0.6)
				c.StrokeLine2(w, x(b.lo), y-h/2, x(b.hi), y-h/2)
				c.StrokeLine2(w, x(b.lo), y-h/2-1.3, x(b.lo), y-h/2+1.3)
				c.StrokeLine2(w, x(b.hi), y-h/2-1.3, x(b.hi), y-h/2+1.3)
			}
		}
	}
	c.StrokeLine2(line(color.Black, 0.6), x0, y0, x0, c.Max.Y)
}

// confusions draws the confusion matrix of the best attack on each defense.
func (s *Set) confusions() []Figure {
	sums := s.summaries()
	var out []Figure
	for _, p := range s.panels {
		for _, d := range s.defenses[p] {
			rs, _ := good(s.bestResults(p, d, sums))
			classes, counts := confusionOf(rs)
			if len(classes) < 2 {
				continue
			}
			h := confusionHeat(classes, counts)
			m := sums[subject{p, d}]
			what := fmt.Sprintf("Confusion under %s by %s (%s): share of each true class (row) that is given each name (column), over all test groups; among events the row \"other\" holds false alarms.", s.names.of(d), s.names.of(m.Attack), m.Knowledge)
			out = append(out, Figure{Title: fmt.Sprintf("Confusion under %s: %s", s.names.of(d), p.about()), Caption: s.caption(p, what, []string{d}, []string{m.Attack}), height: h.height, draw: h.draw})
		}
	}
	return out
}

// confusionHeat draws shares of rows. Rows and columns that count nothing are
// left out: nothing is truly missed, nothing named other.
func confusionHeat(classes []string, counts [][]int64) heat {
	h := heat{xName: "named as", yName: "true", small: len(classes) > 16}
	sums, named := make([]int64, len(classes)), make([]int64, len(classes))
	for i := range classes {
		for j, n := range counts[i] {
			sums[i] += n
			named[j] += n
		}
	}
	for j, c := range classes {
		if named[j] > 0 {
			h.cols = append(h.cols, c)
		}
	}
	for i, c := range classes {
		if sums[i] == 0 {
			continue
		}
		var row []heatCell
		for j, n := range counts[i] {
			if v := float64(n) / float64(sums[i]); named[j] > 0 {
				row = append(row, heatCell{v: v, ok: true, text: tenths(v, n)})
			}
		}
		h.rows, h.cells = append(h.rows, c), append(h.cells, row)
	}
	return h
}

// tenths writes a share in two characters; nothing where nothing was counted.
func tenths(v float64, n int64) string {
	switch {
	case n == 0:
		return ""
	case v < 0.005:
		return "0"
	}
	return short(v)
}

// last puts what is no class of the data behind the classes.
func last(class string) int {
	return slices.Index([]string{datasets.Nobody, datasets.Cover, datasets.Unknown, datasets.Other, results.Missed}, class) + 1
}

// confusionOf sums matrices of packets, else counts items.
func confusionOf(rs []*results.Result) ([]string, [][]int64) {
	count := map[[2]string]int64{}
	used := map[string]bool{}
	for _, r := range rs {
		for _, c := range r.Confusion {
			for i, row := range c.Counts {
				for j, n := range row {
					if n > 0 {
						count[[2]string{c.Classes[i], c.Classes[j]}] += n
						used[c.Classes[i]], used[c.Classes[j]] = true, true
					}
				}
			}
		}
		if len(r.Confusion) > 0 {
			continue
		}
		for _, it := range r.Items {
			if it.Truth != "" {
				count[[2]string{it.Truth, it.Answer}]++
				used[it.Truth], used[it.Answer] = true, true
			}
		}
	}
	const most = 40 // classes of a picture that can be read; commands have more
	if len(used) > most {
		return nil, nil
	}
	classes := slices.Sorted(maps.Keys(used))
	slices.SortStableFunc(classes, func(a, b string) int { return last(a) - last(b) })
	out := make([][]int64, len(classes))
	for i, a := range classes {
		out[i] = make([]int64, len(classes))
		for j, b := range classes {
			out[i][j] = count[[2]string{a, b}]
		}
	}
	return classes, out
}

// curves draws recall against false alarms a day of the best attack on each
// defense.
func (s *Set) curves() []Figure {
	sums := s.summaries()
	var out []Figure
	for _, p := range s.panels {
		var names []string
		var lines [][]plotter.XY
		top := 0.0
		for _, d := range s.defenses[p] {
			rs, _ := good(s.bestResults(p, d, sums))
			if xy := meanCurve(rs); len(xy) > 1 {
				names = append(names, s.defenseLabel(d).Text)
				lines = append(lines, xy)
				for _, q := range xy {
					top = max(top, q.X)
				}
			}
		}
		if len(lines) == 0 || top == 0 {
			continue
		}
		key := lineKey(names)
		what := "Recall of events against false alarms a home and day as the attack's threshold moves, for the best attack on each defense; mean over folds at the same number of false alarms."
		out = append(out, Figure{
			Title: "Operating curves: " + p.about(), Caption: s.caption(p, what, s.defenses[p], nil),
			height: func(w vg.Length) vg.Length { return min(0.62*w, 3*vg.Inch) + keyHeight(key, w) },
			draw: func(c draw.Canvas) {
				kh := keyHeight(key, c.Max.X-c.Min.X)
				pl := newPlot("false alarms a home and day", "recall")
				pl.Add(curveLines{lines})
				pl.X.Min, pl.X.Max, pl.Y.Min, pl.Y.Max = 0, top, 0, 1
				pl.Y.Tick.Marker = share01()
				pl.draw(draw.Crop(c, 0, 0, kh, 0))
				drawKey(draw.Crop(c, 0, 0, 0, -(c.Max.Y-c.Min.Y-kh)), key)
			},
		})
	}
	return out
}

func lineKey(names []string) []keyEntry {
	var out []keyEntry
	for i, n := range names {
		out = append(out, keyEntry{n, func(c draw.Canvas, at vg.Point) {
			c.StrokeLine2(line(okabeIto(i), 1.1, dashes(i)...), at.X-6, at.Y, at.X+6, at.Y)
		}})
	}
	return out
}

// meanCurve is the mean recall over results at each number of false alarms: of
// each result the highest recall that needs no more of them.
func meanCurve(rs []*results.Result) []plotter.XY {
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
	const most = 300
	if len(xs) > most {
		thin := make([]float64, most)
		for i := range thin {
			thin[i] = xs[i*(len(xs)-1)/(most-1)]
		}
		xs = thin
	}
	var out []plotter.XY
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
		out = append(out, plotter.XY{X: x, Y: sum / float64(n)})
	}
	return out
}

// curveLines draws one line for each series.
type curveLines struct{ xy [][]plotter.XY }

// Plot draws onto c; it implements plot.Plotter.
func (l curveLines) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, y := range []float64{0.25, 0.5, 0.75, 1} {
		c.StrokeLine2(line(color.Gray{225}, 0.4), c.Min.X, ty(y), c.Max.X, ty(y))
	}
	for i, xy := range l.xy {
		pts := make([]vg.Point, len(xy))
		for k, q := range xy {
			pts[k] = vg.Point{X: tx(q.X), Y: ty(q.Y)}
		}
		c.StrokeLines(line(okabeIto(i), 1.1, dashes(i)...), pts)
	}
}

// ranks draws the critical-difference diagram: mean rank of each defense over
// test groups, bars joining those that no test tells apart.
func (s *Set) ranks() []Figure {
	sums := s.summaries()
	var out []Figure
	for _, p := range s.panels {
		t, ok := s.testTable(p, sums)
		if !ok || p.Split.Within() || len(s.defenses[p]) < 3 {
			continue
		}
		r := s.rankDiagram(p, t, sums)
		what := "Mean rank of each defense over test groups, the one that leaks least at the top. A bar at the right joins neighbors that the paired tests, adjusted by Holm, do not tell apart."
		if slices.ContainsFunc(t.Rows, func(row []Value) bool { return strings.HasPrefix(row[len(row)-1].Text, tooFew) }) {
			what += fmt.Sprintf(" Over %s they cannot tell any two apart, however different.", plural(r.groups, "test group"))
		}
		out = append(out, Figure{Title: "Ranks of defenses: " + p.about(), Caption: s.caption(p, what, s.defenses[p], nil), height: r.height, draw: r.draw})
	}
	return out
}
