package figure

import (
	"html"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
	imagefont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
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

// FillString draws s in Windows-1252; signs that it lacks get an ASCII name, and names
// in other alphabets are drawn as outlines, which no reader can copy but every one
// tells apart.
func (c cp1252Canvas) FillString(f font.Face, pt vg.Point, s string) {
	s = strings.NewReplacer("≤", "<=", "≥", ">=", "→", "->", "Δ", "delta", "σ", "sigma", "ε", "eps").Replace(table.Plain(s))
	foreign := func(r rune) bool { _, ok := charmap.Windows1252.EncodeRune(r); return !ok }
	native := func(r rune) bool { return !foreign(r) }
	for s != "" {
		// Outlines take ten times the place of text, so each stretch gets what it needs.
		stop := foreign
		if r, _ := utf8.DecodeRuneInString(s); foreign(r) {
			stop = native
		}
		n := strings.IndexFunc(s, stop)
		if n < 0 {
			n = len(s)
		}
		c.stretch(f, pt, s[:n])
		pt.X += f.Width(s[:n])
		s = s[n:]
	}
}

// stretch draws text that is in Windows-1252 as a whole, or not at all.
func (c cp1252Canvas) stretch(f font.Face, pt vg.Point, s string) {
	out, err := charmap.Windows1252.NewEncoder().String(s)
	if err != nil {
		if path, err := outlines(f.Face, f.Font.Size, pt, s); err == nil {
			c.Fill(path)
			return
		}
		out = strings.Repeat("?", len([]rune(s)))
	}
	f.Face = pdfTypeface()
	c.Canvas.FillString(f, pt, out)
}

// outlines are the letters of s as shapes, from pt on. A letter that f lacks is its box.
func outlines(f *opentype.Font, size vg.Length, pt vg.Point, s string) (path vg.Path, err error) {
	// At as many points as the em has units, coordinates are whole units of the font.
	var buf sfnt.Buffer
	em := fixed.Int26_6(f.UnitsPerEm())
	scale := size / vg.Length(em)
	for _, r := range s {
		g, err := f.GlyphIndex(&buf, r)
		if err != nil {
			return nil, err
		}
		shape, err := f.LoadGlyph(&buf, g, em, nil)
		if err != nil {
			return nil, err
		}

		// Fonts of this kind count downward from the line.
		at := func(p fixed.Point26_6) vg.Point {
			return vg.Point{X: pt.X + scale*vg.Length(p.X), Y: pt.Y - scale*vg.Length(p.Y)}
		}
		for _, seg := range shape {
			switch a := seg.Args; seg.Op {
			case sfnt.SegmentOpMoveTo:
				path.Move(at(a[0]))
			case sfnt.SegmentOpLineTo:
				path.Line(at(a[0]))
			case sfnt.SegmentOpQuadTo:
				path.QuadTo(at(a[0]), at(a[1]))
			case sfnt.SegmentOpCubeTo:
				path.CubeTo(at(a[0]), at(a[1]), at(a[2]))
			}
		}

		advance, err := f.GlyphAdvance(&buf, g, em, imagefont.HintingNone)
		if err != nil {
			return nil, err
		}
		pt.X += scale * vg.Length(advance)
	}
	return path, nil
}

// texCanvas escapes text, which vgtex hands to TeX as it is.
type texCanvas struct{ *vgtex.Canvas }

// FillString draws s escaped for TeX.
func (c texCanvas) FillString(f font.Face, pt vg.Point, s string) {
	c.Canvas.FillString(f, pt, table.EscapeTeX(s))
}
