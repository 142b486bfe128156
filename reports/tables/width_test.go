package tables

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

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

// Where the upper limit lies below the floor, cut to 0 it is no interval of zero
// width: it says so.
func TestUpperLimitBelowTheFloor(t *testing.T) {
	rs := slices.DeleteFunc(reporttest.Unearned(), func(r results.Result) bool { return r.Cell.Dataset != "home:made_up" })
	for i := range rs {
		r := &rs[i]
		if r.Cell.Defense != "earned" || r.Cell.Knowledge == results.Planted {
			continue
		}
		r.Groups = slices.Clone(r.Groups)
		for k := range r.Groups {
			r.Groups[k].Value, r.Groups[k].Floor, r.Groups[k].N = 0, 0.4, 40
		}
	}
	tb := Headline.Tables(reports.NewSet(rs, reports.Options{}))[0]
	notes := strings.Join(tb.Notes, "\n")
	for _, row := range tb.Rows {
		if row[0].Text == "earned" && (!strings.HasPrefix(row[1].Text, "0.00 [≤0] ") || !strings.Contains(notes, "even the upper limit is not above the floor")) {
			t.Errorf("%q, notes %s", row[1].Text, notes)
		}
	}
}

// Every kind of table fits a terminal of 80 columns, as long as no word in it is
// wider, and loses no word that it has at full width.
func TestTablesFitTerminals(t *testing.T) {
	kinds := 0
	for name, rs := range map[string][]results.Result{"grid": reporttest.Small(), "study": reporttest.Study(5)} {
		s := reports.NewSet(rs, reports.Options{})
		for _, kind := range All() {
			ts := kind.Tables(s)
			if len(ts) == 0 {
				continue
			}
			kinds++
			var narrow, wide strings.Builder
			if err := table.WriteText(&narrow, ts, table.Layout{Width: 80}); err != nil {
				t.Fatal(err)
			}
			if err := table.WriteText(&wide, ts, table.Layout{Width: 100_000}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(narrow.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
					t.Errorf("%s, %s: %d columns: %s", name, kind.Name, n, line)
				}
			}

			// IDs may be broken after their signs, others are whole.
			have := map[string]bool{}
			for _, w := range strings.Fields(narrow.String()) {
				have[w] = true
			}
			for _, w := range strings.Fields(wide.String()) {
				if !have[w] && !strings.ContainsAny(w, ",:+;/") {
					t.Errorf("%s, %s: no %q at 80 columns", name, kind.Name, w)
				}
			}
		}
	}
	if kinds < 20 {
		t.Errorf("%d kinds of tables", kinds)
	}
}
