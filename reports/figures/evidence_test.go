package figures

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/figure"
	"veilbench/reports/reporttest"
)

// tips are what stands in a figure for those who point at it.
var tips = regexp.MustCompile("<title>[^<]*</title>")

// No figure draws what is no evidence: it is left out and named, or the words stand
// in its place.
func TestNoUnearnedMark(t *testing.T) {
	// Without the defense the attack works; of no other defense is anything known.
	rs := slices.DeleteFunc(reporttest.Unearned(), func(r results.Result) bool {
		return r.Cell.Dataset != "home:made_up" || r.Cell.Vantage != "wan" || r.Cell.Attack == "event-deaf" ||
			r.Cell.Defense == "earned" || r.Cell.Defense == "worse"
	})
	s := reports.NewSet(rs, reports.Options{})
	kinds := 0
	for _, k := range All() {
		for _, f := range k.Draw(s) {
			if strings.Contains(f.Title, "Confusion") && !strings.Contains(f.Title, "under none:") && !strings.Contains(f.Title, reports.NoEvidence) {
				t.Errorf("%s does not say that it is no evidence", f.Title)
			}
			var b bytes.Buffer
			if err := f.Write(&b, figure.SVG, 0); err != nil {
				t.Fatal(err)
			}
			_, svg, _ := strings.Cut(b.String(), "</desc>")
			svg = tips.ReplaceAllString(svg, "")
			switch k.Name {
			case "scores", "bars":
				if n := strings.Count(svg, reports.NoEvidence); n != 4 {
					t.Errorf("%s says %d times that there is no evidence, want 4", k.Name, n)
				}
			case "tolerance":
				if n := strings.Count(svg, ">"+reports.NoEvidence+"<"); n != 4 {
					t.Errorf("%s says of %d rows that there is no evidence, want 4", k.Name, n)
				}
			case "tradeoff", "curves", "ranks":
				if strings.Contains(svg, "blind") || !strings.Contains(f.Caption, "Left out for want of evidence (see the table evidence): blind, empty, mislabeled, plain.") {
					t.Errorf("%s shows blind or does not say that it is left out: %s", k.Name, f.Caption)
				}
			default:
				continue
			}
			kinds++
		}
	}
	if kinds != 5 { // one defense alone has no rank
		t.Errorf("%d figures", kinds)
	}
}
