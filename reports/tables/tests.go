package tables

import (
	"fmt"
	"slices"

	"veilbench/bench/stats"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Tests compares each defense with each other, paired by test group, p-values
// adjusted within the table. Groups of a split within them are no samples, so
// it has none.
var Tests = reports.TableKind{
	Name: "tests", Doc: "is one defense better than another, or is it noise",
	Draw: reports.PerPanel(testTable),
}

func testTable(s *reports.Set, p reports.Panel) []table.Table {
	cs := s.Comparisons(p)
	if p.Split.Within() {
		return nil
	}
	t := table.Table{Title: "Is the best attack worse against one defense than against another: " + p.About(), Columns: table.Columns(
		"defense", "against", "±difference", "#Cliff's delta", "#groups", "#p (ranks)", "#p", "#p (Holm)", "verdict")}
	for _, c := range cs {
		t.Rows = append(t.Rows, []table.Value{
			defense(s, c.Defense), defense(s, c.Against), c.Difference(stats.Mean(c.Diff)), table.Number(c.Cliff, table.Signed),
			table.Count(len(c.Diff)), c.RankValue(), c.PValue(c.P), c.PValue(c.Holm), table.Word(c.Verdict()),
		})
	}

	// Without these notes a reader takes "no difference shown" for "equal".
	t.Notes = append(t.Notes, "Difference of the best attack's advantage, mean over test groups, its interval whichever attack is truly best. "+reports.TestNote(cs), reports.AboutTraining)
	if slices.ContainsFunc(cs, func(c reports.Comparison) bool { return len(c.Diff) < stats.MinGroups }) {
		t.Notes = append(t.Notes, fmt.Sprintf("No interval below %d groups.", stats.MinGroups))
	}
	if left := s.LeftOut(p); left != "" {
		t.Notes = append(t.Notes, left)
	}
	t.Notes = append(t.Notes, s.Stamps(p)...)
	return unlessEmpty(t)
}
