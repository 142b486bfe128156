package papers

import (
	"fmt"
	"math"

	"veilbench/reports"
	"veilbench/reports/table"
)

// Confusion has each confusion matrix of a paper square by square beside ours:
// which class is taken for which.
var Confusion = reports.TableKind{
	Name: "confusion", Doc: "confusion matrices of papers beside ours, square by square",
	Draw: func(s *reports.Set) []table.Table {
		var out []table.Table
		for _, m := range s.Matrices() {
			out = append(out, confusionTable(s, m))
		}
		return out
	},
}

// smallSquare is the least share that a square of the table has in the paper or
// here: half of a matrix is zeros.
const smallSquare = 0.01

func confusionTable(s *reports.Set, m reports.Matrix) table.Table {
	t := table.Table{
		Title:   fmt.Sprintf("%s beside ours: %s by %s, %s", m.Source, s.DefenseLabel(m.Defense), s.Label(m.Attack), s.About(m.Panel)),
		Columns: table.Columns("true class", "named as", "#published", "#ours", "#difference"),
	}
	// One square a row: eleven columns would be wider than a terminal, and a reader
	// looks for the large ones.
	for i, class := range m.Rows {
		for j, as := range m.Cols {
			published, ours := m.Published[i][j], m.Ours[i][j]
			if math.IsNaN(published) || max(published, ours) < smallSquare {
				continue
			}
			t.Rows = append(t.Rows, []table.Value{
				table.Word(class), table.Word(as), table.Number(published, table.Three), table.Number(ours, table.Three),
				table.Number(ours-published, table.SignedThree),
			})
		}
		if m.Others[i] >= smallSquare {
			t.Rows = append(t.Rows, []table.Value{table.Word(class), table.Word("names not in the paper"), table.Missing(), table.Number(m.Others[i], table.Three), table.Missing()})
		}
	}

	// Only a generator can be calibrated, as among the other figures.
	calibrated := "not calibrated to it"
	if m.Calibrated != "" && kindOf(s, m.Pair) != table.Word(recorded) {
		calibrated = "calibrated to it: " + m.Calibrated
	}
	ours, blank := m.Distance()
	t.Notes = append(t.Notes,
		fmt.Sprintf("Shares of the packets or items of each true class; squares below %.2f in both are left out.", smallSquare),
		fmt.Sprintf("Off the diagonal ours differs by %.3f in the mean; a matrix without any error would by %.3f.", ours, blank),
		fmt.Sprintf("%s data; %s.", reports.FirstUpper(kindOf(s, m.Pair).Text), calibrated))
	t.Notes = append(t.Notes, s.CountNote(m.Panel))
	t.Notes = append(t.Notes, s.Stamps(m.Panel)...)
	t.Notes = append(t.Notes, s.IDNotes([]string{m.Defense}, []string{m.Attack})...)
	return t
}
