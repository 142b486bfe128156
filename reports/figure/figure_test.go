package figure

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/image/font/opentype"

	"veilbench/datasets/datatest"
	"veilbench/reports/internal/golden"
	"veilbench/reports/table"
)

// Files of SVG are XML, hold title and description as text, and a font of all
// their characters; pages get the same without the font.
func TestSVGCarriesItsFont(t *testing.T) {
	h := HeatMap{Rows: []string{golden.Hostile, "[≤0] pad-level"}, Cols: []string{"é ü"}, Scale: "F1", Cells: [][]HeatCell{{{Share: 0.1, OK: true, Text: "0.1"}}, {{Text: "none"}}}}
	f := h.Figure("a < b", "0.0015")
	var file, inline bytes.Buffer
	if err := errors.Join(f.Write(&file, SVG, 0), f.Write(&inline, Inline, 0)); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(file.Bytes()))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(file.String(), "<title>a &lt; b</title>\n<desc>0.0015</desc>") {
		t.Error("no title or description")
	}
	style := regexp.MustCompile(`<style>[^<]*base64,([^)]*)\)}</style>\n<path fill="#fff" d="[MHVZ0-9. ]*"/>\n`)
	m := style.FindSubmatch(file.Bytes())
	if m == nil {
		t.Fatal("no font")
	}
	if got := style.ReplaceAllString(file.String(), ""); got != inline.String() {
		t.Error("the file differs from that of pages in more than its font and its ground")
	}
	ttf, err := base64.StdEncoding.DecodeString(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("font of %d bytes", len(ttf))
	part, err := opentype.Parse(ttf)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range "[≤0]pad-levé" {
		if g, err := part.GlyphIndex(nil, r); err != nil || g == 0 {
			t.Errorf("no %c in the font: %v", r, err)
		}
	}
}

// Names in an alphabet that a PDF's own text cannot say are drawn, no two alike.
func TestPDFTellsNamesApart(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"Лампа", "Шторы", "λάμπα", "łazienka", "lamp", "lamps"} {
		var b bytes.Buffer
		if err := (Ranks{XName: "rank", Names: []string{name, "b"}, Mean: []float64{1, 2}}).Figure("t", "c").Write(&b, PDF, 0); err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[b.String()]; ok {
			t.Errorf("%s is drawn as %s is", name, other)
		}
		seen[b.String()] = name
		if b.Len() > 30_000 {
			t.Errorf("%s: a PDF of %d bytes", name, b.Len())
		}
	}
}

// A PDF of a few letters is small, for it has no whole font.
func TestPDFIsSmall(t *testing.T) {
	var b bytes.Buffer
	if err := (Ranks{XName: "rank", Names: []string{"a", "b"}, Mean: []float64{1, 2}}).Figure("t", "c").Write(&b, PDF, 0); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 40_000 {
		t.Errorf("%d bytes", b.Len())
	}
	t.Logf("%d bytes", b.Len())
}

// Pictures travel alone: whatever the format, the file holds its title and its caption,
// where readers of the format look for them, and is still a file of that format.
func TestPicturesCarryTheirCaption(t *testing.T) {
	h := HeatMap{Rows: []string{"a"}, Cols: []string{"b"}, Scale: "F1", Cells: [][]HeatCell{{{Share: 0.1, OK: true, Text: "0.1"}}}}
	f := h.Figure("a < b", "é (c) ≤ "+golden.Hostile)
	draw := func(format Format) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := f.Write(&b, format, 0); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}

	// The decoder checks the sums of all chunks.
	img := draw(PNG)
	if _, err := png.Decode(bytes.NewReader(img)); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"iTXtTitle\x00\x00\x00\x00\x00a < b", "iTXtDescription\x00\x00\x00\x00\x00" + table.Plain(f.Caption)} {
		if !bytes.Contains(img, []byte(want)) {
			t.Errorf("PNG without %q", want)
		}
	}
	if tex := string(draw(PGF)); !strings.HasPrefix(tex, "% a < b\n% "+table.Plain(f.Caption)+"\n") {
		t.Errorf("PGF begins with %.200q", tex)
	}

	path := filepath.Join(t.TempDir(), "f.pdf")
	if err := os.WriteFile(path, draw(PDF), 0o644); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), datatest.Tool(t, "pdfinfo"), "-enc", "UTF-8", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{"a < b\n", "é (c) ≤ ", "Pages:           1\n"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("pdfinfo has no %q:\n%s", want, said)
		}
	}
	if strings.Contains(strings.ToLower(string(said)), "error") {
		t.Errorf("%s", said)
	}
}
