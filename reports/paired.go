package reports

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/reports/table"
)

// GroupAdvantages are the advantages on a defense by test group: of the attacker
// of the headline, mean over folds and draws, not cut to 0 to 1. Groups that
// hold nothing to find have none, nor has a defense without evidence.
func (s *Set) GroupAdvantages(at Subject) map[string]float64 {
	m := s.Summaries[at]
	if best := m.Best(); best != nil && m.NoEvidence == "" {
		return best.ByGroup
	}
	return nil
}

// side is what the attackers of a defense reached in the groups given: those
// that count and were tried on all of them, the attacker of the headline always.
func (s *Set) side(at Subject, groups []string) [][]float64 {
	var out [][]float64
	for _, r := range s.Summaries[at].Reached {
		if !r.Evidence.OK() {
			continue
		}
		var row []float64
		for _, g := range groups {
			if v, ok := r.ByGroup[g]; ok {
				row = append(row, v)
			}
		}
		if len(row) == len(groups) {
			out = append(out, row)
		}
	}
	return out
}

// groupRight says for each group whether its one item was named right by the
// only attacker; nil unless there is but one, and each group has one item and
// one answer.
func groupRight(s *Set, at Subject) map[string]bool {
	if len(s.Summaries[at].Reached) != 1 {
		return nil
	}
	out := map[string]bool{}
	for _, r := range s.BestResults(at) {
		for _, g := range r.Groups {
			if _, twice := out[g.Group]; twice || g.N != 1 || g.Value != 0 && g.Value != 1 {
				return nil
			}
			out[g.Group] = g.Value == 1
		}
	}
	return out
}

// Comparison tests whether the best attack does better against one defense
// than against another, or in one run than in another, paired by test group.
type Comparison struct {
	// Defense is compared with Against.
	Defense, Against string
	// Diff are the differences of advantages in the groups that both have, of the
	// attackers that are best over these; Attackers is how many there are on each
	// side.
	Diff      []float64
	Attackers [2]int
	// Lo and Hi bound the difference of the best attackers' true means at
	// results.Level, whichever these are, if HasInterval.
	Lo, Hi      float64
	HasInterval bool
	// P is that of the exact McNemar test where there is one attacker and each
	// group has one item, else of stats.Flip, Sampled if not all signs were
	// tried; Holm is P adjusted over the Tests of one table.
	P, Holm          float64
	Tests            int
	McNemar, Sampled bool
	// RankP is the p-value of Wilcoxon's signed-rank test if Ranked: it knows
	// nothing of attackers chosen as the best, so it takes one on either side.
	RankP  float64
	Ranked bool
	// Cliff is how much more often a group of Defense lies above one of Against
	// than below, from -1 to 1.
	Cliff float64
}

// Comparisons tests each defense of a panel against each before it that shares
// a test group with it, with p-values adjusted over all of them.
func (s *Set) Comparisons(p Panel) []Comparison {
	var out []Comparison
	for i, a := range s.Defenses[p] {
		for _, d := range s.Defenses[p][i+1:] {
			if c := compareGroups(s, Subject{p, d}, s, Subject{p, a}); len(c.Diff) > 0 {
				out = append(out, c)
			}
		}
	}
	adjust(out)
	return out
}

// compareGroups tests x of one set against y of another on the groups that both
// have.
func compareGroups(s *Set, x Subject, t *Set, y Subject) Comparison {
	c := Comparison{Defense: x.Defense, Against: y.Defense}
	xs, ys := s.GroupAdvantages(x), t.GroupAdvantages(y)
	groups := slices.DeleteFunc(slices.Sorted(maps.Keys(xs)), func(g string) bool { _, ok := ys[g]; return !ok })
	if len(groups) == 0 {
		return c
	}
	ours, theirs := s.side(x, groups), t.side(y, groups)
	a, b := bestRow(ours), bestRow(theirs)
	for g := range groups {
		c.Diff = append(c.Diff, a[g]-b[g])
	}
	c.Attackers = [2]int{len(ours), len(theirs)}
	c.Lo, c.Hi, c.HasInterval = stats.DifferenceInterval(ours, theirs, tested(s, x, t, y, groups), results.Level)

	// Of groups of one item the sizes of differences are all alike, so only
	// which side was right says anything.
	if xRight, yRight := groupRight(s, x), groupRight(t, y); xRight != nil && yRight != nil {
		only := [2]int{} // groups that one side alone named right
		for _, g := range groups {
			switch {
			case xRight[g] && !yRight[g]:
				only[0]++
			case !xRight[g] && yRight[g]:
				only[1]++
			}
		}
		c.McNemar, c.P = true, stats.McNemar(only[0], only[1])
	} else {
		f := stats.Flip(ours, theirs)
		c.P, c.Sampled = f.P, !f.Exact
	}
	if c.Attackers == [2]int{1, 1} {
		c.RankP, c.Ranked = stats.Wilcoxon(c.Diff)
	}
	c.Cliff = stats.CliffDelta(a, b)
	return c
}

// tested is how many items both sides have in each of the groups, and the higher
// of their floors, which leaves least room for a difference.
func tested(s *Set, x Subject, t *Set, y Subject, groups []string) []stats.Group {
	score := func(_ *results.Result, g results.GroupScore) (float64, bool) { return g.Value, g.N > 0 }
	xs, ys := GroupsOf(s.BestResults(x), score), GroupsOf(t.BestResults(y), score)
	out := make([]stats.Group, len(groups))
	for i, g := range groups {
		out[i] = stats.Group{N: min(xs[g].N, ys[g].N), Floor: max(xs[g].Floor, ys[g].Floor)}
	}
	return out
}

// bestRow is the row with the largest mean, the first of several.
func bestRow(rows [][]float64) []float64 {
	return slices.MaxFunc(rows, func(a, b []float64) int { return cmp.Compare(stats.Mean(a), stats.Mean(b)) })
}

// adjust fills Holm and Tests of the comparisons of one table.
func adjust(cs []Comparison) {
	ps := make([]float64, len(cs))
	for i, c := range cs {
		ps[i] = c.P
	}
	for i, q := range stats.Holm(ps) {
		cs[i].Holm, cs[i].Tests = q, len(cs)
	}
}

// Difference is v with the interval of the difference, if there is one.
func (c Comparison) Difference(v float64) table.Value {
	out := table.Number(v, table.Signed)
	if c.HasInterval {
		out = out.Within(c.Lo, c.Hi, table.Bounds(c.Lo, c.Hi, 2, table.Signed))
	}
	return out
}

// PValue prints p, unless no p below 1 - results.Level were possible.
func (c Comparison) PValue(p float64) table.Value {
	if c.TooFew() {
		return table.Word("too few groups")
	}
	return table.Number(p, table.PValue)
}

// RankValue prints the p-value of the signed-rank test.
func (c Comparison) RankValue() table.Value {
	if !c.Ranked {
		return table.Missing()
	}
	return table.Number(c.RankP, table.PValue)
}

// Told says whether the test tells the two apart at results.Level.
func (c Comparison) Told() bool { return c.Holm <= 1-results.Level }

// TooFew says that so few groups in so many tests cannot show any difference:
// the smallest p of n groups is 2 to the power of 1-n, and Holm multiplies the
// smallest of a table by their number.
func (c Comparison) TooFew() bool {
	n := len(c.Diff)
	return n > 0 && math.Pow(2, 1-float64(n))*float64(c.Tests) > 1-results.Level
}

// Verdict is what the adjusted p-value says: which side leaks less, that no
// difference was found, or why none can be.
func (c Comparison) Verdict() string {
	switch d := stats.Mean(c.Diff); {
	case c.Told() && d < 0:
		return "leaks less"
	case c.Told():
		return "leaks more"
	}
	return c.undecided()
}

// undecided says why a test found nothing: because there is no difference to
// see, or because so few groups in so many tests cannot show any.
func (c Comparison) undecided() string {
	const tooFew = "too few groups to tell"
	n := len(c.Diff)
	if n == 0 {
		return "no group in both"
	}
	if !c.TooFew() {
		return "no difference shown"
	}

	// The test cannot tell, so the reader is told the signs.
	less, more := 0, 0
	for _, d := range c.Diff {
		if d < 0 {
			less++
		}
		if d > 0 {
			more++
		}
	}
	switch {
	case less > more:
		return fmt.Sprintf("%s (less in %d of %d)", tooFew, less, n)
	case more > 0:
		return fmt.Sprintf("%s (more in %d of %d)", tooFew, more, n)
	}
	return tooFew + " (the same in all)"
}

// fewGroups says what a test that turns groups round cannot do.
const fewGroups = "With n groups no p is below 2 to the power of 1 - n, and Holm multiplies it by the number of rows: 5 groups can show no difference whatever it is, 10 groups one in a table of 16 rows. Where none can be shown, `too few groups` stands in place of p, and the verdict says in how many groups the sign of the difference is the same."

// TestNote says which tests stand in a table and what they assume.
func TestNote(cs []Comparison) string {
	mcnemar := slices.ContainsFunc(cs, func(c Comparison) bool { return c.McNemar })
	flips := slices.ContainsFunc(cs, func(c Comparison) bool { return !c.McNemar })
	sampled := slices.ContainsFunc(cs, func(c Comparison) bool { return c.Sampled })
	name := ""
	if flips {
		name = "sign-flip test over whole groups, all attackers of a group together, of the difference of the best attackers' means, corrected for choosing them (same folds and draws; "
		if sampled {
			name += "signs sampled with a fixed seed where there are too many to try all)"
		} else {
			name += "all signs tried)"
		}
	}
	if mcnemar && flips {
		name += ", where each group has one item "
	}
	if mcnemar {
		name += "exact McNemar test (one attacker, each group has one item)"
	}
	return "p: " + name + ", adjusted by Holm over the table. p (ranks): Wilcoxon's signed-rank test beside it, of one attacker on either side, from six groups that differ on, not adjusted. Cliff's delta: how much more often a group of one side lies above a group of the other than below, from -1 to 1. " + fewGroups
}
