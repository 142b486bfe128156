package figure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"html"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
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

// described adds title and caption to the file of a picture, as what each format has
// for it: pictures travel alone, and the caption says which results they are of.
func described(b []byte, format Format, f Figure) []byte {
	title, caption := table.Plain(f.Title), table.Plain(f.Caption)
	if title == "" && caption == "" {
		return b
	}
	switch format {
	case PNG:
		return slices.Concat(b[:pngHead], pngText("Title", title), pngText("Description", caption), b[pngHead:])
	case PDF:
		return pdfInfo(b, title, caption)
	}
	return append([]byte("% "+title+"\n% "+caption+"\n"), b...) // PGF
}

// pngHead is the length of a PNG's signature and its first chunk, IHDR.
const pngHead = 8 + 12 + 13

// pngText is a chunk of international text (PNG, section 11.3.4.5), not compressed.
func pngText(key, text string) []byte {
	body := "iTXt" + key + "\x00\x00\x00\x00\x00" + text
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE([]byte(body)))
}

// pdfInfo appends to a PDF what the format calls an incremental update: the object of
// information anew, where it lies, and where the table of the others does (PDF 32000-1,
// 7.5.6). The library has no way to set it. A file of another form stays as it is.
func pdfInfo(b []byte, title, caption string) []byte {
	var size, root, info, start int
	tail := b[max(bytes.LastIndex(b, []byte("trailer")), 0):]
	for name, at := range map[string]*int{"/Size %d": &size, "/Root %d": &root, "/Info %d": &info, "startxref\n%d": &start} {
		key, _, _ := strings.Cut(name, "%d")
		i := bytes.Index(tail, []byte(key))
		if i < 0 {
			return b
		}
		if _, err := fmt.Sscanf(string(tail[i:]), name, at); err != nil {
			return b
		}
	}

	// Times are those of stablePDF: equal pictures are equal bytes.
	out := bytes.NewBuffer(slices.Clone(b))
	object := out.Len()
	fmt.Fprintf(out, "%d 0 obj\n<< /Title %s /Subject %s /CreationDate (D:19700101000000) /ModDate (D:19700101000000) >>\nendobj\n", info, pdfText(title), pdfText(caption))
	xref := out.Len()
	fmt.Fprintf(out, "xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n", info, object, size, root, info, start, xref)
	return out.Bytes()
}

// pdfText is a text of PDF: UTF-16 with its mark, in hexadecimal digits.
func pdfText(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	return b.String() + ">"
}
