package tables

import (
	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Candidates is a table for each command panel: how often the right command is
// in an attack's list, and how long the list is, before and after the second
// stage bounds it. One is worth nothing without the other: a list of everything is
// never wrong.
var Candidates = reports.TableKind{
	Name: "candidates", Doc: "lists of commands that fit a message, before and after bounding",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskCommand {
			return nil
		}
		return candidateTable(s, p)
	}),
}

// candidateMetrics are the columns of figures, those before bounding first.
func candidateMetrics() []string {
	return []string{
		results.InCandidates, results.CandidatesMean, results.InCandidatesBounded, results.CandidatesBounded,
		results.Unique, results.NamedRight, results.ExactRecovery,
	}
}

func candidateTable(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{Title: "Candidates before and after bounding: " + p.About(), Columns: table.Columns("defense", "attack", "knows")}
	for _, m := range candidateMetrics() {
		t.Columns = append(t.Columns, table.Column{Head: reports.MetricLabel(m), Num: true})
	}

	for _, d := range s.Defenses[p] {
		for _, a := range s.Attackers[p] {
			k := reports.Pair{Panel: p, Defense: d, Attacker: a}
			e := s.Mean(k, results.CandidatesMean)
			if a.Knowledge == results.Transfer || !e.OK && e.Failed == 0 {
				continue // what failed stays, to be seen
			}
			row := []table.Value{defense(s, d), label(s, a.Attack), table.Word(string(a.Knowledge))}
			for _, m := range candidateMetrics() {
				row = append(row, s.Mean(k, m).Value(table.Three))
			}
			t.Rows = append(t.Rows, row)
		}
	}

	t.Notes = []string{
		"Means are over messages that were found; the shares are of all commands. Bounding keeps the candidates with as many actions as the traffic shows; a list that it empties is 0 long, and wrong. Without bounding all candidates are left.",
		s.CountNote(p),
	}
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return unlessEmpty(t)
}
