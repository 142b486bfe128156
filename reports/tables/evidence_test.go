package tables

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/results"
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

// No kind of table prints an advantage of a defense of which nothing is known, and
// none prints a zero of it but what it was measured to be: recalls whose head says
// so, and costs.
func TestNoUnearnedZero(t *testing.T) {
	s := reports.NewSet(reporttest.Unearned(), reports.Options{Timing: func(results.Result) (results.Timing, bool) { return results.Timing{TrainSeconds: 1}, true }})
	unearned := []string{"blind", "plain", "empty", "mislabeled"}
	about := func(text string) bool {
		name, _, _ := strings.Cut(text, " ")
		return slices.Contains(unearned, strings.TrimSuffix(name, ","))
	}
	costs := []string{"costs", "dialects", "attack-cost"}

	seen := 0
	for _, k := range append(All(), Pairs) {
		for _, tb := range k.Tables(s) {
			for _, row := range tb.Rows {
				for i, v := range row {
					head := tb.Columns[i].Head
					if !about(row[0].Text) && !about(head) && !(k.Name == "tests" && about(row[1].Text)) {
						continue
					}
					seen++
					advantage := strings.Contains(head, "advantage") && head != "advantage without a defense" || strings.Contains(head, "difference") ||
						strings.HasPrefix(k.Name, "headline") && (strings.HasPrefix(head, "events") || head == "pooled")
					if advantage && (v.OK || v.HasInterval) {
						t.Errorf("%s: %s prints %s of %s, of which nothing is known", k.Name, head, v.Text, row[0].Text)
					}
					zero := strings.HasPrefix(v.Text, "0.00") || strings.HasPrefix(v.Text, "<0.01")
					if zero && !slices.Contains(costs, k.Name) && head != "advantage without a defense" && !strings.HasSuffix(head, "("+reports.NoEvidence+")") {
						t.Errorf("%s: %s of %s is %s", k.Name, head, row[0].Text, v.Text)
					}
				}
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d cells are about such defenses", seen)
	}
}

// Each reason is said in the headline with what it rests on, and a zero that is
// earned says what that rests on.
func TestHeadlineSaysWhy(t *testing.T) {
	notes := strings.Join(Headline.Tables(reports.NewSet(reporttest.Unearned(), reports.Options{}))[0].Notes, "\n")
	for _, want := range []string{
		"event-forest finds 3 of 40 canaries behind blind (what to try: --attack event-anchors, --attack fusion)",
		"no canary was planted behind the defense: plain",
		"the view leaves next to nothing to look at: empty",
		"the labels do not fit the traffic: mislabeled",
		"no attack does better than guessing without a defense",
		"the best attack is at its floor, and the defense explains it (canaries that it finds behind it, attackers with evidence): earned 40 of 40 by event-forest, 2 of 4",
		"event-forest trained worse: it scores 0.10 trained on the defense and 0.50 without",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note says %q:\n%s", want, notes)
		}
	}
	if lan := Headline.Tables(reports.NewSet(reporttest.Unearned(), reports.Options{}))[1].Notes[0]; !strings.Contains(lan, "no attack was run without the defense") {
		t.Errorf("note %q", lan)
	}
}

// Without planted cells every table says that canaries are off.
func TestEveryTableSaysThatCanariesAreOff(t *testing.T) {
	s := reports.NewSet(results.Measured(reporttest.Unearned()), reports.Options{})
	for _, tb := range reports.TablesOf(s, append(All(), Pairs)) {
		if !slices.ContainsFunc(tb.Notes, func(n string) bool { return strings.HasPrefix(n, "CANARIES OFF") }) {
			t.Errorf("%s does not say that canaries are off", tb.Title)
		}
	}
}
