package fontsubset

import (
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// The part has the shapes and widths of the whole, accented letters made of
// parts included, and nothing else.
func TestCut(t *testing.T) {
	whole, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	const text = "Ab é≤ Ü ö fi 0 … Ω"
	b, err := Cut(whole, text, "Part")
	if err != nil {
		t.Fatal(err)
	}
	if len(b)*10 > len(goregular.TTF) {
		t.Errorf("%d of %d bytes", len(b), len(goregular.TTF))
	}
	part, err := opentype.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := part.Name(nil, sfnt.NameIDFamily); err != nil || name != "Part" {
		t.Errorf("name %q, %v", name, err)
	}
	const em = fixed.Int26_6(1000 << 6)
	shape := func(f *sfnt.Font, r rune) (string, fixed.Int26_6) {
		var buf sfnt.Buffer
		g, err := f.GlyphIndex(&buf, r)
		if err != nil || g == 0 {
			t.Fatalf("%c: glyph %d, %v", r, g, err)
		}
		segs, err := f.LoadGlyph(&buf, g, em, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, s := range segs {
			for _, p := range s.Args {
				out.WriteString(p.X.String() + p.Y.String())
			}
		}
		w, err := f.GlyphAdvance(&buf, g, em, 0)
		if err != nil {
			t.Fatal(err)
		}
		return out.String(), w
	}
	for _, r := range text {
		a, wa := shape(whole, r)
		b, wb := shape(part, r)
		if a != b || wa != wb {
			t.Errorf("%c differs: width %v, was %v", r, wb, wa)
		}
	}
	if g, err := part.GlyphIndex(nil, 'z'); err != nil || g != 0 {
		t.Errorf("z is glyph %d, %v", g, err)
	}
}

// What is no font is refused, however it is cut off.
func TestBrokenFonts(t *testing.T) {
	for _, n := range []int{0, 11, 20, 300, len(goregular.TTF) / 2} {
		if _, err := parse(goregular.TTF[:n]); err == nil {
			t.Errorf("%d bytes are taken for a font", n)
		}
	}
	if _, err := unhinted([]byte{0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err == nil {
		t.Error("an outline without points is taken")
	}
	if _, err := (&source{number: map[int]int{}}).composite([]byte{255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1}); err == nil {
		t.Error("a part without a place is taken")
	}
}
