package tables

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Published has each figure that the run quotes from a paper and, beside it,
// ours as a mean over cells, for every data set and vantage point that computes
// it.
var Published = reports.TableKind{
	Name: "published", Doc: "figures of papers beside ours",
	Draw: func(s *reports.Set) []table.Table {
		if len(s.Options.Published) == 0 {
			return nil
		}
		return []table.Table{publishedTable(s)}
	},
}

func publishedTable(s *reports.Set) table.Table {
	t := table.Table{Title: "Published beside ours", Columns: table.Columns(
		"data", "seen", "defense", "attack", "figure", "#published", "±ours", "#difference", "source")}

	var sources, defenses, attacks []string
	var used []reports.Panel
	for _, q := range s.Options.Published {
		i := slices.Index(sources, q.Source)
		if i < 0 {
			i = len(sources)
			sources = append(sources, q.Source)
		}
		figure := reports.MetricLabel(q.Metric)
		if q.Class != "" {
			figure += " of " + q.Class
		}
		who := s.LabelOrName(q.Defense)
		row := func(data string, seen, ours, difference table.Value) {
			t.Rows = append(t.Rows, []table.Value{
				table.Word(data), seen, table.Word(who), table.Word(s.LabelOrName(q.Attack)),
				table.Word(figure), table.Number(q.Value, table.Three), ours, difference, table.Word(fmt.Sprintf("(%d)", i+1)),
			})
		}

		// A figure that nothing here computes stays in the table: that it was not
		// checked is worth knowing.
		places := quoted(s, q)
		if len(places) == 0 {
			row(reports.TaskName(q.Task), table.Missing(), table.Missing(), table.Missing())
			continue
		}
		who = s.DefenseLabel(q.Defense)
		defenses, attacks = append(defenses, q.Defense), append(attacks, q.Attack)
		for _, k := range places {
			if !slices.Contains(used, k.Panel) {
				used = append(used, k.Panel)
			}
			ours, difference := oursOf(s, q, k), table.Missing()
			if ours.OK {
				difference = table.Number(ours.Num-q.Value, table.SignedThree)
			}
			row(k.Dataset, table.Word(string(k.Vantage)), ours, difference)
		}
	}

	t.Notes = append(t.Notes, fmt.Sprintf("Ours is the mean over cells of the attack trained on the same defense, else of the unaware one, with a %.0f %% interval over test groups where there are enough; – is not computed here.", 100*results.Level))
	for i, src := range sources {
		t.Notes = append(t.Notes, fmt.Sprintf("(%d) %s.", i+1, strings.TrimSuffix(src, ".")))
	}
	reports.SortPanels(used)
	t.Notes = append(t.Notes, s.Stamps(used...)...)
	t.Notes = append(t.Notes, s.IDNotes(reports.Distinct(defenses), reports.Distinct(attacks))...)
	return t
}

// quoted lists where the results hold what q is about: of each panel the
// attacker that knows most short of transfer.
func quoted(s *reports.Set, q results.Published) []reports.Pair {
	var out []reports.Pair
	for _, p := range s.Panels {
		if p.Task != q.Task {
			continue
		}
		for _, k := range []results.Knowledge{results.Adaptive, results.Unaware} {
			at := reports.Pair{Panel: p, Defense: q.Defense, Attacker: reports.Attacker{Attack: q.Attack, Knowledge: k}}
			if len(s.ByPair[at]) > 0 {
				out = append(out, at)
				break
			}
		}
	}
	return out
}

// oursOf is our figure for q.
func oursOf(s *reports.Set, q results.Published, k reports.Pair) table.Value {
	if q.Class == "" {
		v := s.Mean(k, q.Metric).Value(table.Three)
		return reports.WithGroups(v, k.Panel, s.ByPair[k], reports.IsShare(q.Metric), func(r *results.Result) (float64, bool) { return reports.MetricOf(r, q.Metric) })
	}

	// Not every fold tests every class, so those that do are averaged.
	rs, failed := reports.Good(s.ByPair[k])
	recall := func(r *results.Result) (float64, bool) { return classRecall(r, q.Class) }
	var sum, n float64
	for _, r := range rs {
		if v, ok := recall(r); ok {
			sum += v
			n++
		}
	}
	e := reports.Estimate{Num: sum / n, OK: n > 0, Cells: failed + len(rs), Failed: failed}
	return reports.WithGroups(e.Value(table.Three), k.Panel, rs, true, recall)
}

// classRecall is the share of a class's items or packets that were named
// right; class is one of the data's own, or a device whose activities count
// together. ok is false when the test had none.
func classRecall(r *results.Result, class string) (v float64, ok bool) {
	var t reports.Tally
	for c, x := range reports.ClassTallies(r) {
		if c == class || strings.HasPrefix(c, class+"/") {
			t.Right, t.N = t.Right+x.Right, t.N+x.N
		}
	}
	return float64(t.Right) / float64(t.N), t.N > 0
}
