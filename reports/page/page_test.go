package page

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"veilbench/datasets/datatest"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/figures"
	"veilbench/reports/internal/golden"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
	"veilbench/reports/tables"
)

// contents are those of the command.
func contents() reports.Contents {
	return reports.Contents{Text: tables.Terminal(), Tables: tables.Main(), Figures: figures.Main(), Page: Write}
}

// picturesOnPage are the pictures as a page holds them.
var picturesOnPage = regexp.MustCompile(`(id="pictures">)[^<]+`)

func TestGoldenPage(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, reports.NewSet(reporttest.Small(), reports.Options{})); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script>alert", "<img src=x", "<b>bulb"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q as markup", bad)
		}
	}

	// The golden page has a few kinds only: each has golden files of its own, and
	// a new one should not change this. Pictures stand as a sum of their bytes.
	b.Reset()
	few := []reports.TableKind{tables.Headline, tables.PerActivity, tables.Tests, tables.FailedCells}
	if err := write(&b, reports.NewSet(reporttest.Small(), reports.Options{}), few, []reports.FigureKind{figures.Scores}); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "page.html", picturesOnPage.ReplaceAllFunc(b.Bytes(), func(packed []byte) []byte {
		return fmt.Appendf(nil, `id="pictures">sha256:%x`, sha256.Sum256(packed))
	}))
}

// A probe that failed is said among the alarms and in the headline's notes.
func TestFailedProbesAreLoud(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, reporttest.Whole()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "PROBE FAILED: labels shifted: higher at 20 s"); n < 2 {
		t.Errorf("the page says %d times that a probe failed", n)
	}
}

// The tables compile by themselves, golden.Hostile names included.
func TestLaTeXCompiles(t *testing.T) {
	tex := datatest.Tool(t, "pdflatex")
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	dir := t.TempDir()
	var b bytes.Buffer
	if err := table.Write(&b, table.LaTeX, reports.TablesOf(s, tables.Main())); err != nil {
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
	if err := table.Write(&b, table.LaTeX, []table.Table{tables.Headline.Tables(s)[0], tables.DefenseByAttack.Tables(s)[0], tables.Costs.Tables(s)[0]}); err != nil {
		t.Fatal(err)
	}
	write("three.tex", b.Bytes())
	for _, k := range []reports.FigureKind{figures.Scores, figures.Tradeoff, figures.Bars, figures.Curves} {
		b.Reset()
		f := k.Draw(s)[0]
		if err := f.Write(&b, figure.PDF, 0); err != nil {
			t.Fatal(err)
		}
		write(k.Name+".pdf", b.Bytes())
		paper += "\\begin{figure}\\includegraphics[width=\\linewidth]{" + k.Name + ".pdf}\\caption{" + table.EscapeTeX(f.Caption) + "}\\end{figure}\n"
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
	rs := reporttest.Grid(5, ds, as)
	if len(rs) != 10000 {
		t.Fatalf("%d cells, want 10000", len(rs))
	}
	start := time.Now()
	if _, _, err := reports.WriteAll(t.TempDir(), reports.NewSet(rs, reports.Options{}), contents()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d cells in %s", len(rs), took)
	if took > 30*time.Second { // 10 s on an idle machine
		t.Errorf("%d cells took %s", len(rs), took)
	}
}

// Every file of a folder is written, and one that cannot be is named.
func TestWriteAll(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples()})
	dir := t.TempDir()
	if _, _, err := reports.WriteAll(dir, s, contents()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"results.csv.gz", "groups.csv.gz", "classes.csv.gz", "table.txt", "report.md", "table.tex", "report.html", "scores.svg", "rates.png", "packets.pdf"} {
		if x, err := os.Stat(filepath.Join(dir, name)); err != nil || x.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := contents()
	broken.Page = func(io.Writer, *reports.Set) error { return errors.New("no paper") }
	if _, _, err := reports.WriteAll(dir, s, broken); err == nil || err.Error() != "report.html: no paper" {
		t.Errorf("error %v", err)
	}
}

// What a short name stands for is on the page once, in a section that every table with
// short names leads to.
func TestNamesInFullOnce(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	var b strings.Builder
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(b.String(), `<section id="parameters">`)
	section, _, _ = strings.Cut(section, "</section>")
	for _, d := range s.DefensesOf(s.Panels) {
		if full := html.EscapeString(table.Plain(d)); s.Label(d) != d && !strings.Contains(section, full) {
			t.Errorf("%s is not in full", s.Label(d))
		}
	}
	if strings.Contains(b.String(), "<summary>Names in full") {
		t.Error("names in full below a table")
	}
	if n := strings.Count(b.String(), `<a href="#parameters">Names in full</a>`); n < 10 {
		t.Errorf("%d tables lead to them", n)
	}
}
