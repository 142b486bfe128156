package page

import (
	"bytes"
	"strings"
	"testing"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/reporttest"
)

// A page on which nothing is known says so first, and one whose groups are parts of
// one home says it under its tables.
func TestAnswerWithoutEvidence(t *testing.T) {
	cut := "one recording was cut into 5 groups, of about equally many labels: " + datasets.OneHome
	var rs []results.Result
	for _, r := range reporttest.Study(5) {
		if r.Cell.Defense == results.NoDefense {
			continue // what is never seen to work without a defense is no evidence behind one
		}
		r.Warnings = []string{cut}
		for i := range r.Groups {
			r.Groups[i].Value = 0
		}
		rs = append(rs, r)
	}
	if len(rs) == 0 {
		t.Fatal("the fixture has no defense")
	}
	s := reports.NewSet(rs, reports.Options{})
	for _, p := range s.Panels {
		if got := strings.Join(answers(s, p), ""); !strings.Contains(got, "nothing is known") {
			t.Errorf("%s: answer %q", s.About(p), got)
		}
	}
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "<li>ONE HOME (") {
		t.Error("no table says that its groups are parts of one home")
	}
}
