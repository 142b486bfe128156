package figures

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"veilbench/reports"
	"veilbench/reports/figure"
)

// Ranks is the critical-difference diagram: mean rank of each defense over
// test groups, bars joining those that no test tells apart.
var Ranks = reports.FigureKind{
	Name: "ranks", Doc: "critical-difference diagram of defenses",
	Draw: perPanel(figure.Left, ranks),
}

func ranks(s *reports.Set, p reports.Panel) []figure.Figure {
	cs := s.Comparisons(p)
	if len(cs) == 0 || p.Split.Within() || len(s.Defenses[p]) < 3 {
		return nil
	}
	r, groups := rankDiagram(s, p, cs)
	what := "Mean rank of each defense over test groups, the one that leaks least at the top. A bar at the right joins neighbors that the paired tests, adjusted by Holm, do not tell apart."
	if slices.ContainsFunc(cs, func(c reports.Comparison) bool { return c.TooFew() && !c.Told() }) {
		what += fmt.Sprintf(" Over %s they cannot tell any two apart, however different.", reports.Plural(groups, "test group"))
	}
	what = withLeftOut(s, p, what)
	return []figure.Figure{r.Figure("Ranks of defenses: "+s.About(p), s.Caption(p, what, s.Defenses[p], nil))}
}

// rankDiagram ranks the defenses of p within each test group that all of them
// have, ties sharing their mean rank. groups is how many there are.
func rankDiagram(s *reports.Set, p reports.Panel, cs []reports.Comparison) (r figure.Ranks, groups int) {
	scores := map[string]map[string]float64{}
	for _, d := range s.Defenses[p] {
		if by := s.GroupAdvantages(reports.Subject{Panel: p, Defense: d}); len(by) > 0 {
			scores[d] = by
		}
	}
	ds := slices.DeleteFunc(slices.Clone(s.Defenses[p]), func(d string) bool { return scores[d] == nil })
	var shared []string
	for _, g := range slices.Sorted(maps.Keys(scores[ds[0]])) {
		if !slices.ContainsFunc(ds, func(d string) bool { _, ok := scores[d][g]; return !ok }) {
			shared = append(shared, g)
		}
	}

	// The defense itself is among those it is compared with, and gives a half:
	// the first of n without ties has rank 1.
	mean := map[string]float64{}
	for _, g := range shared {
		for _, d := range ds {
			rank := 0.5
			for _, e := range ds {
				switch cmp.Compare(scores[e][g], scores[d][g]) {
				case -1:
					rank++
				case 0:
					rank += 0.5
				}
			}
			mean[d] += rank / float64(len(shared))
		}
	}
	slices.SortStableFunc(ds, func(a, b string) int { return cmp.Compare(mean[a], mean[b]) })

	r = figure.Ranks{XName: "mean rank (1: leaks least)", Names: s.DefenseLabels(ds), Joins: joins(ds, cs)}
	for _, d := range ds {
		r.Mean = append(r.Mean, mean[d])
	}
	return r, len(shared)
}

// joins finds the longest runs of neighbors of which no test tells any two
// apart; those within another run are left out.
func joins(ds []string, cs []reports.Comparison) [][2]int {
	told := map[[2]string]bool{}
	for _, c := range cs {
		told[[2]string{c.Defense, c.Against}] = c.Told()
		told[[2]string{c.Against, c.Defense}] = c.Told()
	}
	var out [][2]int
	last := -1
	for i := range ds {
		j := i
		for j+1 < len(ds) && !slices.ContainsFunc(ds[i:j+1], func(d string) bool { return told[[2]string{d, ds[j+1]}] }) {
			j++
		}
		if j > i && j > last {
			out = append(out, [2]int{i, j})
			last = j
		}
	}
	return out
}
