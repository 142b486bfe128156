package tables

import (
	"fmt"
	"maps"
	"slices"

	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// PerDevice is the recall of each device under the best attack on each
// defense, over packets of all groups.
var PerDevice = reports.TableKind{
	Name: "per-device", Doc: "recall of each device under the best attack",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskDevice {
			return nil
		}
		return classTable(s, p, "device", "packets")
	}),
}

// PerActivity is the share of events, clips or commands of each class that the
// best attack named right.
var PerActivity = reports.TableKind{
	Name: "per-activity", Doc: "recall of each activity under the best attack",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task == datasets.TaskDevice {
			return nil
		}
		return classTable(s, p, "activity", "items")
	}),
}

// mostClasses is how many classes a table shows.
const mostClasses = 60

func classTable(s *reports.Set, p reports.Panel, what, tested string) []table.Table {
	// A defense adds classes of its own, such as cover, so the number tested is
	// the most over defenses.
	byDefense := map[string]map[string]reports.Tally{}
	most := map[string]int64{}
	for _, d := range s.Defenses[p] {
		byDefense[d] = map[string]reports.Tally{}
		for _, r := range s.BestResults(reports.Subject{Panel: p, Defense: d}) {
			for c, t := range reports.ClassTallies(r) {
				u := byDefense[d][c]
				u.Right, u.N = u.Right+t.Right, u.N+t.N
				byDefense[d][c] = u
				most[c] = max(most[c], u.N)
			}
		}
	}

	t := table.Table{Title: fmt.Sprintf("Recall of each %s under the best attack: %s", what, p.About()), Columns: table.Columns(what, "#n")}
	for _, d := range s.Defenses[p] {
		head := s.DefenseLabel(d)
		if s.Summaries[reports.Subject{Panel: p, Defense: d}].NoEvidence != "" {
			head += " (" + reports.NoEvidence + ")"
		}
		t.Columns = append(t.Columns, table.Column{Head: head, Num: true})
	}
	t.Notes = append(t.Notes, fmt.Sprintf("Share of the tested %s (n, the most over defenses) of each %s that the best attack names right.", tested, what))
	if most[datasets.Cover] > 0 {
		t.Notes = append(t.Notes, datasets.Cover+": the defense's own packets.")
	}
	names := slices.Sorted(maps.Keys(most))
	if len(names) > mostClasses {
		t.Notes = append(t.Notes, fmt.Sprintf("The first %d of %d classes by name.", mostClasses, len(names)))
		names = names[:mostClasses]
	}

	for _, c := range names {
		row := []table.Value{table.Word(c), table.Count(most[c])}
		for _, d := range s.Defenses[p] {
			if u := byDefense[d][c]; u.N > 0 {
				row = append(row, table.Number(float64(u.Right)/float64(u.N), table.Score))
			} else {
				row = append(row, table.Missing())
			}
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return unlessEmpty(t)
}
