package tables

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"veilbench/reports"
	"veilbench/reports/internal/golden"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// Each kind of table in each format, of the first fixture that has something
// for it.
func TestGoldenKinds(t *testing.T) {
	for _, k := range append(All(), Pairs) {
		var b bytes.Buffer
		for _, f := range reporttest.Fixtures() {
			ts := k.Tables(f.Set)
			if len(ts) == 0 {
				continue
			}
			for _, format := range []table.Format{table.Text, table.Markdown, table.LaTeX, table.CSV, table.HTML} {
				fmt.Fprintf(&b, "-- %s, %s --\n", f.Name, format)
				if err := table.Write(&b, format, ts); err != nil {
					t.Fatal(err)
				}
			}
			break
		}
		if b.Len() == 0 {
			t.Errorf("no fixture of package reporttest has a table %s", k.Name)
			continue
		}
		golden.Check(t, k.Name+".txt", b.Bytes())
	}
}

func TestNamesTable(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{Samples: reporttest.Samples()})
	ts := Names.Tables(s)
	if len(ts) != 1 || len(ts[0].Rows) != 2 {
		t.Fatalf("%d tables", len(ts))
	}
	var row []string
	for _, v := range ts[0].Rows[0] {
		row = append(row, v.Text)
	}
	if got := strings.Join(row, "|"); got != "plug|a.example|seen|seen|seen|–" {
		t.Errorf("row %s", got)
	}
}

func TestFailedCellsAreShown(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	found := false
	for _, tb := range DefenseByAttack.Tables(s) {
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
	s := reports.NewSet(reporttest.Grid(4, []string{"none", "a", "b"}, []string{"guess-majority", "knn"}), reports.Options{})
	warned := false
	for _, k := range All() {
		for _, tb := range k.Tables(s) {
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

// TestCandidatesShowWhatFailed: a table of lists drops no attacker whose cell
// failed, and has none where nothing lists candidates.
func TestCandidatesShowWhatFailed(t *testing.T) {
	var failed bool
	for _, tb := range Candidates.Tables(reports.NewSet(reporttest.Small(), reports.Options{})) {
		for _, row := range tb.Rows {
			failed = failed || row[4].Text == "failed 1/5"
		}
	}
	if !failed {
		t.Error("the cell that failed is in no row")
	}
	if len(Candidates.Tables(reports.NewSet(reporttest.Study(5), reports.Options{}))) > 0 {
		t.Error("a table of candidates for a task of events")
	}
}
