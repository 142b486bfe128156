package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports"
	"veilbench/reports/table"
)

// report is the command that draws a table of the run.
func (g *judge) report(table string) string { return "veilbench report " + g.dir + " --table " + table }

// tryLess says what could bring the best attack below the limit: more groups where
// only the interval is too wide, else another defense of the run, and where to see
// what leaks.
func (g *judge) tryLess(at reports.Subject, m results.Summary, limit float64) string {
	var out []string

	// The half-width of an interval over groups shrinks with the root of their number.
	if m.HasInterval && m.Advantage < limit {
		n := math.Ceil(float64(m.Groups) * math.Pow((m.Hi-m.Advantage)/(limit-m.Advantage), 2))
		out = append(out, fmt.Sprintf("only the interval is too wide: about %s test groups that differ as these %d do", table.Group(table.Fixed(n, 0)), m.Groups))
	}
	if d, ok := g.keeps(at, limit); ok {
		k := g.s.Summaries[reports.Subject{Panel: at.Panel, Defense: d}]
		out = append(out, fmt.Sprintf("%s keeps it in this run (%s, bytes %s)", g.s.Label(d), table.Score(k.Advantage), g.s.Costs(reports.Subject{Panel: at.Panel, Defense: d}).Bytes().Text))
	}
	return strings.Join(append(out, g.report(leakTable(at.Task))+" shows what leaks"), "; ")
}

// keeps is the defense of the same panel that keeps a limit of the advantage with
// evidence and adds the fewest bytes.
func (g *judge) keeps(at reports.Subject, limit float64) (string, bool) {
	var ds []string
	for _, d := range g.s.Defenses[at.Panel] {
		m := g.s.Summaries[reports.Subject{Panel: at.Panel, Defense: d}]
		if d != results.NoDefense && d != at.Defense && m.Attack != "" && m.Failed == 0 && m.NoEvidence == "" && max(m.Advantage, m.Hi) <= limit {
			ds = append(ds, d)
		}
	}
	if len(ds) == 0 {
		return "", false
	}
	return slices.MinFunc(ds, func(a, b string) int {
		cost := func(d string) float64 {
			return g.s.Costs(reports.Subject{Panel: at.Panel, Defense: d}).Bytes().Num
		}
		return cmp.Compare(cost(a), cost(b))
	}), true
}

// leakTable is the table that takes apart what an attack of a task learns.
func leakTable(t datasets.Task) string {
	switch t {
	case datasets.TaskDevice:
		return "per-device"
	case datasets.TaskCommand:
		return "candidates"
	case datasets.TaskRoutine:
		return "routine"
	case datasets.TaskDetect:
		return "detect"
	}
	return "per-activity"
}

// tryGroups says how many more test groups it takes to decide.
func tryGroups(groups int, within bool) string {
	if within {
		return "recordings of several homes, or --split group-kfold over days: groups on both sides of a split are no samples of homes"
	}
	if n := stats.MinGroups - groups; n > 0 {
		return fmt.Sprintf("%d more test groups (homes, or days of one), for %d are the fewest with an interval", n, stats.MinGroups)
	}
	return fmt.Sprintf("more test groups (homes, or days of one) than these %d", groups)
}

// tryCheaper names the defense of the same panel that costs least of what c limits.
func (g *judge) tryCheaper(at reports.Subject, c costLimit) string {
	best, found := table.Value{}, ""
	for _, d := range g.s.Defenses[at.Panel] {
		v := c.of(g.s.Costs(reports.Subject{Panel: at.Panel, Defense: d}))
		if d != results.NoDefense && d != at.Defense && v.OK && v.Num <= *c.limit && (found == "" || v.Num < best.Num) {
			best, found = v, d
		}
	}
	out := []string{"a weaker setting of " + g.s.Label(at.Defense)}
	if found != "" {
		out = append(out, fmt.Sprintf("%s costs least in this run (%s)", g.s.Label(found), best.Text))
	}
	return strings.Join(append(out, g.report("costs")), "; ")
}
