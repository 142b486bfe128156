package results

import (
	"fmt"
	"maps"
	"slices"

	"veilbench/bench/stats"
)

// Reached is what one attacker reached.
type Reached struct {
	Attack       string
	Knowledge    Knowledge
	TrainDefense string
	// ByGroup is the advantage in each group that counts, not cut to 0 to 1.
	ByGroup map[string]float64
	// Evidence is what a low score of it rests on.
	Evidence Evidence
}

// Best is what the attacker of the headline reached, nil if every cell failed.
func (s *Summary) Best() *Reached {
	for i, r := range s.Reached {
		if r.Attack == s.Attack && r.Knowledge == s.Knowledge && r.TrainDefense == s.TrainDefense {
			return &s.Reached[i]
		}
	}
	return nil
}

// groupTally is what one attacker reached in one group: sums over the cells
// that tested it, one for each draw and seed.
type groupTally struct {
	score, floor        float64
	pooled, pooledFloor float64
	items, cells        int
	devices             bool
}

// plus adds what another cell found. One that found nothing to test in the
// group says nothing of it: no event among none that were there is no failure
// of the attacker.
func (t groupTally) plus(g GroupScore) groupTally {
	if g.N == 0 {
		return t
	}
	return groupTally{
		t.score + g.Value, t.floor + g.Floor, t.pooled + g.Pooled, t.pooledFloor + g.PooledFloor,
		t.items + g.N, t.cells + 1, t.devices || len(g.Devices) > 0,
	}
}

// group is the mean over cells. Draws of a defense are tried on the same items,
// which therefore count once.
func (t groupTally) group() stats.Group {
	if t.cells == 0 {
		return stats.Group{}
	}
	n := float64(t.cells)
	return stats.Group{Score: t.score / n, Floor: t.floor / n, N: (t.items + t.cells - 1) / t.cells}
}

// conclude fills what is said of the best of the attackers in order, and says
// which that is. rests is what the score of each rests on: the summary is about
// those that count, or about all and without evidence where none does.
func (s *Summary) conclude(order []attacker, tallies map[attacker]*tally, rests []Evidence) attacker {
	names := map[string]bool{}
	for _, t := range tallies {
		for g := range t.groups {
			names[g] = true
		}
	}
	groups := slices.Sorted(maps.Keys(names))
	rows := make([][]stats.Group, len(order))
	for i, a := range order {
		by := map[string]float64{}
		for _, g := range groups {
			x := tallies[a].groups[g].group()
			rows[i] = append(rows[i], x)
			if x.Counts() {
				by[g] = x.Advantage()
			}
		}
		s.Reached = append(s.Reached, Reached{a.attack, a.knowledge, a.trainDefense, by, rests[i]})
	}
	s.count(rows)

	// An attacker that does not count could only lower the figure, never earn it.
	var who []attacker
	var counted [][]stats.Group
	for i, e := range rests {
		if e.OK() {
			who, counted = append(who, order[i]), append(counted, rows[i])
		}
	}
	s.Rest = len(who)
	if s.Rest == 0 {
		s.NoEvidence = undecided(s.Reached)
		who, counted = order, rows
	}

	// Groups of a split within them are no samples of homes, and one group has
	// no spread: then the cells as they are say who is best.
	if s.Within || s.Groups < 2 {
		best := who[0]
		for _, a := range who[1:] {
			if tallies[a].signed() > tallies[best].signed() {
				best = a
			}
		}
		t := tallies[best]
		s.Advantage, s.GroupMean = Advantage(t.mean(), t.floorMean()), t.mean()
		return best
	}

	h := stats.Best(counted, Level)
	if h.Best < 0 {
		return who[0] // no group counts for any of them
	}
	s.Advantage = clip(h.Mean)
	var scores []float64
	for _, x := range counted[h.Best] {
		if x.Counts() {
			scores = append(scores, x.Score)
		}
	}
	s.GroupMean = stats.Mean(scores)
	switch {
	case s.NoEvidence != "":
		// Limits of what is not known would look like knowledge.
	case h.OK:
		// The lower end is shared among all that were tried: to share it among those that
		// turned out above the floor would be to choose them by their luck.
		lo := min(stats.Best(rows, Level).Lo, h.Mean)
		s.Lo, s.Hi, s.HasInterval, s.Edge = clip(lo), clip(h.Hi), true, h.Edge
	default:
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d groups: an interval needs at least %d", s.Groups, stats.MinGroups))
	}
	return who[h.Best]
}

// count sorts the groups into those that count for any attacker and those that
// count for none, and doubts the result aloud where there are such.
func (s *Summary) count(rows [][]stats.Group) {
	for g := range rows[0] {
		// Attackers that failed on a group lack it, so a group is judged by all.
		any := func(is func(stats.Group) bool) bool {
			return slices.ContainsFunc(rows, func(r []stats.Group) bool { return is(r[g]) })
		}
		switch {
		case any(stats.Group.Counts):
			s.Groups++
		case any(func(x stats.Group) bool { return x.N > 0 }):
			s.Certain++
		default:
			s.Empty++
		}
	}

	all := s.Groups + s.Certain + s.Empty
	if s.Empty > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d groups hold nothing to find and are left out", s.Empty, all))
	}
	if s.Certain > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d groups have a floor of 1, so nothing left to hide, and are left out", s.Certain, all))
	}
}

// signed is the advantage of the mean score over cells, below 0 where it does
// not reach the floor.
func (t *tally) signed() float64 {
	return (t.mean() - t.floorMean()) / max(1-t.floorMean(), 1e-9)
}
