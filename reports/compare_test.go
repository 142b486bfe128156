package reports_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// A run that leaks a tenth less on every group is said to leak less, in a
// difference of the two advantages, and ten tests over five groups say that
// they cannot show it.
func TestCompare(t *testing.T) {
	rs := reporttest.Small()
	for i := range rs {
		rs[i].Metrics, rs[i].Groups = slices.Clone(rs[i].Metrics), slices.Clone(rs[i].Groups)
		for k := range rs[i].Groups {
			rs[i].Groups[k].Value *= 0.9
			rs[i].Metrics[0].Value = rs[i].Groups[k].Value
		}
	}
	before, after := reports.NewSet(reporttest.Small(), reports.Options{}), reports.NewSet(rs, reports.Options{})
	rows := reports.Compare(before, after).Rows
	if len(rows) < 20 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		if d := row[4].Num - row[3].Num; math.Abs(row[5].Num-d) > 1e-12 || row[3].Num > 0 && d >= 0 {
			t.Errorf("%s to %s is a difference of %s", row[3].Text, row[4].Text, row[5].Text)
		}
		if v := row[9].Text; v != "too few groups to tell (less in 5 of 5)" && row[5].Num != 0 && !strings.Contains(v, "of 4)") {
			t.Errorf("verdict %q on a difference of %v in 5 groups", v, row[5].Num)
		}
	}

	for _, row := range reports.Compare(before, before).Rows {
		if row[9].Text != "same" || row[5].Num != 0 || row[10] != row[11] {
			t.Errorf("a run compared with itself: %v", row)
		}
		if d := row[5]; d.HasInterval && (d.Hi-d.Lo < 0.01 || d.Lo > 0 || d.Hi < 0) {
			t.Errorf("a run compared with itself differs by %s", d.Text)
		}
	}
}

// The adjusted p-values of a panel are those that Holm's method makes of its
// p-values: the k-th smallest of n times n-k+1, never below the one before.
func TestComparisonsAreAdjusted(t *testing.T) {
	s := reports.NewSet(reporttest.Small(), reports.Options{})
	for _, p := range s.Panels {
		cs := s.Comparisons(p)
		slices.SortStableFunc(cs, func(a, b reports.Comparison) int {
			switch {
			case a.P < b.P:
				return -1
			case a.P > b.P:
				return 1
			}
			return 0
		})
		top := 0.0
		for k, c := range cs {
			top = max(top, min(1, c.P*float64(len(cs)-k)))
			if math.Abs(c.Holm-top) > 1e-9 {
				t.Errorf("%s against %s: %v, want %v", c.Defense, c.Against, c.Holm, top)
			}
		}
	}
}
