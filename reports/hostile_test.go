package reports_test

import (
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// A picture that panics is that picture's error: everything else is written.
func TestPanicCostsOnePicture(t *testing.T) {
	s := reporttest.Whole()
	dir := t.TempDir()
	_, _, err := reports.WriteAll(dir, s, reports.Contents{
		Figures: []reports.FigureKind{
			{Name: "breaks", Draw: func(*reports.Set) []figure.Figure { var x []int; return []figure.Figure{{Title: string(rune(x[1]))}} }},
			// Drawing comes later than making, and may break too.
			{Name: "broken", Draw: func(*reports.Set) []figure.Figure { return []figure.Figure{{}} }},
		},
		Page: func(w io.Writer, _ *reports.Set) error { _, err := io.WriteString(w, "page"); return err },
	})
	if err == nil || !strings.Contains(err.Error(), "figure breaks: panic") || !strings.Contains(err.Error(), "broken.svg") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"results.csv.gz", "report.md", "table.tex", "report.html"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "broken.svg")); err == nil {
		t.Error("half a picture is left")
	}
}

// No cell of a CSV file is a formula to a spreadsheet, numbers stay numbers, and
// a program gets each name back by dropping one apostrophe.
func TestNoCellIsAFormula(t *testing.T) {
	evil := "=cmd|' /C calc'!A0/on"
	rs := reporttest.Small()
	for i := range rs {
		for k := range rs[i].Items {
			rs[i].Items[k].Truth = evil
		}
		for k := range rs[i].Groups {
			rs[i].Groups[k].Group = "@g\x1b[2J"
		}
		rs[i].Cell.Defense = "-x+y"
	}
	dir := t.TempDir()
	if _, _, err := reports.WriteAll(dir, reports.NewSet(rs, reports.Options{}), reports.Contents{Plain: true, Page: func(io.Writer, *reports.Set) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range []string{"results.csv", "groups.csv", "classes.csv"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, c := range row {
				found[c] = true
				if strings.ContainsAny(c, "\x1b\a") || strings.HasPrefix(c, "=") || strings.HasPrefix(c, "@") || strings.HasPrefix(c, "-x") {
					t.Errorf("%s: cell %q", name, c)
				}
			}
		}
	}
	for _, want := range []string{"'" + evil, "'@g\ufffd[2J", "'-x+y"} {
		if !found[want] {
			t.Errorf("no cell %q", want)
		}
	}
	if got := table.GuardCSV([]string{"-1.5", "+2", "-inf", "", "'", "=1", "\t=1", "a=1"}); strings.Join(got, ";") != "-1.5;+2;-inf;;'';'=1;' =1;a=1" {
		t.Errorf("%q", got)
	}
}
