// Package tables holds the kinds of tables: what each shows of a set of
// results, one subject a file. A new kind is a value like Costs, and a line in
// All.
package tables

import (
	"veilbench/reports"
	"veilbench/reports/papers"
	"veilbench/reports/table"
	"veilbench/reports/tex"
)

// All lists the kinds in report order.
func All() []reports.TableKind {
	return []reports.TableKind{
		Headline,
		HeadlineAttacks,
		tex.Paper,
		tex.Data,
		tex.Parameters,
		Evidence,
		papers.Published,
		papers.Confusion,
		papers.Orders,
		Packets,
		Lengths,
		RunStates,
		Study,
		Tolerance,
		Shares,
		DefenseByAttack,
		Candidates,
		Routine,
		RoutineDays,
		RoutineShares,
		Detect,
		Bounds,
		Accounts,
		FalseAlarms,
		WorstAttack,
		Costs,
		Captures,
		PublishedOverheads,
		PerDevice,
		PerActivity,
		People,
		Devices,
		Transfer,
		Tests,
		Names,
		Spread,
		Probes,
		AttackCost,
		FailedCells,
		Doubts,
		Warnings,
	}
}

// Main are the kinds of report.md and table.tex, in their order.
func Main() []reports.TableKind {
	return []reports.TableKind{Headline, HeadlineAttacks, papers.Published, papers.Orders, Study, DefenseByAttack, Candidates, Routine, RoutineDays, RoutineShares, Detect, Bounds, Accounts, Packets, Lengths, RunStates, papers.Confusion, Spread, Probes, Costs, Captures, FailedCells, Doubts, Warnings}
}

// Terminal are the kinds that stand at the end of a run.
func Terminal() []reports.TableKind {
	return []reports.TableKind{Headline, HeadlineAttacks, Captures, Routine, RoutineDays, Detect, papers.Published, papers.Orders, Study}
}

// unlessEmpty is t, or nothing where it has no row.
func unlessEmpty(t table.Table) []table.Table {
	if len(t.Rows) == 0 {
		return nil
	}
	return []table.Table{t}
}

// defense is the first cell of a row.
func defense(s *reports.Set, id string) table.Value { return table.Word(s.DefenseLabel(id)) }

// label is the short name of an attack.
func label(s *reports.Set, id string) table.Value { return table.Word(s.Label(id)) }
