package dossier

import (
	"fmt"
	"maps"
	"slices"

	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/datasets/privacy"
	"veilbench/reports"
	"veilbench/reports/table"
)

// classes has a row for each class and defense: how much of the class the best
// attack names right, with its interval, held against the limit.
func classes(s *reports.Set, o Options) Section {
	sec := Section{
		Title: "Verdict for each class of events",
		Text:  []string{"Found is the share of the events of a class (of a device's packets, for devices) that the best attack names right, with its 95 % interval over test groups. It is no advantage: a class that is guessed often is found often."},
	}
	if o.ClassLimit == nil {
		sec.Text = append(sec.Text, "No limit for a class was stated (--class-limit), so there is no verdict.")
	}
	for _, p := range s.Panels {
		if p.Task == datasets.TaskRoutine || p.Task == datasets.TaskDetect { // states of a day; on or off
			continue
		}
		// Paper is narrow: so many defenses stand side by side.
		for ds := range slices.Chunk(s.Defenses[p], perTable) {
			if t := classTable(s, p, ds, o); len(t.Rows) > 0 {
				sec.Tables = append(sec.Tables, t)
			}
		}
	}
	return sec
}

const perTable = 5

// classTable has a row for each class and a column for each of some defenses.
func classTable(s *reports.Set, p reports.Panel, ds []string, o Options) table.Table {
	t := table.Table{Title: s.About(p), Columns: table.Columns("class", "tells", "#tested")}
	tells := privacy.OfClass
	if p.Task == datasets.TaskDevice {
		tells = privacy.OfDevice
	}

	found := make([]map[string]recall, len(ds))
	most := map[string]int64{}
	for i, d := range ds {
		t.Columns = append(t.Columns, table.Column{Head: s.DefenseLabel(d)})
		found[i] = recalls(s, reports.Subject{Panel: p, Defense: d})
		for c, r := range found[i] {
			most[c] = max(most[c], r.n)
		}
	}
	delete(most, datasets.Cover) // the defense's own packets
	for _, c := range slices.Sorted(maps.Keys(most)) {
		row := []table.Value{table.Word(c), table.Word(tells(c).Kinds()), table.Count(most[c])}
		for i, d := range ds {
			r, ok := found[i][c]
			switch {
			case s.Summaries[reports.Subject{Panel: p, Defense: d}].NoEvidence != "":
				row = append(row, table.Word(reports.NoEvidence))
			case !ok:
				row = append(row, table.Missing())
			default:
				row = append(row, r.value(o.ClassLimit))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	if o.ClassLimit != nil {
		t.Notes = []string{fmt.Sprintf("Limit %s: within it where the upper end of the interval is, above it where the lower end is, else open.", table.Score(*o.ClassLimit))}
	}
	return t
}

// recall is how much of one class was found behind one defense.
type recall struct {
	share  float64
	lo, hi float64
	ok     bool // there is an interval
	n      int64
}

// recalls are those of every class under the best attack. An interval is over test
// groups: it needs cells that test one each.
func recalls(s *reports.Set, at reports.Subject) map[string]recall {
	all := map[string]reports.Tally{}
	groups := map[string]map[string]reports.Tally{} // by class and group
	single := !at.Split.Within()
	for _, r := range s.BestResults(at) {
		single = single && len(r.Groups) == 1
		for c, t := range reports.ClassTallies(r) {
			x := all[c]
			all[c] = reports.Tally{Right: x.Right + t.Right, N: x.N + t.N}
			if !single {
				continue
			}
			if groups[c] == nil {
				groups[c] = map[string]reports.Tally{}
			}
			g := groups[c][r.Groups[0].Group]
			groups[c][r.Groups[0].Group] = reports.Tally{Right: g.Right + t.Right, N: g.N + t.N}
		}
	}

	out := map[string]recall{}
	for c, t := range all {
		r := recall{share: float64(t.Right) / float64(t.N), n: t.N}
		if single {
			gs := map[string]stats.Group{}
			for name, g := range groups[c] {
				gs[name] = stats.Group{Score: float64(g.Right) / float64(g.N), N: int(g.N)}
			}
			// The share is over all items and the interval over groups, whose mean may lie
			// elsewhere where groups are of different size: then it holds both.
			r.lo, r.hi, r.ok = reports.Interval(gs, true)
			r.lo, r.hi = min(r.lo, r.share), max(r.hi, r.share)
		}
		out[c] = r
	}
	return out
}

// value is the share with its interval and, where there is a limit, the verdict.
// Without an interval only a share above the limit is decided.
func (r recall) value(limit *float64) table.Value {
	v := table.Number(r.share, table.Score)
	if r.ok {
		v = v.Within(r.lo, r.hi, table.Bounds(r.lo, r.hi, 2, table.Short))
	}
	switch {
	case limit == nil:
	case r.ok && r.lo > *limit || !r.ok && r.share > *limit:
		v.Text, v.Bad = v.Text+" above", true
	case r.ok && r.hi <= *limit:
		v.Text += " within"
	default:
		v.Text += " open"
	}
	return v
}
