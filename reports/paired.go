package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
)

// groupScores are the advantages on a defense by group: of the attack that is
// best on the other groups, as in the headline, or of the best one where there
// is no choice by group; mean over folds and draws.
func (s *Set) groupScores(p Panel, d string, sums map[subject]results.Summary) map[string]float64 {
	if by := sums[subject{p, d}].ByGroup; by != nil {
		return by
	}
	sum, n := map[string]float64{}, map[string]float64{}
	rs, _ := good(s.bestResults(p, d, sums))
	for _, r := range rs {
		for _, g := range r.Groups {
			sum[g.Group] += (g.Value - g.Floor) / max(1-g.Floor, 1e-9)
			n[g.Group]++
		}
	}
	for g := range sum {
		sum[g] /= n[g]
	}
	return sum
}

// groupRight says for each group whether its one item was named right, by the
// attack that groupScores is about; nil unless each group has one item and one
// answer.
func (s *Set) groupRight(p Panel, d string, sums map[subject]results.Summary) map[string]bool {
	out := map[string]bool{}
	rs, _ := good(s.bestResults(p, d, sums))
	for _, r := range rs {
		for _, g := range r.Groups {
			if _, twice := out[g.Group]; twice || g.N != 1 || g.Value != 0 && g.Value != 1 {
				return nil
			}
			out[g.Group] = g.Value == 1
		}
	}
	for g, v := range sums[subject{p, d}].ByGroup {
		out[g] = v >= 1-1e-9 // all of what is above the floor
	}
	return out
}

// pairedTest compares two defenses, or two runs, by test group.
type pairedTest struct {
	diff []float64 // of advantages, by group
	// p is that of the exact McNemar test where each group has one item, else of
	// the sign-flip test over groups.
	p       float64
	mcnemar bool
	// wilcoxon is the p-value of the signed-rank test if ranked.
	wilcoxon float64
	ranked   bool
	cliff    float64
}

// side is one of the two that are compared.
type side struct {
	score map[string]float64
	right map[string]bool
}

func (s *Set) sideOf(p Panel, d string, sums map[subject]results.Summary) side {
	return side{s.groupScores(p, d, sums), s.groupRight(p, d, sums)}
}

// compareSides tests a against b on the groups that both have.
func compareSides(a, b side) pairedTest {
	var t pairedTest
	var x, y []float64
	only := [2]int{} // groups that one side alone named right
	t.mcnemar = a.right != nil && b.right != nil
	for _, g := range slices.Sorted(maps.Keys(a.score)) {
		other, ok := b.score[g]
		if !ok {
			continue
		}
		x, y = append(x, a.score[g]), append(y, other)
		t.diff = append(t.diff, a.score[g]-other)
		switch {
		case a.right[g] && !b.right[g]:
			only[0]++
		case !a.right[g] && b.right[g]:
			only[1]++
		}
	}
	t.p = stats.SignFlip(t.diff)
	if t.mcnemar {
		t.p = stats.McNemar(only[0], only[1])
	}
	t.wilcoxon, t.ranked = stats.Wilcoxon(t.diff)
	t.cliff = stats.CliffDelta(x, y)
	return t
}

// difference is v with the interval of the mean difference, if there is one.
func (t pairedTest) difference(v float64) (out Value, has bool) {
	out = number(v, signed)
	if out.Lo, out.Hi, out.HasInterval = interval(t.diff); out.HasInterval {
		out.Text += " " + bounds(out.Lo, out.Hi, 2, signed)
	}
	return out, out.HasInterval
}

// op is the test that p is of.
func (t pairedTest) op() Op {
	if t.mcnemar {
		return McNemar
	}
	return SignFlip
}

// rankP is the p-value of the signed-rank test.
func (t pairedTest) rankP() Value {
	if !t.ranked {
		return missing()
	}
	return number(t.wilcoxon, pValue)
}

// testName says which tests stand in a table and what they assume.
func testName(ts []pairedTest) string {
	mcnemar, flips := false, false
	for _, t := range ts {
		mcnemar, flips = mcnemar || t.mcnemar, flips || !t.mcnemar
	}
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

// tests compares each defense with each other, paired by test group, p-values
// adjusted within the table.
func (s *Set) tests() []Table {
	sums := s.summaries()
	var out []Table
	for _, p := range s.panels {
		if t, ok := s.testTable(p, sums); ok && !p.Split.Within() {
			out = append(out, t)
		}
	}
	return out
}

func (s *Set) testTable(p Panel, sums map[subject]results.Summary) (Table, bool) {
	t := Table{Title: "Is the best attack worse against one defense than against another: " + p.about(), Columns: []Column{
		{Head: "defense"},
		{Head: "against"},
		{Head: "difference", Num: true, Interval: true},
		{Head: "Cliff's delta", Num: true},
		{Head: "groups", Num: true},
		{Head: "p (ranks)", Num: true},
		{Head: "p", Num: true},
		{Head: "p (Holm)", Num: true},
		{Head: "verdict"},
	}}
	ds := s.defenses[p]
	sides := make([]side, len(ds))
	for i, d := range ds {
		sides[i] = s.sideOf(p, d, sums)
	}
	var ts []pairedTest
	few := false
	for i, a := range ds {
		for j := i + 1; j < len(ds); j++ {
			c := compareSides(sides[j], sides[i])
			if len(c.diff) == 0 {
				continue
			}
			of := func(op Op) Origin {
				best := func(d string) Attacker { return bestAttacker(sums[subject{p, d}]) }
				return Origin{Op: op, Panel: p, Defense: ds[j], Attacker: best(ds[j]), Against: a, Rival: best(a)}
			}
			v, has := c.difference(stats.Mean(c.diff))
			few = few || !has
			ts = append(ts, c)
			t.Rows = append(t.Rows, []Value{
				s.defenseLabel(ds[j]), s.defenseLabel(a), v.of(of(Difference)), number(c.cliff, signed).of(of(CliffDelta)),
				number(float64(len(c.diff)), amount).of(of(Groups)), c.rankP().of(of(SignedRanks)), number(c.p, pValue).of(of(c.op())),
			})
		}
	}
	if len(ts) == 0 {
		return t, false
	}
	for i, q := range holm(ts) {
		t.Rows[i] = append(t.Rows[i], number(q, pValue), word(ts[i].verdict(q, len(ts))))
	}
	t.Notes = append(t.Notes, "Difference of the best attack's advantage, mean over test groups. "+testName(ts), aboutTraining)
	if few {
		t.Notes = append(t.Notes, fmt.Sprintf("No interval below %d groups.", stats.MinGroups))
	}
	t.Notes = append(t.Notes, s.stamps(p)...)
	return t, true
}

// aboutTraining says what intervals over test groups estimate.
const aboutTraining = "Intervals are over test groups and about this training data, not about others like it."

// holm adjusts the p-values of the tests of one table.
func holm(ts []pairedTest) []float64 {
	ps := make([]float64, len(ts))
	for i, t := range ts {
		ps[i] = t.p
	}
	return stats.Holm(ps)
}

// verdict is what an adjusted p-value of n tests says.
func (t pairedTest) verdict(q float64, n int) string {
	switch d := stats.Mean(t.diff); {
	case q <= 1-results.Level && d < 0:
		return "leaks less"
	case q <= 1-results.Level:
		return "leaks more"
	}
	return undecided(t.diff, n)
}

// fewGroups says what a sign-flip test cannot do.
const fewGroups = "With n groups no p is below 2 to the power of 1 - n: 5 groups give 0.0625 at best, so whatever the difference they cannot show it, and the more rows a table has, the more groups it takes. Where that is so, the verdict says in how many groups the sign of the difference is the same."

const tooFew = "too few groups to tell"

// undecided says why a test found nothing: because there is no difference to
// see, or because so few groups in so many tests cannot show any.
func undecided(diff []float64, tests int) string {
	n := len(diff)
	if n == 0 {
		return "no group in both"
	}
	if math.Pow(2, 1-float64(n))*float64(tests) <= 1-results.Level {
		return "no difference shown"
	}
	less, more := 0, 0
	for _, d := range diff {
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
