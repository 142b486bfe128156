package figure

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines are shares from 0 to 1 against a number, a line for each of Names.
type Lines struct {
	X     Axis
	YName string
	Names []string
	// Series are the points of each line, by ascending X.
	Series [][]Point
	// Marks puts a sign on each point and sets the lines a little beside each
	// other, so that their intervals can be told apart.
	Marks bool
	// Levels are a Y for each line that belongs to no X: drawn across the plot, with
	// the sign of the line at its end. LevelName is what they are. None where Levels
	// is empty.
	Levels    []Point
	LevelName string
}

// Point is a point of a line. Where it is Missing the line has a gap: it is not
// drawn across what is not known.
type Point struct {
	X, Y        float64
	Lo, Hi      float64 // bounds of Y if HasInterval
	HasInterval bool
	Missing     bool
	// Tip is what readers of a page see when they point at it, where it has a sign.
	Tip string
}

// lineMark is the radius of a mark on a line.
const lineMark = 2

// Figure draws the lines.
func (l Lines) Figure(title, caption string) Figure { return of(l, title, caption) }

func (l Lines) height(width vg.Length) vg.Length {
	return plotHeight(width, 0.62, l.legend())
}

// legend has an entry for each line, and one for all levels.
func (l Lines) legend() legend {
	out := strokes(l.Names, l.Marks)
	if len(l.Levels) > 0 {
		out = append(out, entry{l.LevelName, func(c draw.Canvas, at vg.Point) {
			c.StrokeLine2(levelLine(color.Black), at.X-6, at.Y, at.X+6, at.Y)
		}})
	}
	return out
}

// levelLine is the stroke of a level, thinner and finer than any line's.
func levelLine(c color.Color) draw.LineStyle { return line(c, 0.7, 0.7, 1.4) }

func (l Lines) draw(c draw.Canvas) {
	pl := newPlot(l.X.name, l.YName)
	pl.Add(linePlotter{l})
	pl.X.Min, pl.X.Max, pl.wide = l.X.min, l.X.max, l.X.wide
	if l.X.ticks != nil {
		pl.X.Tick.Marker = l.X.ticks
	}
	if l.X.log {
		pl.X.Scale = plot.LogScale{}
	}
	pl.drawAbove(c, l.legend())
}

// linePlotter is Lines as gonum's Plotter: plotter.Line knows no gaps, and its
// marks are clipped at the frame, where scores of 0 and 1 stand.
type linePlotter struct{ Lines }

// Plot draws onto c; it implements plot.Plotter.
func (l linePlotter) Plot(c draw.Canvas, p *plot.Plot) {
	const (
		beside = 1.6 // points between the marks of two lines, and
		spread = 10  // of all: a mark far from its value would be read as another
	)
	tx, ty := p.Transforms(&c)
	shareGrid(c, ty)
	for i, q := range l.Levels {
		if !q.Missing {
			c.StrokeLine2(levelLine(okabeIto(i)), c.Min.X, ty(q.Y), c.Max.X, ty(q.Y))
			mark(c, i, vg.Point{X: c.Max.X, Y: ty(q.Y)}, lineMark)
		}
	}

	for i, series := range l.Series {
		var aside vg.Length
		if l.Marks {
			step := min(beside, spread/vg.Length(max(len(l.Series)-1, 1)))
			aside = step * (vg.Length(i) - vg.Length(len(l.Series)-1)/2)
		}
		var pts []vg.Point
		stroke := func() {
			if len(pts) > 1 {
				c.StrokeLines(seriesLine(i), pts)
			}
			pts = nil
		}

		for _, q := range series {
			if q.Missing {
				stroke()
				continue
			}
			at := vg.Point{X: tx(q.X) + aside, Y: ty(q.Y)}
			pts = append(pts, at)
			tip(c, q.Tip, func() {
				if l.Marks {
					mark(c, i, at, lineMark)
				}
				if q.HasInterval {
					c.StrokeLine2(line(okabeIto(i), 0.6), at.X, ty(q.Lo), at.X, ty(q.Hi))
				}
			})
		}
		stroke()
	}
}
