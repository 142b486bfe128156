package tex

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	var rs []results.Result
	for i, name := range []string{
		"capture=/home/alice/lab/lamp.pcap", "capture=/home/alice/lab/plug.pcap", "home:a", "home:b:hours=3",
		"iotevents/12_27jdgn_cz", "iotevents/12_30tplink_cz", "echo_voice", "folder=/home/alice/trials",
	} {
		for _, r := range reporttest.Grid(5, []string{"none", "b", "vpn:kind=wireguard"}, []string{"guess-majority", "event-knn:k=1", "event-forest", "signatures"}) {
			if r.Cell.Task == datasets.TaskEvent && r.Err == "" {
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

func TestPaperIsOneTable(t *testing.T) {
	s := several()
	ts := Paper.Tables(s)
	if len(ts) != 1 || len(ts[0].Rows) != 24 {
		t.Fatalf("%d tables, want one of 24 rows", len(ts))
	}
	for k, row := range ts[0].Rows {
		p := s.Panels[k/3]
		m := s.Summaries[reports.Subject{Panel: p, Defense: s.Defenses[p][k%3]}]
		if m.NoEvidence != "" || m.Advantage == 0 {
			continue
		}
		strong := 0
		for i, v := range row {
			if v.Strong {
				strong++
				if ts[0].Columns[i].Head != s.Label(m.Attack) || v.Num != m.Advantage {
					t.Errorf("row %d: %s %v in bold, want %s %v", k, ts[0].Columns[i].Head, v.Num, s.Label(m.Attack), m.Advantage)
				}
			}
			if i >= 2 && i < len(row)-3 && v.OK && v.Num > m.Advantage+1e-12 {
				t.Errorf("row %d: %s is above the worst attack", k, ts[0].Columns[i].Head)
			}
		}
		if strong != 1 {
			t.Errorf("row %d has %d in bold", k, strong)
		}
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
