package reports

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports/table"
)

// Budget is what a defense may leak and cost. A nil limit is none.
type Budget struct {
	// Defense is the one to judge: its ID, its label or its name without
	// parameters. Empty means every defense of the run but "none".
	Defense string
	// Advantage limits what the best attack learns of a task. It is compared
	// with the upper end of the interval, or with the advantage itself if that
	// is larger or has no interval.
	Advantage map[datasets.Task]float64
	// AllTasks is the limit of tasks that Advantage does not name.
	AllTasks *float64
	// Overhead limits the extra bytes as a ratio, DelayP95 the added delay in
	// seconds, GBPerMonth the extra traffic of a home.
	Overhead, DelayP95, GBPerMonth *float64
	// AllowNoEvidence lets a defense of which nothing is known keep its limits.
	AllowNoEvidence bool
	// Rise limits how much the advantage may grow since the baseline.
	Rise *float64
}

// Gate holds a run against a budget, with one verdict for each limit, defense
// and panel; baseline is an earlier run for Budget.Rise, nil for none. What was
// not measured, what failed, what has no evidence (unless the budget allows it)
// and a failed self-check or probe miss the gate. An
// error says that the budget does not fit the run.
func (s *Set) Gate(b Budget, baseline *Set) ([]results.Verdict, error) {
	ds, err := gated(s, b.Defense)
	if err != nil {
		return nil, err
	}
	if b.Rise != nil && baseline == nil {
		return nil, fmt.Errorf("the budget limits the rise of the advantage: want a baseline to compare with")
	}
	g := gate{s: s, budget: b, before: baseline}

	// What the harness says of itself comes first: if that is wrong, no limit
	// below is worth reading.
	g.checks("self-check", s.Options.SelfCheck)
	if s.Options.Probes != nil {
		g.checks("probe", s.Options.Probes.Verdicts)
	}
	for _, d := range ds {
		g.leaks(d)
		g.costs(d)
	}
	if len(g.out) == 0 {
		return nil, fmt.Errorf("the budget sets no limit")
	}
	return g.out, nil
}

// gated are the IDs of the defenses that name means.
func gated(s *Set, name string) ([]string, error) {
	var out, all []string
	for _, d := range s.DefensesOf(s.Panels) {
		if d == results.NoDefense {
			continue
		}
		all = append(all, d)
		base, _, _ := strings.Cut(d, ":")
		if name == "" || name == d || name == s.Label(d) || name == base {
			out = append(out, d)
		}
	}
	if len(out) == 0 && name != "" {
		return nil, fmt.Errorf("the run has no defense %q (has %s)", name, strings.Join(all, ", "))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the run has no defense but none: nothing to judge")
	}
	return out, nil
}

// gate collects verdicts on s; before is the baseline, if any.
type gate struct {
	s, before *Set
	budget    Budget
	out       []results.Verdict
}

// checks passes on those that failed.
func (g *gate) checks(name string, vs []results.Verdict) {
	for _, v := range vs {
		if !v.OK {
			g.say(name, false, "%s: %s", v.Name, v.Detail)
		}
	}
}

func (g *gate) say(name string, ok bool, format string, args ...any) {
	g.out = append(g.out, results.Verdict{Name: name, OK: ok, Detail: fmt.Sprintf(format, args...)})
}

// leaks holds what the best attack learns against the limits.
func (g *gate) leaks(d string) {
	for _, task := range datasets.Tasks() {
		limit, named := g.budget.Advantage[task]
		if g.budget.AllTasks != nil && !named {
			limit = *g.budget.AllTasks
		}
		limited := named || g.budget.AllTasks != nil

		measured := false
		for _, p := range g.s.Panels {
			if p.Task != task || !slices.Contains(g.s.Defenses[p], d) {
				continue
			}
			measured = true
			if limited {
				g.leak(p, d, limit)
			}
			if g.budget.Rise != nil {
				g.rise(p, d)
			}
		}
		// A limit that nothing was held against is missed, not kept.
		if named && !measured {
			g.say(TaskName(task), false, "%s was not measured: the run has no data for this task", g.s.Label(d))
		}
	}
}

// leak is the verdict on one panel.
func (g *gate) leak(p Panel, d string, limit float64) {
	m := g.s.Summaries[Subject{p, d}]
	name := g.where(p, d)
	switch {
	case m.Failed > 0:
		g.say(name, false, "%d of %d cells failed, so a better attack may be missing", m.Failed, m.Cells)
		return
	case m.Cells == 0:
		g.say(name, false, "not measured: the run has no attack for this task, only controls")
		return
	case m.Attack == "":
		g.say(name, false, "not measured: its %d cells have nothing to find", m.Cells)
		return
	}

	// A low figure that nobody earned keeps no limit.
	if g.unearned(name, Subject{p, d}, g.s) {
		return
	}
	worst, upper := m.Advantage, fmt.Sprintf("no interval over %d groups", m.Groups)
	if m.HasInterval {
		worst = max(worst, m.Hi)
		upper = "upper " + apart(m.Hi, limit, table.Score)
		if m.Edge {
			upper += ", few groups"
		}
	}
	if p.Split.Within() {
		upper += ", split within groups"
	}
	g.say(name, worst <= limit, "worst attack %s has advantage %s (%s), budget %s",
		g.s.Label(m.Attack), apart(m.Advantage, limit, table.Score), upper, table.Score(limit))
}

// unearned is the verdict on a defense of which nothing is known in s, if it is
// one: neither kept nor missed, but no build may pass by it unseen.
func (g *gate) unearned(name string, at Subject, s *Set) bool {
	why, ok := s.Why(at)
	if !ok {
		return false
	}
	v := results.Verdict{Name: name, OK: g.budget.AllowNoEvidence, State: NoEvidence, Detail: why.String()}
	if v.OK {
		v.State += " (allowed)"
	}
	g.out = append(g.out, v)
	return true
}

// rise is the verdict on the change since the baseline.
func (g *gate) rise(p Panel, d string) {
	was, ok := g.before.Summaries[Subject{p, d}]
	is := g.s.Summaries[Subject{p, d}]
	name := g.where(p, d) + ", change"
	if !ok || was.Attack == "" || is.Attack == "" {
		g.say(name, false, "the baseline or this run has no result that did not fail")
		return
	}
	at := Subject{p, d}
	if g.unearned(name, at, g.s) || g.unearned(name+" (baseline)", at, g.before) {
		return
	}
	diff := is.Advantage - was.Advantage
	g.say(name, diff <= *g.budget.Rise, "advantage %s, before %s, change %s, budget %s",
		table.Score(is.Advantage), table.Score(was.Advantage), apart(diff, *g.budget.Rise, table.Signed), table.Signed(*g.budget.Rise))
}

// costs holds the headline's cost columns against the limits.
func (g *gate) costs(d string) {
	// The first panel that has the defense, as in the headline table.
	i := slices.IndexFunc(g.s.Panels, func(p Panel) bool { return slices.Contains(g.s.Defenses[p], d) })
	p := g.s.Panels[i]
	cost := g.s.Costs(Subject{p, d})

	for _, c := range []struct {
		name   string
		limit  *float64
		v      table.Value
		format func(float64) string
	}{
		{"overhead", g.budget.Overhead, cost.Bytes(), table.Percent},
		{"delay p95", g.budget.DelayP95, cost.Delay(), table.Seconds},
		{"GB/month", g.budget.GBPerMonth, cost.Traffic(), table.Volume},
	} {
		if c.limit == nil {
			continue
		}
		name := c.name + ", " + g.s.Label(d)
		if !c.v.OK {
			g.say(name, false, "is %s on the %s data (%s)", c.v.Text, TaskName(p.Task), p.Dataset)
			continue
		}
		g.say(name, c.v.Num <= *c.limit, "%s, budget %s", apart(c.v.Num, *c.limit, c.format), c.format(*c.limit))
	}
}

// where names a panel as briefly as the run allows.
func (g *gate) where(p Panel, d string) string {
	name := TaskName(p.Task)
	for _, q := range g.s.Panels {
		if q.Task == p.Task && q != p {
			name = fmt.Sprintf("%s, %s at %s", name, p.Dataset, p.Vantage)
			break
		}
	}
	return name + ", " + g.s.Label(d)
}

// apart formats v with all its digits where fewer would make it look like a
// limit that it is not.
func apart(v, limit float64, format func(float64) string) string {
	if s := format(v); v == limit || s != format(limit) {
		return s
	}
	return table.Full(v)
}
