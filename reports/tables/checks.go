package tables

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// SelfCheck is the verdict of the harness on itself. It is for the page, which
// has a section for it even where none was made, and in no list of kinds.
var SelfCheck = reports.TableKind{
	Name: "checks", Doc: "self-check of the harness",
	Draw: func(s *reports.Set) []table.Table {
		return unlessEmpty(verdicts("Self-check", "check", s.Options.SelfCheck))
	},
}

// Probes are a table of verdicts and one for each curve of the label-shift
// probe.
var Probes = reports.TableKind{
	Name: "probes", Doc: "what probes found that a score should not rest on",
	Draw: func(s *reports.Set) []table.Table {
		if s.Options.Probes == nil {
			return nil
		}
		out := []table.Table{verdicts("What the probes found", "probe", s.WithoutFolders(s.Options.Probes.Verdicts))}
		for _, c := range s.Options.Probes.Shifts {
			out = append(out, shiftTable(s, c))
		}
		return out
	},
}

func verdicts(title, what string, vs []results.Verdict) table.Table {
	t := table.Table{Title: title, Columns: table.Columns(what, "verdict", "found")}
	for _, v := range vs {
		t.Rows = append(t.Rows, []table.Value{table.Word(v.Name), table.Verdict(v.OK), table.Word(v.Detail)})
	}
	return t
}

func shiftTable(s *reports.Set, c results.ShiftCurve) table.Table {
	p := reports.Panel{Dataset: c.Cell.Dataset, Task: c.Cell.Task, Vantage: c.Cell.Vantage, Split: c.Cell.Split}
	metric := reports.MetricLabel(results.Headline(c.Cell.Task))
	t := table.Table{
		Title:   fmt.Sprintf("%s of %s with labels shifted: %s", reports.FirstUpper(metric), s.Label(c.Cell.Attack), s.About(p)),
		Columns: table.Columns("#shift, "+c.Unit, "#"+metric, "#floor"),
	}
	for _, x := range c.Points {
		t.Rows = append(t.Rows, []table.Value{table.Number(x.By, table.Full), table.Number(x.Score, table.Score), table.Number(c.Floor, table.Score)})
	}
	t.Notes = append(t.Notes, fmt.Sprintf("Fold %d of the best attack on %s (%s). An honest score is highest at 0 and falls to its floor: at a peak elsewhere the labels' clock is wrong, and what does not fall rests on something that is there at any time.",
		c.Cell.Fold, s.Label(c.Cell.Defense), c.Cell.Knowledge))
	t.Notes = append(t.Notes, s.Stamps(p)...)
	return t
}

// Doubts lists what is doubtful about the data themselves, those that spoil a task
// first. It is of the manifest: results know nothing of it.
var Doubts = reports.TableKind{
	Name: "doubts", Doc: "doubts about the data",
	Draw: func(s *reports.Set) []table.Table {
		if s.Options.Manifest == nil {
			return nil
		}
		t := table.Table{Title: "Doubts about the data", Columns: table.Columns("dataset", "seen", "doubt", "where", "#count", "#of", "spoils", "what it is", "what to do")}
		for _, at := range s.Options.Manifest.Doubts {
			for _, d := range at.Doubts {
				var spoils []string
				for _, task := range d.Spoils {
					spoils = append(spoils, reports.TaskName(task))
				}
				t.Rows = append(t.Rows, []table.Value{
					table.Word(s.DataName(at.Dataset)), table.Word(string(at.Vantage)), table.Word(d.Code), table.Word(d.Where), table.Count(d.Count), table.Count(d.Of),
					table.Word(strings.Join(spoils, ", ")), table.Word(d.Detail), table.Word(d.Remedy),
				})
			}
		}
		if s.Options.Manifest.DespiteDoubts {
			t.Notes = append(t.Notes, "Results were made despite doubts that spoil them (--despite-doubts).")
		}
		return unlessEmpty(t)
	},
}

// FailedCells lists what failed and why.
var FailedCells = reports.TableKind{
	Name: "failed", Doc: "cells that failed, with their errors",
	Draw: func(s *reports.Set) []table.Table {
		t := table.Table{
			Title:   fmt.Sprintf("%d of %d cells failed", s.Failed, len(s.Results)),
			Columns: table.Columns("dataset", "task", "vantage", "defense", "attack", "knowledge", "#fold", "#draw", "error"),
		}
		for _, r := range s.Results {
			c := r.Cell
			if r.Err == "" {
				continue
			}
			t.Rows = append(t.Rows, []table.Value{
				table.Word(s.DataName(c.Dataset)), table.Word(string(c.Task)), table.Word(string(c.Vantage)), label(s, c.Defense), label(s, c.Attack), table.Word(string(c.Knowledge)),
				table.Count(c.Fold), table.Count(c.Draw), table.Word(r.Err),
			})
		}
		return unlessEmpty(t)
	},
}

// Warnings lists each warning once, with how many cells carry it: first those
// about a defense as a whole, such as an attack that may be weak, then those of
// cells.
var Warnings = reports.TableKind{
	Name: "warnings", Doc: "doubts about results",
	Draw: func(s *reports.Set) []table.Table {
		t := table.Table{Title: "Warnings", Columns: table.Columns("dataset", "defense", "warning", "#cells")}
		add := func(dataset, defense, warning string, cells int) {
			t.Rows = append(t.Rows, []table.Value{table.Word(s.DataName(dataset)), label(s, defense), table.Word(warning), table.Count(cells)})
		}
		for _, p := range s.Panels {
			for _, d := range s.Defenses[p] {
				at := reports.Subject{Panel: p, Defense: d}
				general, weak := s.Doubts(at)
				for _, w := range slices.Concat(general, weak) {
					add(p.Dataset, d, w, s.Summaries[at].Cells)
				}
			}
		}

		// Cells of all folds and attacks tend to share a warning about their data.
		type key struct{ dataset, defense, warning string }
		count := map[key]int{}
		var order []key
		for _, r := range s.Results {
			for _, w := range r.Warnings {
				k := key{r.Cell.Dataset, r.Cell.Defense, w}
				if count[k] == 0 {
					order = append(order, k)
				}
				count[k]++
			}
		}
		for _, k := range order {
			add(k.dataset, k.defense, k.warning, count[k])
		}
		return unlessEmpty(t)
	},
}

// Evidence is a table for each panel with a row for each attack on each defense:
// what a low score of it would rest on.
var Evidence = reports.TableKind{
	Name: "evidence", Doc: "what a low score of each attack on each defense rests on",
	Draw: reports.PerPanel(evidenceTable),
}

func evidenceTable(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{Title: "What a low score would rest on: " + s.About(p), Columns: table.Columns(
		"defense", "attack", "#advantage without a defense", "#canaries found behind", "#canaries found through", "state")}
	for _, d := range s.Defenses[p] {
		for _, attack := range s.Attacks(p) {
			if row := evidenceRow(s, p, d, attack); row != nil {
				t.Rows = append(t.Rows, row)
			}
		}
	}
	t.Notes = append([]string{
		reports.AboutStates,
		"Behind: the canary stands behind the defense, which has not touched it; through: it passed through the defense. An attack that finds less than half of those behind is broken.",
	}, s.PanelNotes(p, s.Attacks(p)...)...)
	return unlessEmpty(t)
}

// evidenceRow is about an attack whatever it knows: canaries and the undefended
// score are the same, and a score that counts for one knowledge counts. It is nil
// for controls.
func evidenceRow(s *reports.Set, p reports.Panel, d, attack string) []table.Value {
	var best *results.Evidence
	for _, r := range s.Summaries[reports.Subject{Panel: p, Defense: d}].Reached {
		e := r.Evidence
		if r.Attack == attack && (best == nil || e.Above && !best.Above || e.OK() && !best.OK()) {
			best = &e
		}
	}
	if best == nil {
		return nil
	}

	// An attack that was not run without a defense has no advantage there.
	undefended := table.Number(best.Undefended, table.Score)
	for _, why := range best.Reasons {
		if why == results.NoUndefended {
			undefended = table.Missing()
		}
	}
	state := table.Word(reports.State(*best))
	state.Bad = !best.OK()
	return []table.Value{
		defense(s, d), label(s, attack), undefended,
		found(best.Canary.Found, best.Canary.Planted), found(best.Canary.ThroughFound, best.Canary.Through), state,
	}
}

// found writes how many of a number of canaries an attack found.
func found(n, of int) table.Value {
	if of == 0 {
		return table.Missing()
	}
	v := table.Number(float64(n)/float64(of), table.Score)
	v.Text = fmt.Sprintf("%d of %d", n, of)
	return v
}
