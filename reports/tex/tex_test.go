package tex

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/datatest"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/figures"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// several is one grid over eight data sets, two of them captures of somebody's disk.
func several() *reports.Set {
	return grid([]string{
		"capture=/home/alice/lab/lamp.pcap", "capture=/home/alice/lab/plug.pcap", "home:a", "home:b:hours=3",
		"iotevents/12_27jdgn_cz", "iotevents/12_30tplink_cz", "echo_voice", "folder=/home/alice/trials",
	}, []string{"none", "b", "vpn:kind=wireguard"}, []datasets.Task{datasets.TaskEvent})
}

// grid has the same scores on each data set, the later the lower.
func grid(names, defenses []string, tasks []datasets.Task) *reports.Set {
	var rs []results.Result
	for i, name := range names {
		for _, r := range reporttest.Grid(5, defenses, []string{"guess-majority", "event-knn:k=1", "event-forest", "signatures"}) {
			if slices.Contains(tasks, r.Cell.Task) && r.Err == "" {
				r.Cell.Dataset = name
				r.Groups = append([]results.GroupScore{}, r.Groups...)
				for k := range r.Groups {
					r.Groups[k].Value *= 1 - float64(i)/20
				}
				rs = append(rs, r)
			}
		}
	}
	return reports.NewSet(reporttest.WithCanaries(rs, 40), reports.Options{})
}

// Every defense is a row and every data set a column; a cell is of the worst attack
// there, with its interval, and the worst cell of a row is bold.
func TestPaperIsOneTable(t *testing.T) {
	s := several()
	ts := Paper.Tables(s)
	if len(ts) != 1 || len(ts[0].Rows) != 3 || len(ts[0].Columns) != 9 {
		t.Fatalf("%d tables, want one of 3 rows and 9 columns: %+v", len(ts), ts)
	}
	legend := strings.Join(ts[0].Notes, "\n")
	for k, row := range ts[0].Rows {
		most, strong := 0.0, 0.0
		for i, v := range row[1:] {
			m := s.Summaries[reports.Subject{Panel: s.Panels[i], Defense: s.Defenses[s.Panels[i]][k]}]
			if !strings.HasSuffix(ts[0].Columns[i+1].Head, ": "+shortNames(s)[s.Panels[i].Dataset]) {
				t.Errorf("column %d is %s", i+1, ts[0].Columns[i+1].Head)
			}
			if m.NoEvidence != "" {
				if v.OK || !strings.HasPrefix(v.Text, "n/e ¹") || !strings.Contains(legend, "¹ n/e, no evidence: ") {
					t.Errorf("row %d, column %d without evidence: %q", k, i, v.Text)
				}
				continue
			}
			words := strings.Fields(v.Text)
			if v.Num != m.Advantage || !v.HasInterval || v.Lo != m.Lo || v.Hi != m.Hi || !strings.Contains(legend, words[1]+" "+s.Label(m.Attack)) {
				t.Errorf("row %d, column %d: %+v, want that of %+v", k, i, v, m)
			}
			if most = max(most, v.Num); v.Strong {
				strong = v.Num
			}
		}
		if strong != most {
			t.Errorf("row %d has %v in bold, want %v", k, strong, most)
		}
	}
}

// What is larger than a page is in parts, with the same letters and signs, and what
// the names stand for once.
func TestPaperInParts(t *testing.T) {
	names, defenses := make([]string, 8), []string{"none"}
	for i := range names {
		names[i] = fmt.Sprintf("lab/%c", 'a'+i)
	}
	for i := range 29 {
		defenses = append(defenses, fmt.Sprintf("pad-random:max_bytes=%d", 10+i))
	}
	s := grid(names, defenses, []datasets.Task{datasets.TaskEvent, datasets.TaskCommand})
	ts := Paper.Tables(s)
	if len(ts) != 4 {
		t.Fatalf("%d tables, want 4", len(ts))
	}
	cells := map[string]int{}
	for i, x := range ts {
		if !strings.HasSuffix(x.Title, fmt.Sprintf("(part %d of 4)", i+1)) || len(x.Rows) != 15 || len(x.Columns) != 9 {
			t.Errorf("%s: %d rows, %d columns", x.Title, len(x.Rows), len(x.Columns))
		}
		for _, row := range x.Rows {
			for k := range row[1:] {
				cells[row[0].Text+" "+x.Columns[k+1].Head]++
			}
		}
		last := strings.HasPrefix(x.Notes[len(x.Notes)-1], table.InFull)
		if last != (i == 3) || x.Notes[1] != ts[0].Notes[1] {
			t.Errorf("part %d has the notes %q", i+1, x.Notes)
		}
	}
	if len(cells) != 30*16 {
		t.Errorf("%d cells, want %d", len(cells), 30*16)
	}
	var b bytes.Buffer
	if err := table.Write(&b, table.LaTeX, ts); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "max_bytes=10") + strings.Count(b.String(), `max\_\penalty500{}bytes=\penalty500{}10 `); n != 1 {
		t.Errorf("parameters stand %d times in\n%s", n, b.String())
	}
}

// One page of two columns has room for eight data sets and twenty defenses, as the
// type is, whatever the names are like.
func TestPaperFitsAPage(t *testing.T) {
	datatest.Tool(t, "pdflatex")
	names, defenses := make([]string, 8), []string{"none"}
	for i := range names {
		names[i] = fmt.Sprintf("iotevents/12_3%djdgn_cz", i)
	}
	for i := range 19 {
		defenses = append(defenses, fmt.Sprintf("pad-random:max_bytes=%d+vpn:kind=wireguard", 10+i))
	}
	dir := t.TempDir()
	if keep := os.Getenv("SAMPLE_DIR"); keep != "" {
		dir = filepath.Join(keep, "full")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := table.Write(&b, table.LaTeX, Paper.Tables(grid(names, defenses, []datasets.Task{datasets.TaskEvent}))); err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(b.String(), "\n\\begin{table*}[tbp]\n\\centering\\footnotesize\n\\caption{Parameters") // alone
	if err := os.WriteFile(filepath.Join(dir, "table.tex"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := pdflatex(t, dir, "full", `\documentclass[10pt,twocolumn]{article}
\usepackage[letterpaper,margin=0.75in,columnsep=0.33in]{geometry}
\usepackage{booktabs,graphicx}
\begin{document}
\input{table}
\end{document}
`)
	if err != nil || !strings.Contains(log, "(1 page") || strings.Contains(log, "Float too large") || strings.Contains(log, "Overfull") {
		t.Errorf("%v\n%s", err, log)
	}
}

func TestNoFolderOfADiskIsPrinted(t *testing.T) {
	s := several()
	for _, k := range []reports.TableKind{Paper, Data, Parameters} {
		var b bytes.Buffer
		if err := table.Write(&b, table.LaTeX, k.Tables(s)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "alice") {
			t.Errorf("table %s names a folder", k.Name)
		}
	}
	names := shortNames(s)
	if names["capture=/home/alice/lab/lamp.pcap"] != "lamp" || names["home:b:hours=3"] != "b" || names["iotevents/12_27jdgn_cz"] != "12_27jdgn_cz" {
		t.Errorf("names %v", names)
	}
}

// The sample paper is set by pdflatex as it stands, on two pages; one that names a
// number that is not there is not.
func TestSamplePaper(t *testing.T) {
	datatest.Tool(t, "pdflatex")
	dir := t.TempDir()
	if keep := os.Getenv("SAMPLE_DIR"); keep != "" {
		dir = keep // to be looked at
	}
	s := several()
	put := func(name string, draw func(io.Writer) error) {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := draw(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	put("numbers.tex", func(w io.Writer) error { return WriteMacros(w, s) })
	put("tables.tex", func(w io.Writer) error {
		return table.Write(w, table.LaTeX, reports.TablesOf(s, []reports.TableKind{Paper, Data}))
	})
	put("tradeoff.pdf", func(w io.Writer) error {
		figs, err := figures.Tradeoff.Figures(s)
		if err != nil {
			return err
		}
		return reports.Draw(w, figs[0], figure.PDF, figure.ColumnWidth)
	})
	sample, err := os.ReadFile("testdata/sample.tex")
	if err != nil {
		t.Fatal(err)
	}

	log, err := pdflatex(t, dir, "sample", string(sample))
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if !strings.Contains(log, "(2 pages") {
		t.Errorf("not two pages: %s", log[max(0, len(log)-400):])
	}
	log, err = pdflatex(t, dir, "wrong", strings.ReplaceAll(string(sample), `\vbScore{lamp}{b}`, `\vbScore{lamp}{no-such}`))
	if err == nil || !strings.Contains(log, "no score of data set lamp, defense") {
		t.Errorf("an unknown key is no error: %v", err)
	}
}

// pdflatex sets a text in a folder and returns what it says.
func pdflatex(t *testing.T, dir, name, text string) (string, error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+".tex"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "pdflatex", "-interaction=nonstopmode", "-halt-on-error", name+".tex")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Where even the upper limit lies below the floor, neither the table nor the numbers of
// the text have an interval of zero width at 0.
func TestUpperLimitBelowTheFloor(t *testing.T) {
	var rs []results.Result
	for _, r := range reporttest.Grid(5, []string{"none", "b"}, []string{"guess-majority", "event-knn:k=1"}) {
		r.Groups = append([]results.GroupScore{}, r.Groups...)
		for k := range r.Groups {
			if r.Groups[k].N = 40; r.Cell.Defense == "b" {
				r.Groups[k].Value, r.Groups[k].Floor = 0, 0.4
			}
		}
		rs = append(rs, r)
	}
	s := reports.NewSet(reporttest.WithCanaries(rs, 40), reports.Options{})
	var b bytes.Buffer
	if err := table.Write(&b, table.LaTeX, Paper.Tables(s)); err != nil {
		t.Fatal(err)
	}
	if err := WriteMacros(&b, s); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	if strings.Contains(out, "[}0 0") || !strings.Contains(out, `[}$\le$0`) || !strings.Contains(out, "even the upper limit is not above the floor") {
		t.Errorf("the table says\n%.4000s", out)
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, "set{high}") && strings.HasSuffix(line, "{0.00}") || strings.Contains(line, "set{low}") && strings.Contains(line, "{b}") && !strings.HasSuffix(line, `{$\le$0}`) {
			t.Errorf("a number of the text: %s", line)
		}
	}
}
