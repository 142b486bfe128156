package tex

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Data is what each data set is, once: for a paper, and as the data card of a file.
var Data = reports.TableKind{
	Name: "data", Doc: "data sets: what they are used for, how much there is, where from, digest",
	Draw: func(s *reports.Set) []table.Table {
		t := table.Table{Title: "Data", Columns: table.Columns("data", "name", "tasks", "split", "#hours", "#packets", "digest", "source")}
		names := shortNames(s)
		done := map[string]bool{}
		for _, p := range s.Panels {
			if !done[p.Dataset] {
				done[p.Dataset] = true
				t.Rows = append(t.Rows, dataRow(s, p.Dataset, names[p.Dataset]))
			}
		}
		t.Notes = []string{"Digest: the start of the SHA-256 of everything in the data that a result can depend on."}
		return []table.Table{t}
	},
}

// dataRow is about one data set. Its size is in the manifest, which older runs lack.
func dataRow(s *reports.Set, name, short string) []table.Value {
	var tasks, splits []string
	digest := ""
	for _, r := range s.Results {
		if r.Cell.Dataset == name {
			tasks, splits, digest = append(tasks, string(r.Cell.Task)), append(splits, string(r.Cell.Split)), r.Data
		}
	}

	// A file that was read has a name without its folder, which is of nobody's paper.
	row := []table.Value{
		table.Word(short), table.Word(s.DataName(name)), table.Word(reports.List(tasks)), table.Word(reports.List(splits)),
	}
	hours, packets, source := table.Missing(), table.Missing(), table.Missing()
	if m := s.Options.Manifest; m != nil {
		if i := slices.IndexFunc(m.Data, func(d results.DataEntry) bool { return d.Name == name }); i >= 0 {
			if n := m.Data[i].Size; n != nil {
				hours, packets = table.Number(n.Seconds/3600, table.Three), table.Count(n.Packets)
			}
			source, digest = table.Word(firstClause(m.Data[i].Source)), m.Data[i].Digest
		}
	}
	return append(row, hours, packets, table.Word(fmt.Sprintf("%.12s", digest)), source)
}

// firstClause is a source without what stands in parentheses behind it.
func firstClause(s string) string {
	s, _, _ = strings.Cut(s, " (")
	return s
}

// Parameters is what the short names of defenses and attacks stand for.
var Parameters = reports.TableKind{
	Name: "parameters", Doc: "defenses and attacks by their short names, with every parameter",
	Draw: func(s *reports.Set) []table.Table {
		t := table.Table{Title: "Defenses and attacks with every parameter", Columns: table.Columns("name", "kind", "stands for")}
		var attacks []string
		for _, p := range s.Panels {
			for _, a := range s.Attackers[p] {
				if !slices.Contains(attacks, a.Attack) {
					attacks = append(attacks, a.Attack)
				}
			}
		}
		for _, d := range s.DefensesOf(s.Panels) {
			t.Rows = append(t.Rows, []table.Value{table.Word(s.Label(d)), table.Word("defense"), table.Word(d)})
		}
		for _, a := range attacks {
			kind := "attack"
			if s.Control[a] {
				kind = "control"
			}
			t.Rows = append(t.Rows, []table.Value{table.Word(s.Label(a)), table.Word(kind), table.Word(a)})
		}
		return []table.Table{t}
	},
}
