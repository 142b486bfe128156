// Package figure draws pictures for pages and papers as SVG, PDF, PNG and PGF.
// It knows no result: each kind of picture is a struct of names and numbers
// (HeatMap, Bars, Dots, Lines, Tradeoff, Sequences, Rates, Ranks, Strips) with a
// method Figure; Stack sets pictures below each other.
//
// Figures are drawn by gonum/plot. Text keeps its size in points whatever the
// width, so a figure is drawn at the width at which it is printed.
package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgtex"
)

// ColumnWidth is the width of a column of a two-column paper, and of a figure
// that is asked for no other.
const ColumnWidth vg.Length = 3.33 * vg.Inch

// PageWidth is the width of both columns, for pictures of many packets.
const PageWidth vg.Length = 7 * vg.Inch

// Figure is one picture. The caption is not part of it: a paper sets captions
// itself.
type Figure struct {
	Name, Title, Caption string
	// Defense is the only one that the picture is of, if so: a page lets choose.
	Defense string
	// About says what the picture is of, such as its task and its data, the most
	// important first: it stands above the picture, for pictures travel without their
	// captions. What there is no room for is left out.
	About []string
	// Better is where those are better off who live in the home; it stands above the
	// picture too.
	Better Better

	// height is how high the picture is at a width.
	height func(width vg.Length) vg.Length
	draw   func(c draw.Canvas)
}

// drawing is what kinds of pictures have in common.
type drawing interface {
	height(width vg.Length) vg.Length
	draw(c draw.Canvas)
}

func of(d drawing, title, caption string) Figure {
	return Figure{Title: title, Caption: caption, height: d.height, draw: d.draw}
}

// Height is that of the figure at a width.
func (f Figure) Height(width vg.Length) vg.Length { return f.height(width) + f.headHeight() }

// Stack sets figures below each other, each with its own head.
func Stack(title, caption string, figs ...Figure) Figure { return of(stack(figs), title, caption) }

type stack []Figure

func (s stack) height(width vg.Length) vg.Length {
	var h vg.Length
	for _, f := range s {
		h += f.Height(width)
	}
	return h
}

func (s stack) draw(c draw.Canvas) {
	y := c.Max.Y
	for _, f := range s {
		h := f.Height(c.Max.X - c.Min.X)
		f.drawAll(draw.Crop(c, 0, 0, y-h-c.Min.Y, y-c.Max.Y))
		y -= h
	}
}

// Format is a file format of figures.
type Format string

// Formats that Write knows.
const (
	SVG Format = "svg"
	PDF Format = "pdf"
	PNG Format = "png"
	PGF Format = "pgf"

	// Inline is SVG as part of a page, which loads Font itself.
	Inline Format = "inline"
)

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case SVG, PDF, PNG, PGF:
		return f, nil
	}
	return "", fmt.Errorf("no figure in format %q: want svg, pdf, png or pgf", s)
}

// ParseWidth reads a width such as 3.33in, 8.5cm or 240pt.
func ParseWidth(s string) (vg.Length, error) {
	w, err := vg.ParseLength(s)
	if err != nil {
		return 0, fmt.Errorf("width %q: want a number and in, cm, mm or pt, such as 3.33in", s)
	}
	if w < vg.Inch || w > 40*vg.Inch {
		return 0, fmt.Errorf("width %q: want 1in to 40in", s)
	}
	return w, nil
}

// pngDPI is what printers of papers want at least.
const pngDPI = 300

// Write draws f at the given width, 0 for ColumnWidth. Text keeps its size in
// points: a wider figure has more room, not larger type. Bytes are the same
// each time. Errors are those of w, and a format that is none.
func (f Figure) Write(w io.Writer, format Format, width vg.Length) error {
	if width == 0 {
		width = ColumnWidth
	}
	height := f.Height(width)

	if format == SVG || format == Inline {
		s := newSVG(width, height)
		f.drawAll(draw.NewCanvas(s, width, height))
		return s.write(w, f, format == SVG)
	}

	// c writes the file; surface is c behind what mends text for the format.
	var c vg.CanvasWriterTo
	var surface vg.Canvas
	switch format {
	case PNG:
		img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(pngDPI), vgimg.UseBackgroundColor(color.White))
		c, surface = vgimg.PngCanvas{Canvas: img}, plainCanvas{img}
	case PDF:
		stablePDF()
		p := vgpdf.New(width, height)
		c, surface = p, cp1252Canvas{p}
	case PGF:
		t := vgtex.New(width, height)
		c, surface = t, texCanvas{t}
	default:
		_, err := ParseFormat(string(format))
		return err
	}
	f.drawAll(draw.NewCanvas(surface, width, height))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := w.Write(described(b.Bytes(), format, f))
	return err
}

// Better is a direction on a picture.
type Better int

// Directions in which those are better off who live in the home. Nowhere is of
// pictures that only show.
const (
	Nowhere Better = iota
	Down
	Left
	DownLeft
	DownRight
	UpLeft
	Light // of heat maps, whose colors are what counts
)

// angle is that of the arrow; ok is false where none is drawn.
func (b Better) angle() (rad float64, ok bool) {
	eighths := map[Better]float64{UpLeft: 3, Left: 4, DownLeft: 5, Down: 6, DownRight: 7}[b]
	return eighths * math.Pi / 4, eighths > 0
}

// word stands behind the arrow, or in place of it.
func (b Better) word() string {
	switch b {
	case Nowhere:
		return ""
	case Light:
		return "lighter is better"
	}
	return "better"
}

// Sizes in points of the line above a picture.
const (
	headHigh   = 11
	headMiddle = 4.5 // from its top to the middle of its letters
	arrowRoom  = 10
	arrowHalf  = 3.5
	arrowTip   = 2.6
)

// headHeight is that of the line above the picture; the data of a picture without
// one begin at its top.
func (f Figure) headHeight() vg.Length {
	if len(f.About) == 0 && f.Better == Nowhere {
		return 0
	}
	return headHigh
}

// drawAll draws the picture with the line above it.
func (f Figure) drawAll(c draw.Canvas) {
	high := f.headHeight()
	f.draw(draw.Crop(c, 0, 0, 0, -high))
	if high == 0 {
		return
	}

	// The direction stands at the right, and what the picture is of has the rest.
	y, room := c.Max.Y-headMiddle, c.Max.X-c.Min.X-2*edge
	if word := f.Better.word(); word != "" {
		sty := aligned(smallType, right, center)
		c.FillText(sty, vg.Point{X: c.Max.X - edge, Y: y}, word)
		used := sty.Width(word)
		if rad, ok := f.Better.angle(); ok {
			arrow(c, vg.Point{X: c.Max.X - edge - used - arrowRoom/2., Y: y}, rad)
			used += arrowRoom
		}
		room -= used + fitGap
	}
	sty := aligned(smallType, left, center)
	parts := f.About
	for len(parts) > 1 && sty.Width(strings.Join(parts, ", ")) > room {
		parts = parts[:len(parts)-1]
	}
	c.FillText(sty, vg.Point{X: c.Min.X + edge, Y: y}, fit(sty, strings.Join(parts, ", "), room))
}

// arrow draws one about its middle. It is drawn, not written: few fonts have the
// letters, and PDF none of them.
func arrow(c draw.Canvas, at vg.Point, rad float64) {
	toward := func(from vg.Point, length vg.Length, angle float64) vg.Point {
		sin, cos := math.Sincos(angle)
		return vg.Point{X: from.X + length*vg.Length(cos), Y: from.Y + length*vg.Length(sin)}
	}
	end := toward(at, arrowHalf, rad)
	c.StrokeLines(frameLine(), []vg.Point{toward(at, -arrowHalf, rad), end})
	const open = 0.85 * math.Pi // between the shaft and each half of the tip
	c.StrokeLines(frameLine(), []vg.Point{toward(end, arrowTip, rad+open), end, toward(end, arrowTip, rad-open)})
}
