package tune

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/gate"
	"veilbench/reports/table"
)

// tried is a setting with what the sweep says of it.
type tried struct {
	setting
	lines        []gate.Line
	missed, open int
	// worst is the largest advantage over all panels, NaN where nothing is known; cost
	// is the overhead and delay the added delay, +Inf where they are not known.
	worst, cost, delay float64
	front              bool
}

// judge holds every setting against the limits and finds the front.
func judge(run gate.Run, limits gate.Budget, settings []setting) ([]tried, error) {
	lines, err := gate.Judge(run, limits, gate.Run{})
	if err != nil {
		return nil, err
	}
	var out []tried
	for _, s := range settings {
		t := tried{setting: s, cost: math.Inf(1), delay: math.Inf(1)}
		for _, l := range lines {
			if l.Subject.Defense == s.id {
				t.lines = append(t.lines, l)
			}
		}
		_, t.missed, t.open = gate.Outcome{Lines: t.lines}.Counts()
		for i, p := range panelsOf(run.Set, s.id) {
			at := reports.Subject{Panel: p, Defense: s.id}
			if m := run.Set.Summaries[at]; m.NoEvidence == "" && m.Failed == 0 && m.Attack != "" {
				t.worst = max(t.worst, m.Advantage)
			} else {
				t.worst = math.NaN() // max keeps it
			}
			// Costs are those of the first panel, as in the headline table and in a gate.
			c := run.Set.Costs(at)
			if v := c.Bytes(); i == 0 && v.OK {
				t.cost = v.Num
			}
			if v := c.Delay(); i == 0 && v.OK {
				t.delay = v.Num
			}
		}
		out = append(out, t)
	}
	for i := range out {
		out[i].front = onFront(out, i)
	}
	return out, nil
}

// panelsOf are the panels that have a defense, in order.
func panelsOf(s *reports.Set, id string) []reports.Panel {
	return slices.DeleteFunc(slices.Clone(s.Panels), func(p reports.Panel) bool { return !slices.Contains(s.Defenses[p], id) })
}

// onFront says whether no other setting is as private and as cheap and better in one of
// both. What nobody knows is on no front.
func onFront(all []tried, i int) bool {
	t := all[i]
	if math.IsNaN(t.worst) || math.IsInf(t.cost, 1) {
		return false
	}
	return !slices.ContainsFunc(all, func(o tried) bool {
		return o.worst <= t.worst && o.cost <= t.cost && (o.worst < t.worst || o.cost < t.cost)
	})
}

// cheapest is the setting to choose, -1 for none: of those that keep every limit, or
// else of those that miss none, the one with the least overhead, then the least delay,
// then the least advantage.
func cheapest(all []tried) int {
	best := -1
	for i, t := range all {
		if t.missed > 0 {
			continue
		}
		if best < 0 || t.compare(all[best]) < 0 {
			best = i
		}
	}
	return best
}

func (t tried) compare(o tried) int {
	return cmp.Or(cmp.Compare(min(t.open, 1), min(o.open, 1)), cmp.Compare(t.cost, o.cost), cmp.Compare(t.delay, o.delay), cmp.Compare(t.worst, o.worst))
}

// nearest says which setting comes nearest where none keeps the limits: the one that
// leaks least, for who has a target first needs to know whether it can be reached.
func nearest(s *reports.Set, all []tried) string {
	best := -1
	for i, t := range all {
		if !math.IsNaN(t.worst) && (best < 0 || t.worst < all[best].worst) {
			best = i
		}
	}
	if best < 0 {
		return "; nothing is known of any of them"
	}
	t := all[best]
	return fmt.Sprintf("; the least advantage is %s, of %s at %s bytes", table.Score(t.worst), s.Label(t.id), table.Percent(t.cost))
}

// frontTable shows all settings, the cheapest first: what attackers learn from each
// panel and what it costs, with intervals over groups.
func frontTable(s *reports.Set, all []tried, choice int, limits gate.Budget) table.Table {
	t := table.Table{Name: "front", Title: "Privacy against cost of each setting, on the groups of the sweep"}
	heads := []string{"setting"}
	var panels []reports.Panel
	for _, p := range s.Panels {
		panels = append(panels, p)
		head := reports.TaskName(p.Task)
		if len(s.Panels) > 1 {
			head += ", " + strings.TrimSuffix(p.Dataset, sweepPart)
		}
		heads = append(heads, "±"+head)
	}
	t.Columns = table.Columns(append(heads, "±bytes", "#delay p95", "front", "limits")...)

	// What there is to lose comes first.
	without := []table.Value{table.Word(results.NoDefense)}
	for _, p := range panels {
		without = append(without, advantage(s.Summaries[reports.Subject{Panel: p, Defense: results.NoDefense}]))
	}
	t.Rows = append(t.Rows, append(append(without, costOf(s, results.NoDefense)...), table.Missing(), table.Missing()))
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[a].cost, all[b].cost) })
	for _, i := range order {
		x := all[i]
		row := []table.Value{table.Word(x.label)}
		for _, p := range panels {
			row = append(row, advantage(s.Summaries[reports.Subject{Panel: p, Defense: x.id}]))
		}
		row = append(row, costOf(s, x.id)...)
		front := "–"
		if x.front {
			front = "front"
		}
		said := verdict(x)
		if i == choice {
			said += ", chosen"
		}
		t.Rows = append(t.Rows, append(row, table.Word(front), table.Word(said)))
	}
	t.Notes = append(t.Notes,
		"figures: advantage of the best attack with its 95 % interval over groups; bytes: with that of the mean over groups, where each is tested by itself",
		"front: no other setting has as low an advantage for as few bytes; settings whose intervals overlap may change places",
		"limits: "+limitsText(limits)+"; an advantage keeps its own with the upper end of its interval")
	t.Notes = append(t.Notes, s.Stamps(panels...)...)
	return t
}

// advantage is what a panel says of a setting.
func advantage(m results.Summary) table.Value {
	switch {
	case m.Failed > 0:
		return table.Failed("failed")
	case m.Attack == "":
		return table.Missing()
	case m.NoEvidence != "":
		return table.Word(reports.NoEvidence)
	}
	v := table.Number(m.Advantage, table.Score)
	if m.HasInterval {
		v = v.Within(m.Lo, m.Hi, reports.BoundsOf(m))
	}
	return v
}

// costOf are the bytes and the delay of a setting, of the first panel that has it.
func costOf(s *reports.Set, id string) []table.Value {
	ps := panelsOf(s, id)
	if len(ps) == 0 {
		return []table.Value{table.Missing(), table.Missing()}
	}
	c := s.Costs(reports.Subject{Panel: ps[0], Defense: id})
	bytes := c.Bytes()

	// Each fold tests one group: what it adds there is one sample.
	byGroup := map[string][]float64{}
	for _, r := range c {
		if len(r.Groups) != 1 {
			return []table.Value{bytes, c.Delay()}
		}
		byGroup[r.Groups[0].Group] = append(byGroup[r.Groups[0].Group], r.Cost.Overhead())
	}
	if lo, hi, ok := overGroups(byGroup); ok && bytes.OK {
		bytes = bytes.Within(lo, hi, "["+table.Percent(lo)+" "+table.Percent(hi)+"]")
	}
	return []table.Value{bytes, c.Delay()}
}

// overGroups is the interval of the mean over groups of a figure, of which draws give
// several in each.
func overGroups(by map[string][]float64) (lo, hi float64, ok bool) {
	var v []float64
	for _, g := range slices.Sorted(maps.Keys(by)) {
		v = append(v, stats.Mean(by[g]))
	}
	lo, hi, ok = stats.Interval(v, results.Level)
	return lo, hi, ok && lo < hi
}

// verdict is how a setting fares, in words.
func verdict(t tried) string {
	switch {
	case t.missed == 0 && t.open == 0:
		return "kept"
	case t.missed == 0:
		return "undecided: too few groups"
	}
	var why []string
	for _, l := range t.lines {
		if l.State.Missed() && !slices.Contains(why, l.Rule) {
			why = append(why, l.Rule)
		}
	}
	return "missed: " + strings.Join(why, ", ")
}

// limitsText writes the limits as they are typed.
func limitsText(b gate.Budget) string {
	var out []string
	add := func(name string, v *float64, format func(float64) string) {
		if v != nil {
			out = append(out, name+" <= "+format(*v))
		}
	}
	add("advantage", b.AllTasks, table.Score)
	for _, task := range datasets.Tasks() {
		if v, ok := b.Advantage[task]; ok {
			add("advantage of "+reports.TaskName(task), &v, table.Score)
		}
	}
	add("bytes", b.Overhead, table.Percent)
	add("delay p95", b.DelayP95, table.Seconds)
	add("GB/month", b.GBPerMonth, table.Volume)
	return strings.Join(out, ", ")
}

// linesTable are the lines of a gate as a table, for JSON.
func linesTable(lines []gate.Line) table.Table {
	t := table.Table{Name: "confirm", Title: "The choice on the groups held back", Columns: table.Columns("state", "limit", "found", "what to try")}
	for _, l := range lines {
		t.Rows = append(t.Rows, []table.Value{table.Word(string(l.State)), table.Word(l.Name), table.Word(l.Detail), table.Word(l.Try)})
	}
	return t
}
