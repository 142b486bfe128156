// Package figure draws pictures for pages and papers as SVG, PDF, PNG and PGF.
// It knows no result: each kind of picture is a struct of names and numbers
// (HeatMap, Bars, Lines, Tradeoff, Sequences, Rates, Ranks) with a method
// Figure.
//
// Figures are drawn by gonum/plot. Text keeps its size in points whatever the
// width, so a figure is drawn at the width at which it is printed.
package figure

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgtex"
)

// ColumnWidth is the width of a column of a two-column paper, and of a figure
// that is asked for no other.
const ColumnWidth vg.Length = 3.33 * vg.Inch

// Figure is one picture. The caption is not part of it: a paper sets captions
// itself.
type Figure struct {
	Name, Title, Caption string
	// Defense is the only one that the picture is of, if so: a page lets choose.
	Defense string

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
func (f Figure) Height(width vg.Length) vg.Length { return f.height(width) }

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
	height := f.height(width)

	if format == SVG || format == Inline {
		s := newSVG(width, height)
		f.draw(draw.NewCanvas(s, width, height))
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
	f.draw(draw.NewCanvas(surface, width, height))
	_, err := c.WriteTo(w)
	return err
}
