package tables

import (
	"slices"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/reporttest"
	"veilbench/reports/table"
)

// No table has an interval of zero width, nor one that ends at its figure on both
// sides, where every group has the same score: none, all, or half.
func TestNoIntervalHasZeroWidth(t *testing.T) {
	seen := 0
	for _, v := range []float64{0, 0.5, 1} {
		for name, rs := range map[string][]results.Result{"grid": reporttest.Small(), "study": reporttest.Study(5)} {
			for i := range rs {
				r := &rs[i]
				r.Metrics, r.Groups = slices.Clone(r.Metrics), slices.Clone(r.Groups)
				for k, m := range r.Metrics {
					if reports.IsShare(m.Name) {
						r.Metrics[k].Value = v
					}
				}
				for k := range r.Groups {
					r.Groups[k].Value, r.Groups[k].Floor = v, 0
				}
			}
			s := reports.NewSet(rs, reports.Options{})
			for _, kind := range All() {
				for _, tb := range kind.Tables(s) {
					for _, row := range tb.Rows {
						for _, x := range row {
							if x.HasInterval {
								seen++
								zeroWidth(t, name+", "+kind.Name, x)
							}
						}
					}
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d intervals", seen)
	}
}

func zeroWidth(t *testing.T, where string, v table.Value) {
	t.Helper()
	if v.Hi-v.Lo < 0.01 || v.Lo > v.Num || v.Hi < v.Num {
		t.Errorf("%s: %s is %v in [%v %v]", where, v.Text, v.Num, v.Lo, v.Hi)
	}
}
