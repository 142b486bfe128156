package tables

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Detect is two tables for each detect panel: whether one can see that a defense is
// on, and which it is, against the same tunnel without cover and padding; and, apart,
// what is nothing but a tunnel, against none.
var Detect = reports.TableKind{
	Name: "detect", Doc: "whether one can see that a defense is on, and which",
	Draw: reports.PerPanel(func(s *reports.Set, p reports.Panel) []table.Table {
		if p.Task != datasets.TaskDetect {
			return nil
		}
		return append(unlessEmpty(detectTable(s, p, false)), unlessEmpty(detectTable(s, p, true))...)
	}),
}

// comparison is what the cells of a defense say it is compared with; ok is false
// where all of them failed.
func comparison(s *reports.Set, at reports.Subject) (against string, visible, ok bool) {
	for _, r := range s.BySubject[at] {
		if r.Err == "" {
			return r.Against, r.Visible, true
		}
	}
	return "", false, false
}

// onlyTunnel says whether a defense shows by construction against what it is
// compared with: how often it is told right is no achievement.
func onlyTunnel(s *reports.Set, at reports.Subject) bool {
	against, visible, ok := comparison(s, at)
	return ok && visible && against == results.NoDefense
}

// detectTable is about the defenses that are only tunnels, or about the others. Those
// that failed are among the others.
func detectTable(s *reports.Set, p reports.Panel, tunnels bool) table.Table {
	t := table.Table{
		Title: "Whether one sees in an hour that a defense is on, and which: " + s.About(p),
		Columns: table.Columns(
			"defense", "against", "#on or off told right", "#advantage", "#named right", "most taken for", "against none", "attack"),
		Notes: []string{
			"Told right: mean of the shares of hours with the defense and of hours without it, of the same homes, that the best attack tells right; a coin is right in .50. Named right: share of the hours with it in which it is named among all of the grid and what they are compared with.",
		},
	}
	if tunnels {
		t.Title = "Tunnels, which show by construction: " + s.About(p)
		t.Notes = append(t.Notes, "Against no defense at all a tunnel shows by construction: all that leaves the home has one other end. It stands apart, for no cover is to blame for it.")
	} else {
		t.Notes = append(t.Notes, "Against: the same tunnel without cover and padding, none where there is no tunnel. By construction: against no defense at all the tunnel shows, whatever is done inside it.")
	}

	n := footnotes{}
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		if onlyTunnel(s, at) != tunnels {
			continue
		}
		against, visible, ok := comparison(s, at)
		none := table.Word("as told")
		switch {
		case !ok:
			none = table.Missing()
		case visible:
			none = table.Word("by construction")
		case against != results.NoDefense:
			none = table.Missing() // a tunnel that some traffic goes past
		}
		told, named, taken, attack := table.Failed("failed"), table.Missing(), table.Missing(), table.Missing()
		if k, ok := s.Best(at); ok {
			told = s.Scored(k, results.Detected)
			named = s.Mean(k, results.DefenseNamed).Value(table.Score)
			taken = takenFor(s, at)
			attack = label(s, k.Attacker.Attack)
		}
		t.Rows = append(t.Rows, []table.Value{
			defense(s, d), table.Word(s.LabelOrName(cmp.Or(against, "–"))), told, advantage(s, at, &n), named, taken, none, attack,
		})
	}
	t.Notes = slices.Concat(n.lines(), t.Notes, s.PanelNotes(p))
	return t
}

// takenFor is what hours with the defense are most often taken for by the best
// attack, whether rightly or not, and in which share of them.
func takenFor(s *reports.Set, at reports.Subject) table.Value {
	count, n := map[string]int{}, 0
	for _, r := range s.BestResults(at) {
		for _, it := range r.Items {
			if it.Truth == "on" {
				count[it.Named]++
				n++
			}
		}
	}
	if n == 0 {
		return table.Missing()
	}

	// By name where two are as common, so that a map's order decides nothing.
	best := slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b string) int { return cmp.Compare(count[a], count[b]) })
	if best == at.Defense {
		return table.Word(fmt.Sprintf("itself (%s)", table.Score(float64(count[best])/float64(n))))
	}
	return table.Word(fmt.Sprintf("%s (%s)", s.LabelOrName(best), table.Score(float64(count[best])/float64(n))))
}

// detectNotes say of a headline with detect columns what is compared.
func detectNotes(s *reports.Set, ps []reports.Panel) []string {
	var tunnels []string
	any := false
	for _, p := range ps {
		if p.Task != datasets.TaskDetect {
			continue
		}
		any = true
		for _, d := range s.Defenses[p] {
			if onlyTunnel(s, reports.Subject{Panel: p, Defense: d}) && !slices.Contains(tunnels, s.Label(d)) {
				tunnels = append(tunnels, s.Label(d))
			}
		}
	}
	if !any {
		return nil
	}

	// A tunnel's 1.00 in this column must not be read as a fault of some cover.
	note := "detect: hours behind the defense against hours of the same tunnel without cover and padding"
	if len(tunnels) > 0 {
		note += "; of " + strings.Join(tunnels, ", ") + " against none, where a tunnel shows by construction"
	}
	return []string{note}
}
