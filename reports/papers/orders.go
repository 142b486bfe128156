package papers

import (
	"fmt"
	"maps"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Orders has each order that a paper states, which of two it found better, and
// whether it is so here.
var Orders = reports.TableKind{
	Name: "orders", Doc: "which of two a paper found better, and whether it is so here",
	Draw: func(s *reports.Set) []table.Table {
		if t := orderTable(s); len(t.Rows) > 0 {
			return []table.Table{t}
		}
		return nil
	},
}

func orderTable(s *reports.Set) table.Table {
	t := table.Table{Title: "Orders of papers, judged here", Columns: table.Columns(
		"data", "seen", "figure", "said to be higher", "than", "#higher", "#lower", "±difference", "verdict", "source")}
	var sources []string
	var ids [2][]string
	var used []reports.Panel
	for _, q := range s.Options.Published {
		if q.Over == nil {
			continue
		}
		n := slices.Index(sources, q.Source)
		if n < 0 {
			n, sources = len(sources), append(sources, q.Source)
		}
		all := ordersOf(s, q)
		if len(all) == 0 { // that it was not checked is worth knowing
			high := reports.Pair{Defense: q.Defense, Attacker: reports.Attacker{Attack: q.Attack}}
			low := reports.Pair{Defense: q.Over.Defense, Attacker: reports.Attacker{Attack: q.Over.Attack}}
			none := table.Missing()
			t.Rows = append(t.Rows, []table.Value{
				table.Word(reports.TaskName(q.Task)), none, table.Word(figureName(q)), table.Word(sideName(s, high, low)), table.Word(sideName(s, low, high)),
				none, none, none, table.Word("not computed here"), table.Word(fmt.Sprintf("(%d)", n+1)),
			})
		}
		for _, o := range all {
			used = append(used, o.high.Panel, o.low.Panel)
			ids[0], ids[1] = append(ids[0], o.high.Defense, o.low.Defense), append(ids[1], o.high.Attack, o.low.Attack)
			difference, verdict := o.judge()
			t.Rows = append(t.Rows, []table.Value{
				table.Word(o.data(s)), table.Word(string(o.high.Vantage)), table.Word(figureName(q)),
				table.Word(sideName(s, o.high, o.low)), table.Word(sideName(s, o.low, o.high)),
				o.ours[0], o.ours[1], difference, table.Word(verdict), table.Word(fmt.Sprintf("(%d)", n+1)),
			})
		}
	}

	t.Notes = append(t.Notes,
		fmt.Sprintf("The verdict rests on the mean of the differences in each test group, with its %.0f %% interval by Student's t: as published where that lies above 0, the other way round below, else undecided. Not tested: what has no score for each group, fewer than %d groups, a split within groups, and different data. No row is adjusted for the others.", 100*results.Level, stats.MinGroups))
	for i, src := range sources {
		t.Notes = append(t.Notes, fmt.Sprintf("(%d) %s.", i+1, src))
	}
	reports.SortPanels(used)
	t.Notes = append(t.Notes, s.Stamps(slices.Compact(used)...)...)
	t.Notes = append(t.Notes, s.IDNotes(reports.Distinct(ids[0]), reports.Distinct(ids[1]))...)
	return t
}

// order is an order at one place: what is said to be higher, and lower.
type order struct {
	high, low reports.Pair
	ours      [2]table.Value
	groups    [2]map[string]float64 // nil where nothing is known of single groups
}

// ordersOf are the places where both sides of an order were computed.
func ordersOf(s *reports.Set, q results.Published) []order {
	below := q
	below.Data, below.Defense, below.Attack = q.Over.Data, q.Over.Defense, q.Over.Attack
	var out []order
	for _, high := range quoted(s, q) {
		for _, low := range quoted(s, below) {
			// Of one data set both sides are of one panel. Others share task, vantage point
			// and kind of split.
			same := high.Panel == low.Panel
			if q.Data == q.Over.Data && !same || high.Vantage != low.Vantage || high.Split.Within() != low.Split.Within() {
				continue
			}
			o := order{high: high, low: low, ours: [2]table.Value{oursOf(s, q, high), oursOf(s, q, low)}}
			if same && !high.Split.Within() {
				o.groups = [2]map[string]float64{groupFigures(s, q, high), groupFigures(s, q, low)}
			}
			out = append(out, o)
		}
	}
	return out
}

// groupFigures is the figure of q in each test group, nil where results do not
// say: they hold the headline and, of packets, a matrix for each group.
func groupFigures(s *reports.Set, q results.Published, k reports.Pair) map[string]float64 {
	rs, failed := reports.Good(s.ByPair[k])
	if failed > 0 {
		return nil
	}
	headline, _ := s.Headline(k.Panel)
	out := map[string]float64{}
	if q.Class == "" && q.Metric == headline {
		for g, x := range reports.GroupsOf(rs, func(_ *results.Result, g results.GroupScore) (float64, bool) { return g.Value, g.N > 0 }) {
			out[g] = x.Score
		}
		return out
	}

	// Accuracy and shares of a class are counted in the group's own matrix.
	byGroup := map[string][]*results.Result{}
	for _, r := range rs {
		for _, c := range r.Confusion {
			byGroup[c.Group] = append(byGroup[c.Group], &results.Result{Confusion: []results.Confusion{c}})
		}
	}
	for g, one := range byGroup {
		var t reports.Tally
		switch {
		case q.Metric == results.Accuracy:
			for _, r := range one {
				for _, x := range reports.ClassTallies(r) {
					t.Right, t.N = t.Right+x.Right, t.N+x.N
				}
			}
		case q.Metric == results.Recall && q.Class != "":
			as := q.Class
			if q.As != "" {
				as = q.As
			}
			t = reports.Taken(one, q.Class, as)
		}
		if t.N > 0 {
			out[g] = float64(t.Right) / float64(t.N)
		}
	}
	return out
}

// judge is the difference, and whether it is what the paper says.
func (o order) judge() (difference table.Value, verdict string) {
	if !o.ours[0].OK || !o.ours[1].OK {
		return table.Missing(), "not computed here"
	}
	var diffs []float64
	above := 0
	for _, g := range slices.Sorted(maps.Keys(o.groups[0])) {
		if low, ok := o.groups[1][g]; ok {
			d := o.groups[0][g] - low
			diffs = append(diffs, d)
			if d > 0 {
				above++
			}
		}
	}

	// Means of groups and of all packets differ, so the interval is printed with the
	// mean that it belongs to.
	d := o.ours[0].Num - o.ours[1].Num
	lo, hi, ok := stats.Interval(diffs, results.Level)
	if !ok {
		word := "lower here"
		if d > 0 {
			word = "higher here"
		}
		return table.Number(d, table.SignedThree), word + ", not tested"
	}
	difference = table.Number(stats.Mean(diffs), table.SignedThree).Within(lo, hi, table.Bounds(lo, hi, 3, table.SignedThree))
	switch {
	case lo > 0:
		verdict = "as published"
	case hi < 0:
		verdict = "the other way round"
	default:
		verdict = fmt.Sprintf("undecided (higher in %d of %d)", above, len(diffs))
	}
	return difference, verdict
}

// data names the data set, or both where they differ.
func (o order) data(s *reports.Set) string {
	if o.high.Dataset == o.low.Dataset {
		return s.DataName(o.high.Dataset)
	}
	return s.DataName(o.high.Dataset) + " over " + s.DataName(o.low.Dataset)
}

// sideName names a side by what differs from the other: the attack, the defense,
// both, or the data.
func sideName(s *reports.Set, k, other reports.Pair) string {
	switch attack, defense := s.LabelOrName(k.Attack), s.LabelOrName(k.Defense); {
	case k.Defense == other.Defense:
		return attack + " (" + defense + ")"
	case k.Attack == other.Attack:
		return defense + " (" + attack + ")"
	default:
		return attack + " on " + defense
	}
}
