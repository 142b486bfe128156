package gate

import (
	"fmt"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// judge collects lines on s; before is the baseline, if any, dir and baseline are
// the folders of both, and changes what the paired test says of each defense that
// both know.
type judge struct {
	s, before     *reports.Set
	dir, baseline string
	budget        Budget
	changes       map[reports.Subject]reports.Comparison
	out           []Line
}

// add fills in what is known of every line: where its limit stands, what to try where
// it is not kept, and what its data are called.
func (g *judge) add(l Line) {
	at, ok := g.budget.At[At(l.Rule, string(l.Subject.Task))]
	if !ok {
		at = g.budget.At[l.Rule]
	}
	if l.At = at; l.State == pass || l.State == evidence || l.State == allowed {
		l.Try = ""
	}
	if l.Subject.Dataset != "" {
		l.Data = g.s.DataName(l.Subject.Dataset)
	}
	g.out = append(g.out, l)
}

// leaks holds what the best attack learns against the limits.
func (g *judge) leaks(d string) {
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
			at := reports.Subject{Panel: p, Defense: d}
			if limited {
				g.leak(at, limit)
			}
			if g.budget.Rise != nil {
				g.rise(at)
			}
		}
		// A limit that nothing was held against is missed, not kept.
		if named && !measured {
			g.add(Line{
				Rule: ruleAdvantage, State: fail, Name: reports.TaskName(task), Subject: reports.Subject{Panel: reports.Panel{Task: task}, Defense: d}, Limit: &limit, Unit: shareUnit,
				Detail: g.s.Label(d) + " was not measured: the run has no data for this task",
				Try:    "data whose labels serve it (veilbench datasets describe says which tasks they serve), or leave the limit out",
			})
		}
	}
}

// shareUnit is the unit of advantages and overheads.
const shareUnit = "share"

// leak is the verdict on one panel.
func (g *judge) leak(at reports.Subject, limit float64) {
	m := g.s.Summaries[at]
	l := g.line(ruleAdvantage, at)
	l.Limit, l.Unit = &limit, shareUnit
	miss := func(detail, try string) {
		l.State, l.Detail, l.Try = fail, detail, try
		g.add(l)
	}
	switch {
	case m.Failed > 0:
		miss(fmt.Sprintf("%d of %d cells failed, so a better attack may be missing", m.Failed, m.Cells), g.report("failed")+" says why; run again with --retry")
		return
	case m.Cells == 0:
		miss("not measured: the run has no attack for this task, only controls", "--attack all")
		return
	case m.Attack == "":
		miss(fmt.Sprintf("not measured: its %d cells have nothing to find", m.Cells), "longer recordings, or ones with labels of this task in every group")
		return
	}

	// A low figure that nobody earned keeps no limit.
	if g.unearned(l, g.s) {
		return
	}
	g.hold(l, m)
	l.State, l.Detail = evidence, g.restsOn(at, m)
	g.add(l)
}

// hold is the verdict on a limit of a figure that counts: its upper end keeps it,
// and a mean that too few groups stand behind leaves it open.
func (g *judge) hold(l Line, m results.Summary) {
	limit := *l.Limit
	worst, upper := m.Advantage, fmt.Sprintf("no interval over %d groups", m.Groups)
	if l.Value = &m.Advantage; m.HasInterval {
		worst = max(worst, m.Hi)
		upper = "upper " + apart(m.Hi, limit, table.Score)
		l.Lo, l.Hi = &m.Lo, &m.Hi
		if m.Edge {
			upper += ", few groups"
		}
	}
	if l.Subject.Split.Within() {
		upper += ", split within groups"
	}
	l.Detail = fmt.Sprintf("worst attack %s has advantage %s (%s), budget %s",
		g.s.Label(m.Attack), apart(m.Advantage, limit, table.Score), upper, table.Score(limit))

	// No advantage exceeds 1, so that limit needs no groups.
	switch {
	case worst > limit:
		l.State, l.Try = fail, g.tryLess(l.Subject, m, limit)
	case !m.HasInterval && limit < 1:
		l.State, l.Try = tooFew, tryGroups(m.Groups, l.Subject.Split.Within())
	default:
		l.State = pass
	}
	g.add(l)
}

// restsOn says what the figure of a defense rests on.
func (g *judge) restsOn(at reports.Subject, m results.Summary) string {
	if m.Evidence.Above {
		return fmt.Sprintf("%s is above its floor, so its figure stands; %d of %d attackers count", g.s.Label(m.Attack), m.Rest, len(m.Reached))
	}
	return fmt.Sprintf("%s finds %d of %d canaries behind it, so the defense explains the low figure; %d of %d attackers count",
		g.s.Label(m.Attack), m.Evidence.Canary.Found, m.Evidence.Canary.Planted, m.Rest, len(m.Reached))
}

// unearned is the verdict on a defense of which nothing is known in s, if it is
// one: neither kept nor missed, but no build may pass by it unseen.
func (g *judge) unearned(l Line, s *reports.Set) bool {
	why, ok := s.Why(l.Subject)
	if !ok {
		return false
	}
	l.State, l.Detail, l.Try = noEvidence, why.Start+why.Finding, why.Try
	if g.budget.AllowNoEvidence {
		l.State, l.Detail = allowed, why.String()
	}
	g.add(l)
	return true
}

// rise is the verdict on the change since the baseline.
func (g *judge) rise(at reports.Subject) {
	limit := *g.budget.Rise
	was, ok := g.before.Summaries[at]
	is := g.s.Summaries[at]
	l := g.line(ruleRise, at)
	l.Name, l.Limit, l.Unit = l.Name+", change", &limit, shareUnit
	if !ok || was.Attack == "" || is.Attack == "" {
		l.State, l.Detail, l.Try = fail, "the baseline or this run has no result that did not fail", "a baseline of the same data sets, tasks, vantage points, split and defenses; --retry for cells that failed"
		g.add(l)
		return
	}
	if g.unearned(l, g.s) {
		return
	}
	baseline := l
	if baseline.Name += " (baseline)"; g.unearned(baseline, g.before) {
		return
	}

	// The change is of the figures that the headlines show; the test pairs groups.
	c := g.changes[at]
	diff := is.Advantage - was.Advantage
	l.Value, l.Groups = &diff, len(c.Diff)
	if c.HasInterval {
		l.Lo, l.Hi = &c.Lo, &c.Hi
	}
	said := ""
	l.State, said = riseState(c, diff, limit)
	if len(c.Diff) > 0 && !c.TooFew() {
		l.P = &c.Holm
	}
	if !reports.SameData(g.before, g.s, at) {
		said += "; the baseline is of other data"
	}
	l.Detail = fmt.Sprintf("advantage %s, before %s, change %s, budget %s (%s)",
		table.Score(is.Advantage), table.Score(was.Advantage), apart(diff, limit, table.Signed), table.Signed(limit), said)
	l.Try = "veilbench compare " + g.baseline + " " + g.dir + " shows every defense"
	if l.State == tooFew || l.State == undecided {
		l.Try = tryGroups(len(c.Diff), at.Split.Within())
	}
	g.add(l)
}

// riseState judges a change by the paired test, and says in words what that found.
// Where groups are too few for it the mean alone can miss a limit but not keep it,
// as with advantages.
func riseState(c reports.Comparison, diff, limit float64) (State, string) {
	n := len(c.Diff)
	more := 0
	for _, d := range c.Diff {
		if d > 0 {
			more++
		}
	}
	p := "p " + table.PValue(c.Holm)

	// What needs no test comes first: runs are repeatable to the byte, so no change is
	// no change however few the groups.
	switch {
	case n > 0 && stats.Mean(c.Diff) == 0 && more == 0:
		return pass, fmt.Sprintf("the same in all %d groups", n)
	case c.HasInterval && c.Hi <= limit:
		return pass, fmt.Sprintf("at most %s over %d groups", table.Signed(c.Hi), n)
	case n == 0 || c.TooFew():
		said := fmt.Sprintf("more in %d of %d groups, too few for a test", more, n)
		if diff > limit {
			return fail, said
		}
		return tooFew, said
	case diff <= limit:
		return pass, fmt.Sprintf("%s over %d groups", p, n)
	case c.Told():
		return fail, fmt.Sprintf("%s over %d groups: more than noise", p, n)
	}
	return undecided, fmt.Sprintf("%s over %d groups: it may be noise", p, n)
}

// costs holds the headline's cost columns against the limits.
func (g *judge) costs(d string) {
	// The first panel that has the defense, as in the headline table.
	i := slices.IndexFunc(g.s.Panels, func(p reports.Panel) bool { return slices.Contains(g.s.Defenses[p], d) })
	p := g.s.Panels[i]
	at := reports.Subject{Panel: p, Defense: d}

	for _, c := range g.costLimits() {
		if c.limit == nil {
			continue
		}
		v := c.of(g.s.Costs(at))
		l := g.line(c.rule, at)
		l.Name, l.Limit, l.Unit = c.name+", "+g.s.Label(d), c.limit, c.unit
		if !v.OK {
			l.State, l.Detail, l.Try = fail, fmt.Sprintf("is %s on the %s data (%s)", v.Text, reports.TaskName(p.Task), g.s.DataName(p.Dataset)), c.missing
			g.add(l)
			continue
		}
		l.State, l.Value = pass, &v.Num
		if v.Num > *c.limit {
			l.State, l.Try = fail, g.tryCheaper(at, c)
		}
		l.Detail = fmt.Sprintf("%s, budget %s", apart(v.Num, *c.limit, c.format), c.format(*c.limit))
		g.add(l)
	}
}

// costLimit is a limit on one figure of the ledger.
type costLimit struct {
	rule, name, unit string
	limit            *float64
	of               func(reports.Costs) table.Value
	format           func(float64) string
	missing          string // what to try where there is no figure
}

func (g *judge) costLimits() []costLimit {
	b, failed := g.budget, g.report("failed")+" says why there is none"
	return []costLimit{
		{ruleOverhead, "overhead", shareUnit, b.Overhead, reports.Costs.Bytes, table.Percent, failed},
		{ruleDelay, "delay p95", "s", b.DelayP95, reports.Costs.Delay, table.Seconds, failed},
		{ruleTraffic, "GB/month", "GB/month", b.GBPerMonth, reports.Costs.Traffic, table.Volume, "continuous recordings of a home: clips and minutes say nothing of a month"},
	}
}

// line is the beginning of a line on one defense of one panel, which it names as
// briefly as the run allows.
func (g *judge) line(rule string, at reports.Subject) Line {
	name := reports.TaskName(at.Task)
	for _, q := range g.s.Panels {
		if q.Task == at.Task && q != at.Panel {
			name = fmt.Sprintf("%s, %s at %s", name, g.s.DataName(at.Dataset), at.Vantage)
			break
		}
	}
	l := Line{Rule: rule, Name: name + ", " + g.s.Label(at.Defense), Subject: at}
	if m := g.s.Summaries[at]; rule == ruleAdvantage || rule == ruleRise {
		l.Groups = m.Groups
		if m.NoEvidence == "" {
			l.Attack, l.Knowledge = m.Attack, m.Knowledge
		}
	}
	return l
}

// apart formats v with all its digits where fewer would make it look like a
// limit that it is not.
func apart(v, limit float64, format func(float64) string) string {
	if s := format(v); v == limit || s != format(limit) {
		return s
	}
	return table.Full(v)
}
