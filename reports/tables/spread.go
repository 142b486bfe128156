package tables

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Spread is a table for each panel that has several draws or seeds: what the
// score of the best attack on each defense varies by.
var Spread = reports.TableKind{
	Name: "spread", Doc: "how much scores vary between groups, defense draws and seeds, each apart",
	Draw: reports.PerPanel(spreadTable),
}

// variance is what a score varies by, taken apart: between test groups, between
// seeds within a group, between defense draws within a group and seed.
type variance struct {
	group, seed, draw    float64 // variances
	groups, seeds, draws int
}

// nested estimates the components of variance of the scores by the method of
// moments: of the means at a level, what the levels below it leave in them is
// taken off, down to 0. scores[g][s] are those of the draws.
func nested(scores [][][]float64) variance {
	v := variance{groups: len(scores)}
	var drawVars, seedVars, groupMeans []float64
	var perSeed, perGroup float64 // draws in a seed's mean, seeds in a group's mean; sums of inverses
	n := 0
	for _, seeds := range scores {
		var means []float64
		for _, draws := range seeds {
			v.draws = max(v.draws, len(draws))
			perSeed += 1 / float64(len(draws))
			means = append(means, stats.Mean(draws))
			if len(draws) > 1 {
				drawVars = append(drawVars, stat.Variance(draws, nil))
			}
		}
		n += len(seeds)
		v.seeds = max(v.seeds, len(seeds))
		perGroup += 1 / float64(len(seeds))
		groupMeans = append(groupMeans, stats.Mean(means))
		if len(means) > 1 {
			seedVars = append(seedVars, stat.Variance(means, nil))
		}
	}

	// The variance of means of k draws holds a k-th of that of draws; the mean of
	// 1/k stands for it where seeds have different numbers. Estimates below 0
	// are noise.
	v.draw = stats.Mean(drawVars)
	inSeed := v.draw * perSeed / float64(max(n, 1))
	if len(seedVars) > 0 {
		v.seed = max(0, stats.Mean(seedVars)-inSeed)
	}
	if len(groupMeans) > 1 {
		v.group = max(0, stat.Variance(groupMeans, nil)-(v.seed+inSeed)*perGroup/float64(len(scores)))
	}
	return v
}

// scoresOf are the headline scores of an attacker by group, seed and draw, in
// that order; folds that share a group are averaged. mixed says that seeds
// stand for different data too.
func scoresOf(rs []*results.Result) (scores [][][]float64, mixed bool) {
	type place struct {
		group string
		seed  uint64
		draw  int
	}
	sum, n := map[place]float64{}, map[place]float64{}
	var order []place
	for _, r := range rs {
		mixed = mixed || r.Data != rs[0].Data
		for _, g := range r.Groups {
			k := place{g.Group, r.Cell.Seed, r.Cell.Draw}
			if n[k] == 0 {
				order = append(order, k)
			}
			sum[k], n[k] = sum[k]+g.Value, n[k]+1
		}
	}
	slices.SortFunc(order, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.seed, b.seed), cmp.Compare(a.draw, b.draw))
	})

	// In this order a new group or seed begins where the place before differs.
	for i, k := range order {
		if i == 0 || k.group != order[i-1].group {
			scores = append(scores, nil)
		}
		g := len(scores) - 1
		if i == 0 || k.group != order[i-1].group || k.seed != order[i-1].seed {
			scores[g] = append(scores[g], nil)
		}
		last := len(scores[g]) - 1
		scores[g][last] = append(scores[g][last], sum[k]/n[k])
	}
	return scores, mixed
}

func spreadTable(s *reports.Set, p reports.Panel) []table.Table {
	metric, _ := s.Headline(p)
	t := table.Table{Title: "What the best attack's score varies by: " + s.About(p), Columns: table.Columns(
		"defense", "best attack", "knows", "#"+reports.MetricLabel(metric), "#between groups", "#between seeds", "#between draws", "#groups", "#seeds", "#draws")}

	// Without a second draw or seed anywhere the table would say what the
	// headline's interval says.
	several, mixed := false, false
	n := footnotes{}
	for _, d := range s.Defenses[p] {
		at := reports.Subject{Panel: p, Defense: d}
		rs := s.BestResults(at)
		if len(rs) == 0 {
			continue
		}
		scores, other := scoresOf(rs)
		v := nested(scores)
		several, mixed = several || v.seeds > 1 || v.draws > 1, mixed || other
		m := s.Summaries[at]
		t.Rows = append(t.Rows, []table.Value{
			defense(s, d), label(s, m.Attack), table.Word(string(m.Knowledge)), marked(s, pairOfBest(s, at), table.Number(m.Score, table.Score), &n),
			deviation(v.group, v.groups), deviation(v.seed, v.seeds), deviation(v.draw, v.draws),
			table.Count(v.groups), table.Count(v.seeds), table.Count(v.draws),
		})
	}
	if !several {
		return nil
	}

	t.Notes = append(n.lines(), "Standard deviations of the score of one test group: between groups, between seeds of the run within a group, between draws of the defense within both (components of variance, each without what the ones after it add). The interval of the headline is over groups alone; draws and seeds are averaged in it.")
	if mixed {
		t.Notes = append(t.Notes, fmt.Sprintf("Seeds of %s are other data too: the spread between seeds holds that between data sets.", s.DataName(p.Dataset)))
	}
	t.Notes = append(t.Notes, s.PanelNotes(p, s.Attacks(p)...)...)
	return []table.Table{t}
}

// deviation is the root of a variance over n; one says nothing.
func deviation(v float64, n int) table.Value {
	if n < 2 {
		return table.Missing()
	}
	return table.Number(math.Sqrt(v), table.Three)
}

// Tests compares each defense with each other, paired by test group, p-values
// adjusted within the table. Groups of a split within them are no samples, so
// it has none.
var Tests = reports.TableKind{
	Name: "tests", Doc: "is one defense better than another, or is it noise",
	Draw: reports.PerPanel(testTable),
}

func testTable(s *reports.Set, p reports.Panel) []table.Table {
	cs := s.Comparisons(p)
	if p.Split.Within() {
		return nil
	}
	t := table.Table{Title: "Is the best attack worse against one defense than against another: " + s.About(p), Columns: table.Columns(
		"defense", "against", "±difference", "#Cliff's delta", "#groups", "#p (ranks)", "#p", "#p (Holm)", "verdict")}
	for _, c := range cs {
		t.Rows = append(t.Rows, []table.Value{
			defense(s, c.Defense), defense(s, c.Against), c.Difference(stats.Mean(c.Diff)), table.Number(c.Cliff, table.Signed),
			table.Count(len(c.Diff)), c.RankValue(), c.PValue(c.P), c.PValue(c.Holm), table.Word(c.Verdict()),
		})
	}

	// Without these notes a reader takes "no difference shown" for "equal".
	t.Notes = append(t.Notes, "Difference of the best attack's advantage, mean over test groups, its interval whichever attack is truly best. "+reports.TestNote(cs), reports.AboutTraining)
	if slices.ContainsFunc(cs, func(c reports.Comparison) bool { return len(c.Diff) < stats.MinGroups }) {
		t.Notes = append(t.Notes, fmt.Sprintf("No interval below %d groups.", stats.MinGroups))
	}
	if left := s.LeftOut(p); left != "" {
		t.Notes = append(t.Notes, left)
	}
	t.Notes = append(t.Notes, s.Stamps(p)...)
	return unlessEmpty(t)
}
