package figure

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgtex"

	"veilbench/reports/table"
)

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
		return strings.TrimSuffix(strings.TrimRight(table.Fixed(v, 2), "0"), ".")
	}
	s = svgTag.ReplaceAllStringFunc(s, func(tag string) string { return svgNumber.ReplaceAllStringFunc(tag, short) })
	at := svgOpen.FindStringIndex(s)
	if at == nil {
		return s
	}
	return s[:at[1]] + fmt.Sprintf("\n<title>%s</title>\n<desc>%s</desc>", escapeXML(f.Title), escapeXML(f.Caption)) + s[at[1]:]
}

func escapeXML(s string) string { return html.EscapeString(table.Plain(s)) }

// plainCanvas keeps control characters out of pictures.
type plainCanvas struct{ vg.Canvas }

// FillString draws s without control characters.
func (c plainCanvas) FillString(f font.Face, pt vg.Point, s string) {
	c.Canvas.FillString(f, pt, table.Plain(s))
}

// cp1252Canvas hands vgpdf text in the encoding that it declares; it garbles
// everything else.
type cp1252Canvas struct{ *vgpdf.Canvas }

// FillString draws s in Windows-1252; what that lacks gets an ASCII name.
func (c cp1252Canvas) FillString(f font.Face, pt vg.Point, s string) {
	s = strings.NewReplacer("≤", "<=", "≥", ">=", "→", "->", "Δ", "delta", "σ", "sigma", "ε", "eps").Replace(table.Plain(s))
	out, err := encoding.ReplaceUnsupported(charmap.Windows1252.NewEncoder()).String(s)
	if err != nil {
		out = "?"
	}
	// The encoder writes the control character SUB for what it lacks.
	c.Canvas.FillString(f, pt, strings.ReplaceAll(out, "\x1a", "?"))
}

// texCanvas escapes text, which vgtex hands to TeX as it is.
type texCanvas struct{ *vgtex.Canvas }

// FillString draws s escaped for TeX.
func (c texCanvas) FillString(f font.Face, pt vg.Point, s string) {
	c.Canvas.FillString(f, pt, table.EscapeTeX(s))
}
