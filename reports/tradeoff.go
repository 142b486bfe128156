package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"veilbench/bench"
)

// point is a defense in the plane of cost and privacy.
type point struct {
	name      string
	overhead  float64
	advantage float64
	lo, hi    float64
	interval  bool
	onFront   bool
	glyph     draw.GlyphDrawer
	color     color.Color
}

// Tradeoff shows what each defense costs (bytes) against what the best attack
// still learns, for the first column of the headline table. The line joins the
// defenses that no other beats in both.
func Tradeoff(rs []bench.Result, o Options) Figure {
	col := costColumn(unique(rs, columnOf, compareColumns))
	pts := tradeoffPoints(rs, o, col)
	legend := legendHeight(pts)
	return Figure{
		Name: "tradeoff", Width: ColumnWidth, Height: 2.3*vg.Inch + legend,
		Caption: fmt.Sprintf("Privacy against cost on %s (%s, seen from %s): advantage of the best attack over guessing, with %.0f %% intervals over groups, against bytes. The line joins defenses that none beats in both. %s",
			col.dataset, taskTitle(col.task), col.vantage, 100*bench.Level, provenance(rs)),
		Draw: func(c draw.Canvas) { drawTradeoff(c, pts, legend) },
	}
}

func tradeoffPoints(rs []bench.Result, o Options, col column) []point {
	short := names(rs)
	order := o.rank()
	var sums []bench.Summary
	for _, s := range bench.Summaries(rs) {
		if (column{s.Dataset, s.Task, s.Vantage}) == col && s.Failed < s.Cells {
			sums = append(sums, s)
		}
	}
	slices.SortFunc(sums, func(a, b bench.Summary) int { return order(a.Defense, b.Defense) })
	var pts []point
	for i, s := range sums {
		pts = append(pts, point{
			name: short[s.Defense], overhead: max(0, s.Cost.Overhead()), advantage: s.Advantage,
			lo: s.Lo, hi: s.Hi, interval: s.HasInterval,
			glyph: glyphs()[i%len(glyphs())], color: okabeIto()[i%len(okabeIto())],
		})
	}
	for i := range pts {
		pts[i].onFront = !slices.ContainsFunc(pts, func(q point) bool {
			return q.overhead <= pts[i].overhead && q.advantage <= pts[i].advantage &&
				(q.overhead < pts[i].overhead || q.advantage < pts[i].advantage)
		})
	}
	return pts
}

// scaled squeezes overheads: linear below 1 %, logarithmic above, so that
// nothing and a thousandfold fit on one axis.
func scaled(overhead float64) float64 {
	p := 100 * overhead
	if p <= 1 {
		return p
	}
	return 1 + math.Log10(p)
}

func drawTradeoff(c draw.Canvas, pts []point, legend vg.Length) {
	p := newPlot()
	p.X.Label.Text = "byte overhead"
	p.Y.Label.Text = "advantage of the best attack"
	p.Y.Min, p.Y.Max = 0, 1
	p.X.Min, p.X.Max = 0, 3
	for _, q := range pts {
		p.X.Max = max(p.X.Max, math.Ceil(scaled(q.overhead)))
	}
	p.X.Tick.Marker = overheadTicks(p.X.Max)
	p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: .25}, {Value: .5, Label: "0.5"}, {Value: .75}, {Value: 1, Label: "1"}}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{230}, color.Gray{230}
	grid.Vertical.Width, grid.Horizontal.Width = 0.4, 0.4
	p.Add(grid, front(pts), marks(pts))
	p.Draw(draw.Crop(c, 0, -8, 4, -legend))
	drawLegend(c, pts)
}

func overheadTicks(most float64) plot.ConstantTicks {
	ticks := plot.ConstantTicks{{Value: 0, Label: "0"}}
	for k, label := range []string{"1 %", "10 %", "100 %", "10×", "100×", "1000×", "10⁴×"} {
		if v := float64(k + 1); v <= most {
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

// front is a step line through the points that nothing beats.
type front []point

// Plot draws the line.
func (f front) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	on := slices.DeleteFunc(slices.Clone(f), func(q point) bool { return !q.onFront })
	slices.SortStableFunc(on, func(a, b point) int { return cmp.Compare(a.overhead, b.overhead) })
	var line []vg.Point
	for i, q := range on {
		if i > 0 {
			line = append(line, vg.Point{X: tx(scaled(q.overhead)), Y: ty(on[i-1].advantage)})
		}
		line = append(line, vg.Point{X: tx(scaled(q.overhead)), Y: ty(q.advantage)})
	}
	c.StrokeLines(draw.LineStyle{Color: color.Gray{120}, Width: 0.8, Dashes: []vg.Length{3, 2}}, line)
}

// marks are the points with their intervals.
type marks []point

// Plot draws them.
func (m marks) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, q := range m {
		x := tx(scaled(q.overhead))
		if q.interval {
			ls := draw.LineStyle{Color: q.color, Width: 0.8}
			c.StrokeLine2(ls, x, ty(q.lo), x, ty(q.hi))
			c.StrokeLine2(ls, x-2, ty(q.lo), x+2, ty(q.lo))
			c.StrokeLine2(ls, x-2, ty(q.hi), x+2, ty(q.hi))
		}
		c.DrawGlyph(draw.GlyphStyle{Color: q.color, Radius: 3, Shape: q.glyph}, vg.Point{X: x, Y: ty(q.advantage)})
	}
}

// legendRow is the height of one line of the legend, legendMargin the room
// beside it.
const (
	legendRow    vg.Length = 10
	legendMargin vg.Length = 6
)

// legendRows breaks entries into lines that fit the column.
func legendRows(pts []point) [][]point {
	sty := small(color.Black, draw.XLeft, draw.YCenter)
	var rows [][]point
	room := vg.Length(0)
	for _, q := range pts {
		w := sty.Width(q.name) + 22
		if room < w || len(rows) == 0 {
			rows = append(rows, nil)
			room = ColumnWidth - 2*legendMargin
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], q)
		room -= w
	}
	return rows
}

func legendHeight(pts []point) vg.Length { return vg.Length(len(legendRows(pts)))*legendRow + 6 }

// drawLegend puts the legend above the plot, where it covers no data.
func drawLegend(c draw.Canvas, pts []point) {
	sty := small(color.Black, draw.XLeft, draw.YCenter)
	y := c.Max.Y - legendRow/2 - 2
	for _, row := range legendRows(pts) {
		x := c.Min.X + legendMargin
		for _, q := range row {
			c.DrawGlyph(draw.GlyphStyle{Color: q.color, Radius: 2.6, Shape: q.glyph}, vg.Point{X: x + 4, Y: y})
			c.FillText(sty, vg.Point{X: x + 10, Y: y}, q.name)
			x += sty.Width(q.name) + 22
		}
		y -= legendRow
	}
}

func list(s []string) string { return strings.Join(s, ", ") }
