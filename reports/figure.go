package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
	"gonum.org/v1/plot/vg/vgtex"

	"veilbench/bench"
)

// ColumnWidth is the width of one column of a two-column paper.
const ColumnWidth = 3.33 * vg.Inch

// Figure is a picture before it gets a format.
type Figure struct {
	// Name is a word for files and flags.
	Name string
	// Caption says what is shown, on which data, with which parameters, seed,
	// split and n.
	Caption string
	// Width and Height are the size in print.
	Width, Height vg.Length
	// Draw fills a canvas of that size.
	Draw func(c draw.Canvas)
}

// Formats lists the figure formats.
func Formats() []string { return []string{"svg", "png", "pdf", "pgf"} }

// Write writes the figure in one of Formats. The same figure gives the same
// bytes each time.
func (f Figure) Write(w io.Writer, format string) error {
	var c vg.CanvasWriterTo
	switch format {
	case "svg":
		c = vgsvg.New(f.Width, f.Height)
	case "png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(300), vgimg.UseBackgroundColor(color.White))}
	case "pdf":
		// Dates inside the file would differ from run to run.
		fpdf.SetDefaultCreationDate(time.Unix(0, 0).UTC())
		fpdf.SetDefaultModificationDate(time.Unix(0, 0).UTC())
		fpdf.SetDefaultCatalogSort(true)
		c = pdfCanvas{vgpdf.New(f.Width, f.Height)}
	case "pgf":
		c = texCanvas{vgtex.New(f.Width, f.Height)}
	default:
		return fmt.Errorf("figure format %q: want one of %s", format, strings.Join(Formats(), ", "))
	}
	f.Draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	out := b.Bytes()
	if format == "svg" {
		out = plainFonts(out)
	}
	_, err := w.Write(out)
	return err
}

// plainFonts names fonts that readers have, with the metrics the figure was
// laid out for, so that they need not be embedded.
func plainFonts(svg []byte) []byte {
	return regexp.MustCompile(`font-family:[^;"]*`).ReplaceAll(svg, []byte(`font-family:'Liberation Sans',Arial,Helvetica,sans-serif`))
}

// pdfCanvas hands vgpdf text in the encoding that it declares.
type pdfCanvas struct{ *vgpdf.Canvas }

func (c pdfCanvas) FillString(f font.Face, at vg.Point, s string) {
	s = strings.NewReplacer("≤", "<=", "≥", ">=", "→", "->", "σ", "sigma", "ε", "epsilon", "δ", "delta").Replace(s)
	s, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).String(s)
	if err != nil {
		s = "?"
	}
	c.Canvas.FillString(f, at, s)
}

// texCanvas escapes text for TeX, which vgtex does not.
type texCanvas struct{ *vgtex.Canvas }

func (c texCanvas) FillString(f font.Face, at vg.Point, s string) {
	c.Canvas.FillString(f, at, escapeLaTeX(s))
}

// writeFigures draws the figures of a run into dir and returns their names for
// the terminal.
func writeFigures(dir string, rs []bench.Result, o Options) (string, error) {
	var names []string
	for _, f := range []Figure{HeatMap(rs, o), Tradeoff(rs, o)} {
		for _, format := range []string{"svg", "png", "pdf"} {
			var b bytes.Buffer
			if err := f.Write(&b, format); err != nil {
				return "", fmt.Errorf("figure %s: %w", f.Name, err)
			}
			if err := bench.WriteAtomic(filepath.Join(dir, f.Name+"."+format), b.Bytes()); err != nil {
				return "", err
			}
		}
		names = append(names, filepath.Join(dir, f.Name+".{svg,png,pdf}"))
	}
	return strings.Join(names, "  "), nil
}

// sans is the font of all figures.
func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// newPlot is an empty plot in the house style: small legible type, thin lines.
func newPlot() *plot.Plot {
	p := plot.New()
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Tick.Label.Font = sans(7)
		a.Label.TextStyle.Font = sans(8)
		a.LineStyle.Width = 0.6
		a.Tick.LineStyle.Width = 0.5
		a.Tick.Length = 3
		a.Padding = 3
	}
	p.Title.TextStyle.Font = sans(9)
	p.Legend.TextStyle.Font = sans(7)
	return p
}

// okabeIto is a palette that people with any color vision can tell apart.
func okabeIto() []color.Color {
	return []color.Color{
		color.NRGBA{0x00, 0x72, 0xB2, 255}, color.NRGBA{0xD5, 0x5E, 0x00, 255}, color.NRGBA{0x00, 0x9E, 0x73, 255},
		color.NRGBA{0xCC, 0x79, 0xA7, 255}, color.NRGBA{0xE6, 0x9F, 0x00, 255}, color.NRGBA{0x56, 0xB4, 0xE9, 255}, color.Black,
	}
}

// glyphs go with okabeIto, so that series differ in gray too.
func glyphs() []draw.GlyphDrawer {
	return []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, draw.RingGlyph{}, draw.TriangleGlyph{}, draw.SquareGlyph{}, draw.CrossGlyph{},
	}
}

// small is the style of text on figures.
func small(c color.Color, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{Color: c, Font: sans(7), XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler}
}

// luminance is the relative luminance of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	lin := func(u uint32) float64 {
		x := float64(u) / 65535
		if x <= 0.03928 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(r) + 0.7152*lin(g) + 0.0722*lin(b)
}

// on picks black or white for text on a background.
func on(background color.Color) color.Color {
	if luminance(background) > 0.179 {
		return color.Black
	}
	return color.White
}
