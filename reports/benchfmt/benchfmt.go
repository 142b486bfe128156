// Package benchfmt writes results as the figures of a benchmark, for tools that
// follow benchmarks from one commit to the next: Write for benchstat, WriteAction
// for the charts of github-action-benchmark.
package benchfmt

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// The formats, as "veilbench report --format" names them.
const (
	Go     = "benchfmt"
	Action = "github-benchmark"
)

// Units of what is written beside the headline metric. Shares are percents: benchstat
// would write 0.31 as 310m.
const (
	advantagePct = "advantage-pct"
	floorPct     = "floor-pct"
	bytesPct     = "bytes-pct"
	delayS       = "delay-p95-s"
	trafficGB    = "GB/month"
)

// Write writes the Go benchmark format: a line for each test group of each defense,
// so that benchstat's own test runs over homes, with the advantage of the headline's
// attacker; and a line of costs for each fold and draw. What a line is about stands
// in configuration lines above it, without what differs from run to run or from disk
// to disk, for benchstat compares equal configurations alone. Defenses of which nothing is known
// have no line: comments, which readers pass over, say so.
func Write(w io.Writer, s *reports.Set) error {
	b := bufio.NewWriter(w)
	if print := s.Options.Fingerprint; print != "" {
		fmt.Fprintf(b, "# %s\n", print) // no configuration line: benchstat would compare nothing
	}
	for _, unit := range []string{advantagePct, floorPct, bytesPct, delayS, trafficGB} {
		fmt.Fprintf(b, "Unit %s better=lower\n", unit)
	}
	for _, p := range s.Panels {
		fmt.Fprintf(b, "\ndataset: %s\ntask: %s\nvantage: %s\nsplit: %s\n", table.Plain(s.DataName(p.Dataset)), p.Task, p.Vantage, p.Split)
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			writeGroups(b, s, at)
			writeCosts(b, s, at)
		}
	}
	return b.Flush()
}

// writeGroups writes a line for each test group, in the order of their names.
func writeGroups(w io.Writer, s *reports.Set, at reports.Subject) {
	by := s.GroupAdvantages(at)
	if s.Summaries[at].Failed > 0 || len(by) == 0 {
		why := "no score"
		if n, ok := s.Why(at); ok {
			why = reports.NoEvidence + ": " + n.String()
		} else if m := s.Summaries[at]; m.Failed > 0 {
			why = fmt.Sprintf("%d of %d cells failed", m.Failed, m.Cells)
		}
		fmt.Fprintf(w, "# %s left out: %s\n", table.Plain(at.Defense), table.Plain(why))
		return
	}

	metric, _ := s.Headline(at.Panel)
	all := reports.GroupsOf(s.BestResults(at), func(_ *results.Result, g results.GroupScore) (float64, bool) { return g.Value, g.N > 0 })
	for _, name := range slices.Sorted(maps.Keys(by)) {
		g := all[name]
		fmt.Fprintf(w, "%s %d %s %s %s %s-pct %s %s\n", title("Leak", at.Defense), max(g.N, 1),
			table.Full(100*by[name]), advantagePct, table.Full(100*g.Score), metric, table.Full(100*g.Floor), floorPct)
	}
}

// writeCosts writes a line for each fold, draw and seed that the ledger was kept of.
func writeCosts(w io.Writer, s *reports.Set, at reports.Subject) {
	for _, r := range s.Costs(at) {
		fmt.Fprintf(w, "%s 1", title("Cost", at.Defense))
		for _, c := range []struct {
			metric, unit string
			scale        float64
		}{{results.Overhead, bytesPct, 100}, {results.DelayP95, delayS, 1}, {results.GBPerMonth, trafficGB, 1}} {
			if v, ok := reports.MetricOf(r, c.metric); ok {
				fmt.Fprintf(w, " %s %s", table.Full(c.scale*v), c.unit)
			}
		}
		fmt.Fprintln(w)
	}
}

// title is the name of a benchmark: blanks would end it, slashes begin another part.
func title(what, defense string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r <= ' ':
			return '_'
		}
		return r
	}, table.Plain(defense))
	return "Benchmark" + what + "/defense=" + clean
}
