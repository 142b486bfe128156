package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/reports/table"
)

// GroupAdvantages are the advantages on a defense by test group: of the attack
// that is best on the other groups, as in the headline, or of the best one where
// there is no choice by group; mean over folds and draws.
func (s *Set) GroupAdvantages(at Subject) map[string]float64 {
	if by := s.Summaries[at].ByGroup; by != nil {
		return by
	}
	return GroupMeans(s.BestResults(at), func(_ *results.Result, g results.GroupScore) (float64, bool) {
		return (g.Value - g.Floor) / max(1-g.Floor, 1e-9), true
	})
}

// groupRight says for each group whether its one item was named right, by the
// attack that GroupAdvantages is about; nil unless each group has one item and
// one answer.
func groupRight(s *Set, at Subject) map[string]bool {
	out := map[string]bool{}
	for _, r := range s.BestResults(at) {
		for _, g := range r.Groups {
			if _, twice := out[g.Group]; twice || g.N != 1 || g.Value != 0 && g.Value != 1 {
				return nil
			}
			out[g.Group] = g.Value == 1
		}
	}
	for g, v := range s.Summaries[at].ByGroup {
		out[g] = v >= 1-1e-9 // all of what is above the floor
	}
	return out
}

// Comparison tests whether the best attack does better against one defense
// than against another, or in one run than in another, paired by test group.
type Comparison struct {
	// Defense is compared with Against.
	Defense, Against string
	// Diff are the differences of advantages in the groups that both have.
	Diff []float64
	// P is that of the exact McNemar test where each group has one item, else of
	// the sign-flip test over groups; Holm is P adjusted over the Tests of one
	// table.
	P, Holm float64
	Tests   int
	McNemar bool
	// RankP is the p-value of Wilcoxon's signed-rank test if Ranked.
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
	xRight, yRight := groupRight(s, x), groupRight(t, y)

	var a, b []float64
	only := [2]int{} // groups that one side alone named right
	for _, g := range slices.Sorted(maps.Keys(xs)) {
		other, ok := ys[g]
		if !ok {
			continue
		}
		a, b = append(a, xs[g]), append(b, other)
		c.Diff = append(c.Diff, xs[g]-other)
		switch {
		case xRight[g] && !yRight[g]:
			only[0]++
		case !xRight[g] && yRight[g]:
			only[1]++
		}
	}

	// Of groups of one item the sizes of differences are all alike, so only
	// which side was right says anything.
	c.McNemar = xRight != nil && yRight != nil
	c.P = stats.SignFlip(c.Diff)
	if c.McNemar {
		c.P = stats.McNemar(only[0], only[1])
	}
	c.RankP, c.Ranked = stats.Wilcoxon(c.Diff)
	c.Cliff = stats.CliffDelta(a, b)
	return c
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

// Difference is v with the interval of the mean difference, if there is one.
func (c Comparison) Difference(v float64) table.Value {
	out := table.Number(v, table.Signed)
	if lo, hi, ok := stats.Interval(c.Diff, results.Level); ok {
		out = out.Within(lo, hi, table.Bounds(lo, hi, 2, table.Signed))
	}
	return out
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

// fewGroups says what a sign-flip test cannot do.
const fewGroups = "With n groups no p is below 2 to the power of 1 - n: 5 groups give 0.0625 at best, so whatever the difference they cannot show it, and the more rows a table has, the more groups it takes. Where that is so, the verdict says in how many groups the sign of the difference is the same."

// TestNote says which tests stand in a table and what they assume.
func TestNote(cs []Comparison) string {
	mcnemar := slices.ContainsFunc(cs, func(c Comparison) bool { return c.McNemar })
	flips := slices.ContainsFunc(cs, func(c Comparison) bool { return !c.McNemar })
	name := ""
	if flips {
		name = "sign-flip test over groups (same folds and draws; exact up to 20 groups)"
	}
	if mcnemar && flips {
		name += ", where each group has one item "
	}
	if mcnemar {
		name += "exact McNemar test (each group has one item)"
	}
	return "p: " + name + ", adjusted by Holm over the table. p (ranks): Wilcoxon's signed-rank test beside it, from six groups that differ on, not adjusted. Cliff's delta: how much more often a group of one side lies above a group of the other than below, from -1 to 1. " + fewGroups
}
