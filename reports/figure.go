package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
	"gonum.org/v1/plot/vg/vgtex"
)

// columnWidth is that of a two-column paper.
const columnWidth = 3.33 * vg.Inch

// Figure is one picture. The caption is not part of it: a paper sets captions
// itself.
type Figure struct {
	Name, Title, Caption string
	// height is how high the picture is at a width.
	height func(width vg.Length) vg.Length
	draw   func(c draw.Canvas)
}

// Width is the width at which the figure reads best in print.
func (f Figure) Width() vg.Length { return columnWidth }

// figureKind is a named kind of figure and what draws it.
type figureKind struct {
	name, doc string
	draw      func(*Set) []Figure
}

func figureKinds() []figureKind {
	return []figureKind{
		{"scores", "heat map of every attack on every defense", (*Set).heatMaps},
		{"tradeoff", "what is learned against what it costs, with the front", (*Set).tradeoffs},
		{"bars", "every attack on every defense with intervals", (*Set).bars},
		{"confusion", "which class is taken for which", (*Set).confusions},
		{"curves", "recall against false alarms", (*Set).curves},
		{"delay", "share of packets within a delay, for each defense", (*Set).delays},
		{"study", "score against a parameter of an attack", (*Set).studyFigures},
		{"tolerance", "recall of events against the matching tolerance", (*Set).toleranceFigures},
		{"shares", "recall of packets against their device's share of the window", (*Set).shareFigures},
		{"packets", "packets of single events, in order and behind each defense", (*Set).packetFigures},
		{"rates", "rates with true and detected events, of each device and behind each defense", (*Set).rateFigures},
		{"ranks", "critical-difference diagram of defenses", (*Set).ranks},
	}
}

// FigureNames lists what Figures knows, in report order.
func FigureNames() []string {
	var out []string
	for _, k := range figureKinds() {
		out = append(out, k.name)
	}
	return out
}

// Figures draws the figures of a kind, one for each panel that has something
// to show, the most important first. The name must be one of FigureNames, else
// the result is nil.
func (s *Set) Figures(name string) []Figure {
	for _, k := range figureKinds() {
		if k.name == name {
			fs := k.draw(s)
			for i := range fs {
				fs[i].Name = name
			}
			return fs
		}
	}
	return nil
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

// Write draws f in a format of figures at the given width, 0 for that of a
// column. Text keeps its size in points: a wider figure has more room, not
// larger type. Bytes are the same each time.
func (f Figure) Write(w io.Writer, format Format, width vg.Length) error {
	if width == 0 {
		width = columnWidth
	}
	height := f.height(width)
	var c vg.CanvasWriterTo
	var surface vg.Canvas
	switch format {
	case SVG:
		s := vgsvg.NewWith(vgsvg.UseWH(width, height))
		c, surface = s, plainCanvas{s}
	case PNG:
		img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(300), vgimg.UseBackgroundColor(color.White))
		c, surface = vgimg.PngCanvas{Canvas: img}, plainCanvas{img}
	case PDF:
		stablePDF()
		p := vgpdf.New(width, height)
		c, surface = p, cp1252Canvas{p}
	case PGF:
		t := vgtex.New(width, height)
		c, surface = t, texCanvas{t}
	default:
		return fmt.Errorf("no figure in format %q: want svg, pdf, png or pgf", format)
	}
	f.draw(draw.NewCanvas(surface, width, height))
	if format != SVG {
		_, err := c.WriteTo(w)
		return err
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, finishSVG(b.String(), f))
	return err
}

// stablePDF makes PDF files the same each time. fpdf offers this for the whole
// process alone.
var stablePDF = sync.OnceFunc(func() {
	epoch := time.Unix(0, 0).UTC()
	fpdf.SetDefaultCreationDate(epoch)
	fpdf.SetDefaultModificationDate(epoch)
	fpdf.SetDefaultCatalogSort(true)
})

var (
	svgOpen   = regexp.MustCompile(`<svg [^>]*>`)
	svgTag    = regexp.MustCompile(`<[^>]*>`)
	svgNumber = regexp.MustCompile(`-?[0-9]+\.[0-9]{3,}`)
)

// finishSVG names the fonts that have the widths with which text was placed,
// adds title and description for those who cannot see the picture, and drops
// digits below a hundredth of a point, in tags alone: text keeps its numbers.
func finishSVG(s string, f Figure) string {
	s = strings.ReplaceAll(s, "font-family:Liberation Sans", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif")
	short := func(n string) string {
		var v float64
		fmt.Sscan(n, &v) // the expression matches numbers only
		return strings.TrimSuffix(strings.TrimRight(fixed(v, 2), "0"), ".")
	}
	s = svgTag.ReplaceAllStringFunc(s, func(tag string) string { return svgNumber.ReplaceAllStringFunc(tag, short) })
	at := svgOpen.FindStringIndex(s)
	if at == nil {
		return s
	}
	return s[:at[1]] + fmt.Sprintf("\n<title>%s</title>\n<desc>%s</desc>", escapeXML(f.Title), escapeXML(f.Caption)) + s[at[1]:]
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(plain(s))
}

// plainCanvas keeps control characters out of pictures.
type plainCanvas struct{ vg.Canvas }

// FillString draws s without control characters.
func (c plainCanvas) FillString(f font.Face, pt vg.Point, s string) {
	c.Canvas.FillString(f, pt, plain(s))
}

// cp1252Canvas hands vgpdf text in the encoding that it declares; it garbles
// everything else.
type cp1252Canvas struct{ *vgpdf.Canvas }

// FillString draws s in Windows-1252; what that lacks gets an ASCII name.
func (c cp1252Canvas) FillString(f font.Face, pt vg.Point, s string) {
	s = strings.NewReplacer("≤", "<=", "≥", ">=", "→", "->", "Δ", "delta", "σ", "sigma", "ε", "eps").Replace(plain(s))
	out, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).String(s)
	if err != nil {
		out = "?"
	}
	c.Canvas.FillString(f, pt, strings.ReplaceAll(out, "\x1a", "?"))
}

// texCanvas escapes text, which vgtex hands to TeX as it is.
type texCanvas struct{ *vgtex.Canvas }

// FillString draws s escaped for TeX.
func (c texCanvas) FillString(f font.Face, pt vg.Point, s string) {
	c.Canvas.FillString(f, pt, escapeTeX(s))
}
