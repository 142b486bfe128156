package tables

import (
	"fmt"

	"gonum.org/v1/gonum/stat/combin"

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
	t := table.Table{Title: "Candidates before and after bounding: " + s.About(p), Columns: table.Columns("defense", "attack", "knows")}
	for _, m := range candidateMetrics() {
		t.Columns = append(t.Columns, table.Column{Head: reports.MetricLabel(m), Num: true})
	}
	t.Columns = append(t.Columns, table.Columns("#recall lost", "#of list left")...)

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
			lost, left := boundingCost(s, k)
			row = append(row, lost, left)
			t.Rows = append(t.Rows, row)
		}
	}

	t.Notes = []string{
		fmt.Sprintf("Listing is what there is, for commands cannot be learned one by one: %d devices with %d actions have %s combinations (Junges et al. 2019, section III-A), and %s multisets of up to %d actions, which is all that sizes can tell.",
			someDevices, someActions, table.Amount(float64(combinations(someDevices, someActions))), table.Amount(float64(combin.Binomial(someDevices+someActions, someActions)-1)), someDevices),
		"Means are over messages that were found; the shares are of all commands. Bounding keeps the candidates with as many actions as the traffic shows; a list that it empties is 0 long, and wrong. Without bounding all candidates are left.",
		s.CountNote(p),
	}
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return unlessEmpty(t)
}

// boundingCost is what the second stage costs, the share of commands that were in
// the list and no longer are, and what it buys, the part of the mean list that is
// left to go through. Neither is said where one of its two figures is missing.
func boundingCost(s *reports.Set, k reports.Pair) (lost, left table.Value) {
	value := func(metric string) table.Value { return s.Mean(k, metric).Value(table.Three) }
	in, bounded := value(results.InCandidates), value(results.InCandidatesBounded)
	all, some := value(results.CandidatesMean), value(results.CandidatesBounded)

	lost, left = table.NotApplicable(), table.NotApplicable()
	if in.OK && bounded.OK {
		lost = table.Number(in.Num-bounded.Num, table.Three)
	}
	if all.OK && some.OK && all.Num > 0 {
		left = table.Number(some.Num/all.Num, table.Three)
	}
	return lost, left
}

// The paper's example of what cannot be learned by heart.
const (
	someDevices = 5
	someActions = 7
)

// combinations is how many commands there are to one device or more, in order and
// with one of so many actions each: the figure of the paper, 7 + 7^2 + ... + 7^5.
func combinations(devices, actions int) int {
	sum, of := 0, 1
	for range devices {
		of *= actions
		sum += of
	}
	return sum
}
