package figure

import (
	"html"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/opentype"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgtex"

	"veilbench/reports/fontsubset"
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

func escapeXML(s string) string { return html.EscapeString(table.Plain(s)) }

// pdfTypeface is the typeface cut down to Windows-1252: vgpdf embeds whole
// fonts, ten times as large. One cut serves all files, for vgpdf keeps each
// font that it has seen.
var pdfTypeface = sync.OnceValue(func() *opentype.Font {
	var all []byte
	for b := 32; b < 256; b++ {
		all = append(all, byte(b))
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(all)
	if err != nil {
		panic(err) // the table is part of the library
	}
	ttf, err := fontsubset.Cut(typeface(), string(text), "FIGURE+Sans") // as PDF wants parts of fonts to be named
	if err != nil {
		panic(err) // so is the font
	}
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(err)
	}
	return f
})

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
	f.Face = pdfTypeface()
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
