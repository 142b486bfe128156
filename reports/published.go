package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
)

// published is one table: each figure that the run quotes from a paper and,
// beside it, ours as a mean over cells, for every data set and vantage point
// that computes it.
func (s *Set) published() []Table {
	if len(s.opt.Published) == 0 {
		return nil
	}
	t := Table{
		Title: "Published beside ours",
		Columns: []Column{
			{Head: "data"},
			{Head: "seen"},
			{Head: "defense"},
			{Head: "attack"},
			{Head: "figure"},
			{Head: "published", Num: true},
			{Head: "ours", Num: true, Interval: true},
			{Head: "difference", Num: true},
			{Head: "source"},
		},
	}
	var sources []string
	var defenses, attacks []string
	used := map[Panel]bool{}
	for _, q := range s.opt.Published {
		i := slices.Index(sources, q.Source)
		if i < 0 {
			i = len(sources)
			sources = append(sources, q.Source)
		}
		ref := word(fmt.Sprintf("(%d)", i+1))
		places := s.quoted(q)
		if len(places) == 0 {
			t.Rows = append(t.Rows, []Value{
				word(taskName(q.Task)), missing(), s.labelOrName(q.Defense), s.labelOrName(q.Attack),
				word(figureName(q)), number(q.Value, three), missing(), missing(), ref,
			})
			continue
		}
		defenses, attacks = append(defenses, q.Defense), append(attacks, q.Attack)
		for _, k := range places {
			used[k.Panel] = true
			ours := s.oursOf(q, k)
			diff := missing()
			if ours.OK {
				d := ours.Num - q.Value
				diff = number(d, func(v float64) string { return plus(v) + three(v) })
			}
			t.Rows = append(t.Rows, []Value{
				word(k.Dataset), word(string(k.Vantage)), s.defenseLabel(q.Defense), word(s.names.of(q.Attack)),
				word(figureName(q)), number(q.Value, three), ours, diff, ref,
			})
		}
	}
	t.Notes = append(t.Notes, fmt.Sprintf("Ours is the mean over cells of the attack trained on the same defense, else of the unaware one, with a %.0f %% interval over test groups where there are enough; – is not computed here.", 100*results.Level))
	for i, src := range sources {
		t.Notes = append(t.Notes, fmt.Sprintf("(%d) %s.", i+1, strings.TrimSuffix(src, ".")))
	}
	t.Notes = append(t.Notes, s.stamps(slices.SortedFunc(maps.Keys(used), comparePanels)...)...)
	t.Notes = append(t.Notes, s.idNotes(distinct(defenses), distinct(attacks))...)
	return []Table{t}
}

// labelOrName is the label of an ID that the results hold, else the names in it.
func (s *Set) labelOrName(id string) Value {
	if l, ok := s.names[id]; ok {
		return word(l)
	}
	var out []string
	for _, st := range stages(id) {
		out = append(out, st.name)
	}
	return word(strings.Join(out, " + "))
}

func plus(v float64) string {
	if v > 0 {
		return "+"
	}
	return ""
}

// three writes what papers print: shares with three digits after the point,
// other figures with three in all.
func three(v float64) string {
	if v < -1 || v > 1 {
		return digits(v, 3)
	}
	return fixed(v, 3)
}

func figureName(q results.Published) string {
	if q.Class != "" {
		return metricName(q.Metric) + " of " + q.Class
	}
	return metricName(q.Metric)
}

// quoted lists where the results hold what q is about: of each panel the
// attacker that knows most short of transfer.
func (s *Set) quoted(q results.Published) []pair {
	var out []pair
	for _, p := range s.panels {
		if p.Task != q.Task {
			continue
		}
		for _, k := range []results.Knowledge{results.Adaptive, results.Unaware} {
			at := pair{p, q.Defense, Attacker{Attack: q.Attack, Knowledge: k}}
			if len(s.byPair[at]) > 0 {
				out = append(out, at)
				break
			}
		}
	}
	return out
}

// oursOf is our figure for q.
func (s *Set) oursOf(q results.Published, k pair) Value {
	metric := func(r *results.Result) (float64, bool) { return metricOf(r, q.Metric) }
	if q.Class == "" {
		v := s.value(Origin{Op: Mean, Metric: q.Metric, Panel: k.Panel, Defense: k.Defense, Attacker: k.Attacker}, three)
		return withGroups(v, k.Panel, s.byPair[k], metric)
	}
	rs, failed := good(s.byPair[k])
	if failed > 0 {
		return word(failedText(failed, failed+len(rs)))
	}
	recall := func(r *results.Result) (float64, bool) { return classRecall(r, q.Class) }
	var sum, n float64
	for _, r := range rs {
		if v, ok := recall(r); ok {
			sum += v
			n++
		}
	}
	if n == 0 {
		return word("n/a")
	}
	return withGroups(number(sum/n, three), k.Panel, rs, recall)
}

// classRecall is the share of a class's items or packets that were named
// right; class is one of the data's own, or a device whose activities count
// together. ok is false when the test had none.
func classRecall(r *results.Result, class string) (v float64, ok bool) {
	var right, n int64
	for _, c := range r.Confusion {
		if i := slices.Index(c.Classes, class); i >= 0 {
			for j, x := range c.Counts[i] {
				n += x
				if i == j {
					right += x
				}
			}
		}
	}
	for _, it := range r.Items {
		if it.Truth == class || strings.HasPrefix(it.Truth, class+"/") {
			n++
			if it.Answer == it.Truth {
				right++
			}
		}
	}
	if n == 0 {
		return 0, false
	}
	return float64(right) / float64(n), true
}

// withGroups gives v the interval of a figure over the test groups, if there
// are enough of them and each cell tests one alone.
func withGroups(v Value, p Panel, rs []*results.Result, figure func(*results.Result) (float64, bool)) Value {
	if !v.OK || p.Split.Within() {
		return v
	}
	sum, n := map[string]float64{}, map[string]float64{}
	for _, r := range rs {
		if len(r.Groups) != 1 {
			return v
		}
		if x, ok := figure(r); ok {
			sum[r.Groups[0].Group] += x
			n[r.Groups[0].Group]++
		}
	}
	var groups []float64
	for _, g := range slices.Sorted(maps.Keys(sum)) {
		groups = append(groups, sum[g]/n[g])
	}
	lo, hi, ok := interval(groups)
	if !ok {
		return v
	}
	v.Lo, v.Hi, v.HasInterval = max(lo, 0), hi, true
	if v.Num <= 1 {
		v.Hi = min(hi, 1)
	}
	if v.Hi > 1 {
		v.Text += " " + bounds(v.Lo, v.Hi, 3, func(x float64) string { return group(fixed(x, 3)) })
	} else {
		v.Text += " " + bounds(v.Lo, v.Hi, 2, short)
	}
	return v
}
