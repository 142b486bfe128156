package tables

import (
	"fmt"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Evidence is a table for each panel with a row for each attack on each defense:
// what a low score of it would rest on.
var Evidence = reports.TableKind{
	Name: "evidence", Doc: "what a low score of each attack on each defense rests on",
	Draw: reports.PerPanel(evidenceTable),
}

func evidenceTable(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{Title: "What a low score would rest on: " + p.About(), Columns: table.Columns(
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
