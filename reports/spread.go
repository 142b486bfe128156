package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"veilbench/bench/results"
	"veilbench/bench/stats"
)

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
		v.seeds = max(v.seeds, len(seeds))
		perGroup += 1 / float64(len(seeds))
		groupMeans = append(groupMeans, stats.Mean(means))
		if len(means) > 1 {
			seedVars = append(seedVars, stat.Variance(means, nil))
		}
	}
	n := 0
	for _, seeds := range scores {
		n += len(seeds)
	}
	v.draw = stats.Mean(drawVars)
	inSeed := v.draw * perSeed / float64(max(n, 1)) // what draws leave in the mean of a seed
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
func (s *Set) scoresOf(rs []*results.Result) (scores [][][]float64, mixed bool) {
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

// spread is a table for each panel that has several draws or seeds: what the
// score of the best attack on each defense varies by.
func (s *Set) spread() []Table {
	sums := s.summaries()
	var out []Table
	for _, p := range s.panels {
		metric, _ := s.headlineOf(p)
		t := Table{Title: "What the best attack's score varies by: " + p.about(), Columns: []Column{
			{Head: "defense"},
			{Head: "best attack"},
			{Head: "knows"},
			{Head: metricName(metric), Num: true},
			{Head: "between groups", Num: true},
			{Head: "between seeds", Num: true},
			{Head: "between draws", Num: true},
			{Head: "groups", Num: true},
			{Head: "seeds", Num: true},
			{Head: "draws", Num: true},
		}}
		several, mixed := false, false
		for _, d := range s.defenses[p] {
			rs, _ := good(s.bestResults(p, d, sums))
			if len(rs) == 0 {
				continue
			}
			scores, other := s.scoresOf(rs)
			v := nested(scores)
			several, mixed = several || v.seeds > 1 || v.draws > 1, mixed || other
			m := sums[subject{p, d}]
			t.Rows = append(t.Rows, []Value{
				s.defenseLabel(d), word(s.names.of(m.Attack)), word(string(m.Knowledge)), number(m.Score, score),
				deviation(v.group, v.groups), deviation(v.seed, v.seeds), deviation(v.draw, v.draws),
				number(float64(v.groups), amount), number(float64(v.seeds), amount), number(float64(v.draws), amount),
			})
		}
		if !several {
			continue
		}
		t.Notes = []string{"Standard deviations of the score of one test group: between groups, between seeds of the run within a group, between draws of the defense within both (components of variance, each without what the ones after it add). The interval of the headline is over groups alone; draws and seeds are averaged in it."}
		if mixed {
			t.Notes = append(t.Notes, fmt.Sprintf("Seeds of %s are other data too: the spread between seeds holds that between data sets.", p.Dataset))
		}
		t.Notes = append(t.Notes, s.stamps(p)...)
		t.Notes = append(t.Notes, s.idNotes(s.defenses[p], s.attacksOf(p))...)
		out = append(out, t)
	}
	return out
}

// deviation is the root of a variance over n; one says nothing.
func deviation(v float64, n int) Value {
	if n < 2 {
		return missing()
	}
	return number(math.Sqrt(v), three)
}
