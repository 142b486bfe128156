package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/bench/stats"
)

// panel is one score table: a column of the headline for one knowledge.
type panel struct {
	column
	knowledge bench.Knowledge
}

func comparePanels(a, b panel) int {
	return cmp.Or(compareColumns(a.column, b.column), cmp.Compare(a.knowledge, b.knowledge))
}

// score is the mean headline metric of one attack against one defense.
type score struct {
	value, floor  float64
	cells, failed int
}

// text is the score as printed: two digits, or failed, or nothing.
func (s score) text() string {
	switch {
	case s.cells == 0:
		return ""
	case s.failed == s.cells:
		return "failed"
	case s.failed > 0:
		return fmt.Sprintf("%.2f (%d failed)", s.value, s.failed)
	}
	return fmt.Sprintf("%.2f", s.value)
}

// matrix is defenses by attacks.
type matrix struct {
	panel
	metric            string
	defenses, attacks []string
	at                map[[2]string]score
	cost              map[string]bench.Cost
	floor             float64
}

// matrices reduces results to one matrix for each panel.
func matrices(rs []bench.Result, o Options) []matrix {
	order := o.rank()
	panelOf := func(r bench.Result) panel { return panel{columnOf(r), r.Cell.Knowledge} }
	var out []matrix
	for _, p := range unique(rs, panelOf, comparePanels) {
		var mine []bench.Result
		for _, r := range rs {
			if panelOf(r) == p {
				mine = append(mine, r)
			}
		}
		m := matrix{panel: p, metric: mine[0].Headline, at: map[[2]string]score{}, cost: map[string]bench.Cost{}}
		m.defenses = unique(mine, func(r bench.Result) string { return r.Cell.Defense }, order)
		m.attacks = unique(mine, func(r bench.Result) string { return r.Cell.Attack }, order)
		m.fill(mine)
		out = append(out, m)
	}
	return out
}

func (m *matrix) fill(rs []bench.Result) {
	values := map[[2]string][]float64{}
	floors := map[[2]string][]float64{}
	for _, r := range rs {
		k := [2]string{r.Cell.Defense, r.Cell.Attack}
		s := m.at[k]
		s.cells++
		if v, ok := r.Metric(r.Headline); r.Err == "" && ok {
			values[k] = append(values[k], v)
			floors[k] = append(floors[k], r.Floor)
			if _, has := m.cost[r.Cell.Defense]; !has {
				m.cost[r.Cell.Defense] = r.Cost
			}
		} else {
			s.failed++
		}
		m.at[k] = s
	}
	for k, v := range values {
		s := m.at[k]
		s.value, s.floor = stats.Mean(v), stats.Mean(floors[k])
		m.at[k] = s
		m.floor = max(m.floor, s.floor)
	}
}

// ScoreTables are the tables of every attack against every defense: one for
// each task, data set, vantage point and knowledge.
func ScoreTables(rs []bench.Result, o Options) []Table {
	short := names(rs)
	var out []Table
	for _, m := range matrices(rs, o) {
		t := Table{
			Name:   fmt.Sprintf("scores-%s-%s-%s-%s", m.dataset, m.task, m.vantage, m.knowledge),
			Title:  fmt.Sprintf("%s of each attack on %s, %s, seen from %s, attacker %s", m.metric, taskTitle(m.task), m.dataset, m.vantage, m.knowledge),
			Header: []string{"defense"},
		}
		for _, a := range m.attacks {
			t.Header = append(t.Header, short[a])
		}
		t.Header = append(t.Header, "bytes", "delay p95")
		for _, d := range m.defenses {
			row := []string{short[d]}
			for _, a := range m.attacks {
				row = append(row, m.at[[2]string{d, a}].text())
			}
			cost := []string{"n/a", "n/a"}
			if c, ok := m.cost[d]; ok {
				cost = []string{percent(c.Overhead()), milliseconds(c.DelayP95)}
			}
			t.Rows = append(t.Rows, append(row, cost...))
		}
		t.Notes = m.notes(rs)
		out = append(out, t)
	}
	return out
}

func (m *matrix) notes(rs []bench.Result) []string {
	cells := 0
	var splits []string
	var seeds []string
	warned := map[string]bool{}
	var warnings []string
	for _, r := range rs {
		if columnOf(r) != m.column || r.Cell.Knowledge != m.knowledge {
			continue
		}
		cells++
		if s := string(r.Cell.Split); !slices.Contains(splits, s) {
			splits = append(splits, s)
		}
		if s := fmt.Sprint(r.Cell.Seed); !slices.Contains(seeds, s) {
			seeds = append(seeds, s)
		}
		for _, w := range r.Warnings {
			if !warned[w] {
				warned[w] = true
				warnings = append(warnings, w)
			}
		}
	}
	out := []string{fmt.Sprintf("mean over folds and draws of %d cells; split %s; seed %s; without looking at the traffic: %.2f at most", cells, strings.Join(splits, ", "), strings.Join(seeds, ", "), m.floor)}
	return append(out, warnings...)
}
