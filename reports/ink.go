package reports

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of type in points, for a figure that is printed at its own width.
const (
	smallType = 7
	labelType = 8
)

// liberation has the widths of Arial and Helvetica.
func liberation(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// typeStyle is text of one size, centered on its point.
func typeStyle(size vg.Length) text.Style {
	return text.Style{
		Color: color.Black, Font: liberation(size), Handler: plot.DefaultTextHandler,
		XAlign: draw.XCenter, YAlign: draw.YCenter,
	}
}

// aligned is typeStyle with another alignment.
func aligned(size vg.Length, x, y float64) text.Style {
	s := typeStyle(size)
	s.XAlign, s.YAlign = text.XAlignment(x), text.YAlignment(y)
	return s
}

// Alignments of text about its point.
const (
	left, center, right = 0, -0.5, -1
	bottom, top         = 0, -1
)

// line is a stroke.
func line(c color.Color, width vg.Length, dashes ...vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: width, Dashes: dashes}
}

// okabeIto is the palette of Okabe and Ito that color-blind readers tell
// apart, darkest first so that few series differ in gray too. An olive stands
// for its yellow, which is lost on white paper. From the ninth series on colors
// come in another order, so that none has the sign of another, too.
func okabeIto(i int) color.Color {
	p := []color.NRGBA{
		{0x00, 0x72, 0xb2, 255},
		{0xe6, 0x9f, 0x00, 255},
		{0x00, 0x9e, 0x73, 255},
		{0xd5, 0x5e, 0x00, 255},
		{0x56, 0xb4, 0xe9, 255},
		{0xcc, 0x79, 0xa7, 255},
		{0x40, 0x40, 0x40, 255},
		{0x80, 0x80, 0x00, 255},
	}
	return p[(i+i/len(p)*3)%len(p)]
}

// glyph gives each series a shape too, for print without color.
func glyph(i int) draw.GlyphDrawer {
	g := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}}
	return g[i%len(g)]
}

// dashes gives each line a pattern too.
func dashes(i int) []vg.Length {
	d := [][]vg.Length{nil, {4, 2}, {1, 1.5}, {5, 1.5, 1, 1.5}, {7, 2}, {2, 2}}
	return d[i%len(d)]
}

// blues goes from near white at 0 to dark blue at 1 in steps of equal
// lightness, so that it also reads in gray.
func blues(v float64) color.NRGBA {
	stops := [][3]float64{{247, 251, 255}, {222, 235, 247}, {198, 219, 239}, {158, 202, 225}, {107, 174, 214}, {66, 146, 198}, {33, 113, 181}, {8, 81, 156}, {8, 48, 107}}
	v = min(max(v, 0), 1) * float64(len(stops)-1)
	i := min(int(v), len(stops)-2)
	f := v - float64(i)
	mix := func(k int) uint8 { return uint8(math.Round(stops[i][k]*(1-f) + stops[i+1][k]*f)) }
	return color.NRGBA{mix(0), mix(1), mix(2), 255}
}

// inkOn is black or white, whichever reads better on c.
func inkOn(c color.NRGBA) color.Color {
	lin := func(u uint8) float64 {
		x := float64(u) / 255
		if x <= 0.03928 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	if 0.2126*lin(c.R)+0.7152*lin(c.G)+0.0722*lin(c.B) > 0.179 {
		return color.Black
	}
	return color.White
}

// fillRect paints a rectangle.
func fillRect(c draw.Canvas, col color.Color, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(col, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

// fit cuts s in the middle until it is no wider than w.
func fit(sty text.Style, s string, w vg.Length) string {
	if sty.Width(s) <= w {
		return s
	}
	r := []rune(s)
	for n := len(r) - 1; n > 1; n-- {
		cut := string(r[:(n+1)/2]) + "…" + string(r[len(r)-n/2:])
		if sty.Width(cut) <= w {
			return cut
		}
	}
	return "…"
}

// axes is a plot whose axis labels are set by us: the library makes room for
// half of a label at the right edge.
type axes struct {
	*plot.Plot
	x, y string
}

// newPlot is a plot with axes in our type. Legends are drawn apart: the
// library's lie over the data.
func newPlot(x, y string) axes {
	p := plot.New()
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = liberation(labelType)
		a.Tick.Label.Font = liberation(smallType)
		a.LineStyle.Width = 0.6
		a.Tick.LineStyle.Width = 0.5
		a.Tick.Length = 3
		a.Padding = 3
	}
	return axes{p, x, y}
}

// draw draws the plot and its axis labels into c.
func (a axes) draw(c draw.Canvas) {
	inner := draw.Crop(c, 14, -6, 11, -5)
	a.Plot.Draw(inner)
	data := a.DataCanvas(inner)
	c.FillText(aligned(labelType, center, bottom), vg.Point{X: (data.Min.X + data.Max.X) / 2, Y: c.Min.Y + 1}, a.x)
	side := aligned(labelType, center, top)
	side.Rotation = math.Pi / 2
	c.FillText(side, vg.Point{X: c.Min.X + 1, Y: (data.Min.Y + data.Max.Y) / 2}, a.y)
}

// share01 are the ticks of an axis from 0 to 1.
func share01() plot.ConstantTicks {
	return plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 0.25}, {Value: 0.5, Label: "0.5"}, {Value: 0.75}, {Value: 1, Label: "1"}}
}

// keyEntry is one entry of a legend.
type keyEntry struct {
	text  string
	thumb func(c draw.Canvas, center vg.Point)
}

const (
	keyRow   = 10 // height of a row of a legend
	keyThumb = 16 // room for the sign in front
)

// keyColumns is how many entries stand side by side at a width.
func keyColumns(es []keyEntry, width vg.Length) int {
	sty := typeStyle(smallType)
	var widest vg.Length
	for _, e := range es {
		widest = max(widest, sty.Width(e.text))
	}
	return max(1, min(len(es), int((width-4)/(keyThumb+widest+8))))
}

// keyHeight is the height of a legend at a width.
func keyHeight(es []keyEntry, width vg.Length) vg.Length {
	cols := keyColumns(es, width)
	return vg.Length((len(es)+cols-1)/cols)*keyRow + 4
}

// drawKey draws a legend downwards from the top of c, entries running down the
// columns.
func drawKey(c draw.Canvas, es []keyEntry) {
	width := c.Max.X - c.Min.X
	cols := keyColumns(es, width)
	rows := (len(es) + cols - 1) / cols
	sty := aligned(smallType, left, center)
	step := (width - 4) / vg.Length(cols)
	for i, e := range es {
		x := c.Min.X + 4 + vg.Length(i/rows)*step
		y := c.Max.Y - 2 - (vg.Length(i%rows)+0.5)*keyRow
		e.thumb(c, vg.Point{X: x + keyThumb/2 - 2, Y: y})
		c.FillText(sty, vg.Point{X: x + keyThumb, Y: y}, fit(sty, e.text, step-keyThumb-4))
	}
}
