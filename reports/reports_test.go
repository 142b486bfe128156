package reports

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"veilbench/datasets/datatest"
)

func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true" || os.Getenv("UPDATE_GOLDEN") != ""
}

// update rewrites the golden files; so does UPDATE_GOLDEN=1.
var _ = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if updating() {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; read the diff after go test ./reports -update", path)
	}
}

func TestGoldenTables(t *testing.T) {
	s := NewSet(smallFixture(), Options{})
	for _, f := range []Format{Text, Markdown, LaTeX, CSV} {
		var ts []Table
		for _, n := range TableNames() {
			ts = append(ts, s.Tables(n)...)
		}
		var b bytes.Buffer
		if err := WriteTables(&b, f, ts); err != nil {
			t.Fatal(err)
		}
		golden(t, "tables."+string(f), b.Bytes())
	}
}

// fixtureFor has something to show in the named figure.
func fixtureFor(figure string) *Set {
	switch figure {
	case "study", "tolerance":
		return NewSet(studyFixture(5), Options{})
	case "shares":
		return NewSet(shareFixture(), Options{})
	case "packets", "rates":
		return NewSet(smallFixture(), Options{Samples: sampleFixture()})
	}
	return NewSet(smallFixture(), Options{})
}

func TestGoldenFigures(t *testing.T) {
	for _, n := range FigureNames() {
		s := fixtureFor(n)
		fs := s.Figures(n)
		if len(fs) == 0 {
			t.Fatalf("no figure %s", n)
		}
		for _, f := range []Format{SVG, PNG, PDF, PGF} {
			var a, b bytes.Buffer
			if err := fs[0].Write(&a, f, 0); err != nil {
				t.Fatal(err)
			}
			if err := s.Figures(n)[0].Write(&b, f, 0); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("%s.%s differs between two drawings", n, f)
			}
			if f == SVG {
				golden(t, n+".svg", a.Bytes())
			}
		}
	}
}

// Every panel of every kind of figure: title, caption and what its SVG, PGF and
// PDF hash to. The first of each kind is a golden file as a whole.
func TestGoldenPanels(t *testing.T) {
	var list strings.Builder
	for _, n := range FigureNames() {
		for _, f := range fixtureFor(n).Figures(n) {
			fmt.Fprintf(&list, "%s: %s\n  %s\n", n, f.Title, f.Caption)
			for _, format := range []Format{SVG, PGF, PDF} {
				var b bytes.Buffer
				if err := f.Write(&b, format, 0); err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&list, "  %s %.8x\n", format, sha256.Sum256(b.Bytes()))
			}
		}
	}
	golden(t, "figures.txt", []byte(list.String()))
}

// pictureOnPage is a picture as a page holds it.
var pictureOnPage = regexp.MustCompile(`data:image/svg&#43;xml;base64,[^"]+`)

func TestGoldenPage(t *testing.T) {
	var b bytes.Buffer
	if err := NewSet(smallFixture(), Options{}).WritePage(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script>alert", "<img src=x", "<b>bulb"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q as markup", bad)
		}
	}
	// Pictures stand as sums of their bytes; figures.txt says which each is of.
	golden(t, "page.html", pictureOnPage.ReplaceAllFunc(b.Bytes(), func(uri []byte) []byte {
		return fmt.Appendf(nil, "sha256:%x", sha256.Sum256(uri))
	}))
}

func TestFailedCellsAreShown(t *testing.T) {
	s := NewSet(smallFixture(), Options{})
	found := false
	for _, tb := range s.Tables("defense-by-attack") {
		for _, row := range tb.Rows {
			for _, v := range row {
				found = found || v.Text == "failed 1/5" && !v.OK
			}
		}
	}
	if !found {
		t.Error("no cell says failed 1/5")
	}
}

func TestNoIntervalBelowFiveGroups(t *testing.T) {
	s := NewSet(fixture(4, []string{"none", "a", "b"}, []string{"guess-majority", "knn"}), Options{})
	warned := false
	for _, n := range TableNames() {
		for _, tb := range s.Tables(n) {
			for _, row := range tb.Rows {
				for _, v := range row {
					if v.HasInterval {
						t.Errorf("%s: %q has an interval of 4 groups", tb.Title, v.Text)
					}
				}
			}
			for _, note := range tb.Notes {
				warned = warned || strings.Contains(note, "at least 5")
			}
		}
	}
	if !warned {
		t.Error("no warning of too few groups")
	}
}

func TestRoundingHidesNothing(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{{0, "0.00"}, {0.001, "<0.01"}, {0.999, ">0.99"}, {1, "1.00"}, {0.5, "0.50"}} {
		if got := score(c.v); got != c.want {
			t.Errorf("score(%v) = %q, want %q", c.v, got, c.want)
		}
	}
	if got := pValue(0.0501); got != ">0.050" {
		t.Errorf("pValue(0.0501) = %q", got)
	}
	for v, want := range map[float64]string{0: "0 %", 0.382: "+38 %", 8.7: "+870 %", -0.05: "-5.0 %", 0.0004: "+0.040 %"} {
		if got := percent(v); got != want {
			t.Errorf("percent(%v) = %q, want %q", v, got, want)
		}
	}
}

// The tables compile by themselves, hostile names included.
func TestLaTeXCompiles(t *testing.T) {
	tex := datatest.Tool(t, "pdflatex")
	s := NewSet(smallFixture(), Options{})
	dir := t.TempDir()
	var b bytes.Buffer
	if err := WriteTables(&b, LaTeX, s.mainTables()); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("table.tex", b.Bytes())
	paper := "\\documentclass[twocolumn]{article}\\usepackage{booktabs,graphicx,pgf}\\begin{document}\\input{three}\n"
	b.Reset()
	if err := WriteTables(&b, LaTeX, []Table{s.Tables("headline")[0], s.Tables("defense-by-attack")[0], s.Tables("costs")[0]}); err != nil {
		t.Fatal(err)
	}
	write("three.tex", b.Bytes())
	for _, n := range []string{"scores", "tradeoff", "bars", "curves"} {
		b.Reset()
		f := s.Figures(n)[0]
		if err := f.Write(&b, PDF, 0); err != nil {
			t.Fatal(err)
		}
		write(n+".pdf", b.Bytes())
		paper += "\\begin{figure}\\includegraphics[width=\\linewidth]{" + n + ".pdf}\\caption{" + escapeTeX(f.Caption) + "}\\end{figure}\n"
	}
	write("paper.tex", []byte(paper+"\\end{document}\n"))
	for _, name := range []string{"table.tex", "paper.tex"} {
		cmd := exec.CommandContext(t.Context(), tex, "-interaction=nonstopmode", "-halt-on-error", name)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out[max(0, len(out)-2000):])
		}
		for _, m := range regexp.MustCompile(`Overfull \\hbox \(([0-9.]+)pt`).FindAllSubmatch(out, -1) {
			if pt, err := strconv.ParseFloat(string(m[1]), 64); err != nil || pt > 5 {
				t.Errorf("%s: %s", name, m[0])
			}
		}
	}
}

// Ten thousand cells are drawn in ten seconds.
func TestTenThousandCells(t *testing.T) {
	var ds, as []string
	for i := range 20 {
		ds = append(ds, "defense:x="+strconv.Itoa(i))
	}
	for i := range 10 {
		as = append(as, "attack:y="+strconv.Itoa(i))
	}
	rs := fixture(5, ds, as)
	if len(rs) != 10000 {
		t.Fatalf("%d cells, want 10000", len(rs))
	}
	start := time.Now()
	if _, err := WriteAll(t.TempDir(), rs, Options{}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d cells in %s", len(rs), took)
	if took > 30*time.Second { // 10 s on an idle machine
		t.Errorf("%d cells took %s", len(rs), took)
	}
}

func TestWriteErrorsAreReported(t *testing.T) {
	s := NewSet(smallFixture(), Options{})
	want := errors.New("full")
	for _, f := range []Format{Text, Markdown, LaTeX, CSV} {
		if err := WriteTables(brokenWriter{want}, f, s.mainTables()); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", f, err, want)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
