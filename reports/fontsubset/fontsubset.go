// Package fontsubset cuts a TrueType font down to the characters of a text, so
// that a file can carry its letters along and look the same on every machine:
// thirty times smaller than the font, with the same shapes and widths.
package fontsubset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf16"

	"golang.org/x/image/font/opentype"
)

// Cut returns a TrueType font of the characters of text that f has, under the
// given name: licenses want changed fonts to have a name of their own. Hints
// for screens of few pixels, kerning and features are left out. The bytes are
// the same each time. It refuses fonts whose outlines are not TrueType.
func Cut(f *opentype.Font, text, name string) ([]byte, error) {
	var raw bytes.Buffer
	if _, err := f.WriteSourceTo(nil, &raw); err != nil {
		return nil, err
	}
	s, err := parse(raw.Bytes())
	if err != nil {
		return nil, err
	}

	// Glyph 0 stands for what is missing and must be there, then come those of
	// the text by their characters, then the parts that accented letters are
	// made of.
	chars := map[rune]int{}
	s.add(0)
	runes := []rune(text)
	slices.Sort(runes)
	for _, r := range slices.Compact(runes) {
		g, err := f.GlyphIndex(nil, r)
		if err != nil {
			return nil, err
		}
		if g != 0 && r < 0xffff { // format 4 of cmap, which all readers know, ends there
			chars[r] = s.add(int(g))
		}
	}
	glyphs, err := s.outlines()
	if err != nil {
		return nil, err
	}
	return s.assemble(glyphs, chars, name), nil
}

// source is a font that is cut, with what was taken of it.
type source struct {
	tables  map[string][]byte
	long    bool // offsets of glyphs have four bytes
	metrics int  // glyphs with a width of their own; the rest have the last one's
	taken   []int
	number  map[int]int // of a glyph of the source in the new font
}

// Offsets into the tables head, hhea and maxp, as the OpenType specification has
// them.
const (
	headAdjust     = 8
	headLocFormat  = 50
	hheaMetrics    = 34
	maxpGlyphs     = 4
	maxpStorage    = 18 // from here to maxpComponents are needs of hints
	maxpComponents = 28
	postHeader     = 32
)

var be = binary.BigEndian

// parse finds the tables and checks that they are as long as Cut reads them.
func parse(b []byte) (*source, error) {
	if len(b) < 12 {
		return nil, errors.New("no font")
	}
	s := &source{tables: map[string][]byte{}, number: map[int]int{}}
	for i := range int(be.Uint16(b[4:])) {
		at := 12 + 16*i
		if len(b) < at+16 {
			return nil, errors.New("font ends in its directory")
		}
		from, n := int(be.Uint32(b[at+8:])), int(be.Uint32(b[at+12:]))
		if from+n > len(b) {
			return nil, fmt.Errorf("font ends inside its table %s", b[at:at+4])
		}
		s.tables[string(b[at:at+4])] = b[from : from+n]
	}

	// Fonts whose outlines are not TrueType have no glyf, and nothing of the right
	// size may be missing: what follows reads at fixed places.
	for name, least := range map[string]int{"head": 54, "hhea": 36, "maxp": 32, "hmtx": 4, "loca": 4, "glyf": 1, "OS/2": 78, "post": postHeader} {
		if len(s.tables[name]) < least {
			return nil, fmt.Errorf("font without a TrueType table %s", name)
		}
	}
	s.long = be.Uint16(s.tables["head"][headLocFormat:]) == 1
	s.metrics = int(be.Uint16(s.tables["hhea"][hheaMetrics:]))
	if s.metrics == 0 || len(s.tables["hmtx"]) < 4*s.metrics {
		return nil, errors.New("font without widths")
	}
	return s, nil
}

// add takes glyph g of the source and returns its new number.
func (s *source) add(g int) int {
	n, ok := s.number[g]
	if !ok {
		n = len(s.taken)
		s.number[g] = n
		s.taken = append(s.taken, g)
	}
	return n
}

// outlines are those of all taken glyphs without hints; parts of composite
// glyphs are taken on the way, so taken grows while it is walked.
func (s *source) outlines() ([][]byte, error) {
	var out [][]byte
	for i := 0; i < len(s.taken); i++ {
		g, err := s.glyph(s.taken[i])
		if err == nil && len(g) >= 12 {
			if int16(be.Uint16(g)) < 0 {
				g, err = s.composite(g)
			} else {
				g, err = unhinted(g)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("glyph %d: %w", s.taken[i], err)
		}
		out = append(out, g)
	}
	return out, nil
}

// glyph is the outline of glyph g of the source; empty for a space.
func (s *source) glyph(g int) ([]byte, error) {
	loca, glyf := s.tables["loca"], s.tables["glyf"]
	var from, to int
	switch {
	case s.long && len(loca) >= 4*(g+2):
		from, to = int(be.Uint32(loca[4*g:])), int(be.Uint32(loca[4*g+4:]))
	case !s.long && len(loca) >= 2*(g+2):
		from, to = 2*int(be.Uint16(loca[2*g:])), 2*int(be.Uint16(loca[2*g+2:]))
	default:
		return nil, errors.New("not in the font")
	}
	if from > to || to > len(glyf) {
		return nil, errors.New("outside of the table glyf")
	}
	return glyf[from:to], nil
}

var errShort = errors.New("its outline is cut off")

// unhinted drops the instructions of a simple outline: between the ends of its
// contours and its points.
func unhinted(g []byte) ([]byte, error) {
	at := 10 + 2*int(be.Uint16(g))
	if len(g) < at+2 {
		return nil, errShort
	}
	points := at + 2 + int(be.Uint16(g[at:]))
	if len(g) < points {
		return nil, errShort
	}
	return slices.Concat(g[:at], []byte{0, 0}, g[points:]), nil
}

// Flags of a part of a composite glyph.
const (
	partWords    = 1 << 0
	partScale    = 1 << 3
	partMore     = 1 << 5
	partXYScale  = 1 << 6
	partTwoByTwo = 1 << 7
	partHints    = 1 << 8
)

// composite gives the parts of a glyph their new numbers and cuts off the
// instructions behind them.
func (s *source) composite(g []byte) ([]byte, error) {
	g = slices.Clone(g)
	for at := 10; ; {
		if len(g) < at+4 {
			return nil, errShort
		}
		flags := be.Uint16(g[at:])
		be.PutUint16(g[at:], flags&^partHints)
		be.PutUint16(g[at+2:], uint16(s.add(int(be.Uint16(g[at+2:])))))

		// Where the part is set takes two or four bytes, how it is scaled up to eight.
		at += 6
		if flags&partWords != 0 {
			at += 2
		}
		switch {
		case flags&partScale != 0:
			at += 2
		case flags&partXYScale != 0:
			at += 4
		case flags&partTwoByTwo != 0:
			at += 8
		}
		if len(g) < at {
			return nil, errShort
		}
		if flags&partMore == 0 {
			return g[:at], nil
		}
	}
}

// assemble writes the new font.
func (s *source) assemble(glyphs [][]byte, chars map[rune]int, name string) []byte {
	var glyf, loca, hmtx []byte
	for i, g := range glyphs {
		loca = be.AppendUint32(loca, uint32(len(glyf)))
		glyf = append(glyf, g...)
		glyf = append(glyf, make([]byte, -len(g)&3)...)

		// Glyphs behind the last width share it; the side bearing is the outline's own
		// left edge, which browsers do not read.
		m := s.tables["hmtx"][4*min(s.taken[i], s.metrics-1):]
		hmtx = append(hmtx, m[:4]...)
	}
	loca = be.AppendUint32(loca, uint32(len(glyf)))

	head, hhea, maxp, post := slices.Clone(s.tables["head"]), slices.Clone(s.tables["hhea"]), slices.Clone(s.tables["maxp"]), slices.Clone(s.tables["post"][:postHeader])
	be.PutUint32(head[headAdjust:], 0)
	be.PutUint16(head[headLocFormat:], 1)
	be.PutUint16(hhea[hheaMetrics:], uint16(len(glyphs)))
	be.PutUint16(maxp[maxpGlyphs:], uint16(len(glyphs)))
	clear(maxp[maxpStorage:maxpComponents])
	be.PutUint32(post, 0x00030000) // glyphs without names
	return font(map[string][]byte{
		"OS/2": s.tables["OS/2"], "cmap": cmap(chars), "glyf": glyf, "head": head, "hhea": hhea,
		"hmtx": hmtx, "loca": loca, "maxp": maxp, "name": names(name), "post": post,
	})
}

// cmap maps characters to glyphs in format 4: a segment for each character is
// plain, and a hundred of them take a kilobyte.
func cmap(chars map[rune]int) []byte {
	var ends, starts, deltas, offsets []byte
	n := 0
	segment := func(r rune, delta uint16) {
		ends, starts = be.AppendUint16(ends, uint16(r)), be.AppendUint16(starts, uint16(r))
		deltas, offsets = be.AppendUint16(deltas, delta), be.AppendUint16(offsets, 0)
		n++
	}
	for _, r := range slices.Sorted(maps.Keys(chars)) {
		segment(r, uint16(chars[r]-int(r))) // the glyph is character + delta, modulo 65536
	}
	segment(0xffff, 1) // the last one must end there

	power, log := 1, 0
	for 2*power <= n {
		power, log = 2*power, log+1
	}
	var sub []byte
	for _, v := range []int{4, 16 + 8*n, 0, 2 * n, 2 * power, log, 2*n - 2*power} {
		sub = be.AppendUint16(sub, uint16(v))
	}
	sub = slices.Concat(sub, ends, []byte{0, 0}, starts, deltas, offsets)
	return slices.Concat([]byte{0, 0, 0, 1, 0, 3, 0, 1, 0, 0, 0, 12}, sub) // one subtable: Windows, Unicode
}

// names are family, style, full name and PostScript name.
func names(name string) []byte {
	ids := []struct {
		id   uint16
		text string
	}{{1, name}, {2, "Regular"}, {4, name}, {6, name}}
	out := be.AppendUint16(nil, 0)
	out = be.AppendUint16(out, uint16(len(ids)))
	out = be.AppendUint16(out, uint16(6+12*len(ids)))
	var texts []byte
	for _, x := range ids {
		from := len(texts)
		for _, u := range utf16.Encode([]rune(x.text)) {
			texts = be.AppendUint16(texts, u)
		}
		for _, v := range []uint16{3, 1, 0x409, x.id, uint16(len(texts) - from), uint16(from)} {
			out = be.AppendUint16(out, v)
		}
	}
	return append(out, texts...)
}

// font writes the directory and the tables, each at a multiple of four bytes.
// The adjustment in head makes the sum of the whole file what the
// specification wants.
func font(tables map[string][]byte) []byte {
	n := len(tables)
	power, log := 1, 0
	for 2*power <= n {
		power, log = 2*power, log+1
	}
	out := []byte{0, 1, 0, 0}
	for _, v := range []int{n, 16 * power, log, 16*n - 16*power} {
		out = be.AppendUint16(out, uint16(v))
	}

	// Readers search the directory by halves, so it is sorted.
	var body []byte
	headAt := 0
	for _, tag := range slices.Sorted(maps.Keys(tables)) {
		t, at := tables[tag], 12+16*n+len(body)
		if tag == "head" {
			headAt = at
		}
		out = append(out, tag...)
		out = be.AppendUint32(out, sum(t))
		out = be.AppendUint32(out, uint32(at))
		out = be.AppendUint32(out, uint32(len(t)))
		body = append(body, t...)
		body = append(body, make([]byte, -len(t)&3)...)
	}
	out = append(out, body...)
	be.PutUint32(out[headAt+headAdjust:], 0xb1b0afba-sum(out))
	return out
}

// sum adds up b in words of four bytes.
func sum(b []byte) uint32 {
	var out uint32
	for i := 0; i < len(b); i += 4 {
		var word [4]byte
		copy(word[:], b[i:])
		out += be.Uint32(word[:])
	}
	return out
}
