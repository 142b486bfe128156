package tables

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Study is a score against a number that attacks or data sets differ in.
var Study = reports.TableKind{
	Name: "study", Doc: "score against a parameter of an attack or of generated data",
	Draw: func(s *reports.Set) []table.Table { return studyTables(s, s.Studies()) },
}

// Tolerance is the recall of events against how far a detection may be off.
var Tolerance = reports.TableKind{
	Name: "tolerance", Doc: "recall of events against the matching tolerance",
	Draw: func(s *reports.Set) []table.Table { return studyTables(s, s.Tolerances()) },
}

// Shares is the recall of packets against how much of the traffic around them
// is their device's, of all devices and of each.
var Shares = reports.TableKind{
	Name: "shares", Doc: "recall of packets against their device's share of the window",
	Draw: func(s *reports.Set) []table.Table {
		return append(studyTables(s, s.Shares()), reports.PerPanel(deviceShares)(s)...)
	},
}

func studyTables(s *reports.Set, sts []reports.Study) []table.Table {
	var out []table.Table
	for _, st := range sts {
		t := studyTable(st)
		t.Notes = slices.Concat([]string{s.CountNote(st.Panel), reports.AboutTraining}, st.Notes, s.Stamps(st.Panel))
		out = append(out, t)
	}
	return out
}

// valueColumns have a column for each value of the setting x.
func valueColumns(x string, values []float64) []table.Column {
	name, unit := reports.SplitUnit(x)
	var out []table.Column
	for _, v := range values {
		out = append(out, table.Column{Head: strings.TrimSpace(name + " " + table.Full(v) + " " + unit), Num: true, Interval: true})
	}
	return out
}

// studyTable has a row for each value, or for each defense where there are more
// of these: tables are to be longer than wide.
func studyTable(st reports.Study) table.Table {
	t := table.Table{Title: st.Title}
	if len(st.Names) > len(st.Values) {
		t.Columns = append(table.Columns("defense"), valueColumns(st.X, st.Values)...)
		if st.Zero != "" {
			t.Columns = append(t.Columns, table.Column{Head: atZero, Num: true, Interval: true})
		}
		for i, n := range st.Names {
			row := append([]table.Value{table.Word(n)}, st.Lines[i]...)
			if st.Zero != "" {
				row = append(row, st.AtZero[i])
			}
			t.Rows = append(t.Rows, row)
		}
		return t
	}

	// Turned, the head of the first column names the setting with its unit.
	t.Columns = table.Columns("#" + reports.WithUnit(st.X))
	for _, n := range st.Names {
		t.Columns = append(t.Columns, table.Column{Head: n, Num: true, Interval: true})
	}
	for i, x := range st.Values {
		row := []table.Value{table.Number(x, table.Full)}
		for _, l := range st.Lines {
			row = append(row, l[i])
		}
		t.Rows = append(t.Rows, row)
	}
	if st.Zero != "" {
		t.Rows = append(t.Rows, append([]table.Value{table.Word(atZero)}, st.AtZero...))
	}
	return t
}

// atZero heads the scores where a setting is 0 and that is no number, which a note
// explains: in brackets, and last.
const atZero = "(0)"

// deviceShares is Shares for each device: a table for each panel, or none where
// results do not say.
func deviceShares(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{
		Title:   "Recall of each device's packets against its share of the window, best attack on each defense: " + s.About(p),
		Columns: append(table.Columns("defense", "device"), valueColumns(reports.ShareOfWindow, reports.ShareEnds())...),
	}
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		best, _ := s.Best(at)
		for _, device := range sharingDevices(s.BestResults(at)) {
			row := []table.Value{defense(s, d), table.Word(device)}
			for _, m := range results.ShareMetrics() {
				row = append(row, s.Scored(best, m+":"+device))
			}
			t.Rows = append(t.Rows, row)
		}
	}

	// Homes have many devices, and each is tested behind each defense.
	t.Notes = []string{s.CountNote(p), reports.AboutTraining, reports.AboutShares, "n/a: no packet of the device in that range, in some fold at least."}
	if n := len(t.Rows); n > mostClasses {
		t.Rows = t.Rows[:mostClasses]
		t.Notes = append(t.Notes, fmt.Sprintf("The first %d of %d rows; results.csv has all.", mostClasses, n))
	}
	t.Notes = slices.Concat(t.Notes, s.IDNotes(s.Defenses[p], nil), s.Stamps(p))
	return unlessEmpty(t)
}

// sharingDevices lists the devices that the results have shares of, sorted.
func sharingDevices(rs []*results.Result) []string {
	var out []string
	for _, r := range rs {
		for _, m := range r.Metrics {
			of, device, ok := strings.Cut(m.Name, ":")
			if ok && slices.Contains(results.ShareMetrics(), of) {
				out = append(out, device)
			}
		}
	}
	return reports.Distinct(out)
}
