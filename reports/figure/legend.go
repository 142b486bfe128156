package figure

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// entry is one entry of a legend. gonum's legend lies over the data and has one
// column; ours stands above or below in as many as fit.
type entry struct {
	text  string
	thumb func(c draw.Canvas, center vg.Point)
}

// legend is entries that run down the columns.
type legend []entry

// Sizes in points.
const (
	legendRow   = 10 // height of a row
	legendThumb = 16 // room for the sign in front
	legendGap   = 8  // between columns
	legendRim   = 4  // around all
)

// columns is how many entries stand side by side at a width.
func (l legend) columns(width vg.Length) int {
	texts := make([]string, len(l))
	for i, e := range l {
		texts[i] = e.text
	}
	each := legendThumb + widest(typeStyle(smallType), texts) + legendGap
	return max(1, min(len(l), int((width-legendRim)/each)))
}

// height is that of the legend at a width.
func (l legend) height(width vg.Length) vg.Length {
	cols := l.columns(width)
	return vg.Length((len(l)+cols-1)/cols)*legendRow + legendRim
}

// draw draws the legend downwards from the top of c.
func (l legend) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	cols := l.columns(width)
	rows := (len(l) + cols - 1) / cols
	sty := aligned(smallType, left, center)
	step := (width - legendRim) / vg.Length(cols)
	for i, e := range l {
		x := c.Min.X + legendRim + vg.Length(i/rows)*step
		y := c.Max.Y - legendRim/2 - (vg.Length(i%rows)+0.5)*legendRow
		e.thumb(c, vg.Point{X: x + legendThumb/2 - 2, Y: y})
		c.FillText(sty, vg.Point{X: x + legendThumb, Y: y}, fit(sty, e.text, step-legendThumb-legendRim))
	}
}

// swatch is an entry with a rectangle that is 2*half wide.
func swatch(text string, c color.Color, half vg.Length) entry {
	return entry{text, func(cv draw.Canvas, at vg.Point) { fillRect(cv, c, at.X-half, at.Y-3, at.X+half, at.Y+3) }}
}

// strokes are entries with a piece of the line of each series, and its sign if
// marks is set.
func strokes(names []string, marks bool) legend {
	var out legend
	for i, n := range names {
		out = append(out, entry{n, func(c draw.Canvas, at vg.Point) {
			c.StrokeLine2(seriesLine(i), at.X-6, at.Y, at.X+6, at.Y)
			if marks {
				mark(c, i, at, lineMark)
			}
		}})
	}
	return out
}

// seriesLine is the stroke of series i.
func seriesLine(i int) draw.LineStyle { return line(okabeIto(i), 1.1, dashes(i)...) }
