package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/palette/brewer"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of type in points, for a figure that is printed at its own width.
const (
	smallType = 7
	labelType = 8
)

// Room in points that several kinds of figures leave.
const (
	rim     = 4  // above the data, so that no stroke is cut off
	nameGap = 4  // between the name of a row and the row
	edge    = 1  // between an axis' name and the edge of the picture
	tick    = 3  // length of a tick
	fitGap  = 6  // between two texts of one line, the longer of which is cut
	overlap = .3 // what rectangles side by side overlap, lest a hairline shows
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

// upright is text that runs from bottom to top, its top at its point.
func upright(size vg.Length) text.Style {
	s := aligned(size, center, top)
	s.Rotation = math.Pi / 2
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

// axisLine is the stroke of axes and their ticks.
func axisLine() draw.LineStyle { return line(color.Black, 0.5) }

// frameLine is the stroke of what bounds the data, such as whiskers.
func frameLine() draw.LineStyle { return line(color.Black, 0.6) }

// gridLine is the stroke of lines behind the data.
func gridLine() draw.LineStyle { return line(color.Gray{215}, 0.4) }

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

// directionColor is dark for what is sent and light for what is received, so
// that they differ in gray.
func directionColor(up bool) color.Color {
	if up {
		return okabeIto(0)
	}
	return okabeIto(1)
}

// glyph gives each series a shape too, for print without color.
func glyph(i int) draw.GlyphDrawer {
	g := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}}
	return g[i%len(g)]
}

// mark draws the sign of series i.
func mark(c draw.Canvas, i int, at vg.Point, r vg.Length) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: okabeIto(i), Radius: r, Shape: glyph(i)}, at)
}

// dashes gives each line a pattern too.
func dashes(i int) []vg.Length {
	d := [][]vg.Length{nil, {4, 2}, {1, 1.5}, {5, 1.5, 1, 1.5}, {7, 2}, {2, 2}}
	return d[i%len(d)]
}

// blues goes from near white at 0 to dark blue at 1 in steps of equal
// lightness, so that it also reads in gray: ColorBrewer's Blues, mixed between
// its nine colors.
func blues(v float64) color.NRGBA {
	p, err := brewer.GetPalette(brewer.TypeSequential, "Blues", 9)
	if err != nil {
		panic(err) // the palette is part of the library
	}
	stops := p.Colors()
	v = min(max(v, 0), 1) * float64(len(stops)-1)
	i := min(int(v), len(stops)-2)
	f := v - float64(i)
	r0, g0, b0, _ := stops[i].RGBA()
	r1, g1, b1, _ := stops[i+1].RGBA()
	mix := func(a, b uint32) uint8 { return uint8(math.Round(float64(a>>8)*(1-f) + float64(b>>8)*f)) }
	return color.NRGBA{mix(r0, r1), mix(g0, g1), mix(b0, b1), 255}
}

// onLight is black on a color, which stays when a page turns the rest of a
// picture's black light.
var onLight = color.NRGBA{0, 0, 0, 255}

// textOn is black or white, whichever reads better on c: the relative luminance
// of WCAG 2.2, and the one that contrasts equally with both.
func textOn(c color.NRGBA) color.Color {
	const equal = 0.179
	lin := func(u uint8) float64 {
		x := float64(u) / 255
		if x <= 0.03928 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	if 0.2126*lin(c.R)+0.7152*lin(c.G)+0.0722*lin(c.B) > equal {
		return onLight
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

// widest is the width of the longest of some texts.
func widest(sty text.Style, texts []string) vg.Length {
	var w vg.Length
	for _, t := range texts {
		w = max(w, sty.Width(t))
	}
	return w
}

// rowRoom is the width of the names of rows at a width of the figure; long ones
// are cut, for the rows are what the figure is about.
func rowRoom(names []string, width vg.Length) vg.Length {
	return min(widest(typeStyle(smallType), names), 0.42*width) + nameGap + 2
}

// laneHead writes the title of a lane at the left and a note at the right,
// between x0 and x1; where they are too long together the title is cut.
func laneHead(c draw.Canvas, title, note string, x0, x1, y vg.Length) {
	sty := aligned(smallType, left, center)
	c.FillText(sty, vg.Point{X: x0, Y: y}, fit(sty, title, x1-x0-sty.Width(note)-fitGap))
	c.FillText(aligned(smallType, right, center), vg.Point{X: x1, Y: y}, note)
}

// roundStep is the smallest round step that goes at most n times into v.
func roundStep(v float64, n int) float64 {
	step := math.Pow(10, math.Floor(math.Log10(v/float64(n))))
	for _, f := range []float64{1, 2, 5} {
		if v/(step*f) <= float64(n) {
			return step * f
		}
	}
	return step * 10
}
