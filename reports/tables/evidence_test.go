package tables

import (
	"bytes"
	"testing"

	"veilbench/reports"
	"veilbench/reports/internal/golden"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// Every kind of table of results whose low scores say nothing of a defense, one
// for each reason.
func TestGoldenUnearned(t *testing.T) {
	var b bytes.Buffer
	s := reports.NewSet(reporttest.Unearned(), reports.Options{})
	if err := table.Write(&b, table.Text, reports.TablesOf(s, append(All(), Pairs))); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "unearned.txt", b.Bytes())
}
