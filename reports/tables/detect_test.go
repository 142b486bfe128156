package tables

import (
	"strings"
	"testing"

	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// What is only a tunnel has a table of its own, and each row says what it is held
// against.
func TestDetectTables(t *testing.T) {
	s := reports.NewSet(reporttest.Hours(), reports.Options{})
	ts := Detect.Draw(s)
	if len(ts) != 2 || len(ts[0].Rows) != 2 || len(ts[1].Rows) != 1 {
		t.Fatalf("%d tables: %+v", len(ts), ts)
	}
	row := func(table, i int) string {
		var out []string
		for _, v := range ts[table].Rows[i] {
			out = append(out, v.Text)
		}
		return strings.Join(out, " | ")
	}
	for _, c := range []struct {
		table, row int
		want       string
	}{
		{0, 0, "pad | – | failed | failed | – | – | – | –"},
		{0, 1, "cover + vpn | vpn | 0.80 [.73 .86] | 0.60 [.46 .72] | 0.50 | pad (0.67) | by construction | detect-forest"},
		{1, 0, "vpn | none | 1.00 [.95 1] | 1.00 [.91 1] ¹ | 0.50 | itself (1.00) | by construction | detect-forest"},
	} {
		if got := row(c.table, c.row); got != c.want {
			t.Errorf("row %d of table %d is\n%s\nwant\n%s", c.row, c.table, got, c.want)
		}
	}
	if notes := strings.Join(Headline.Draw(s)[0].Notes, "\n"); !strings.Contains(notes, "of vpn against none, where a tunnel shows by construction") {
		t.Error(notes)
	}
}
