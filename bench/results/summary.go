package results

import (
	"cmp"
	"maps"
	"slices"

	"veilbench/bench/stats"
	"veilbench/datasets"
)

// Level is the confidence level of every interval.
const Level = 0.95

// Summary is what is said of one defense on one task: how well the best
// attack does over all attacks and knowledges of the grid.
type Summary struct {
	Dataset string
	Task    datasets.Task
	Vantage datasets.Vantage
	Defense string
	// Attack and Knowledge are those of the best attack.
	Attack       string
	Knowledge    Knowledge
	TrainDefense string
	// Score is its headline metric, Floor what needs no look at the traffic.
	Score, Floor float64
	// Advantage is how far the best attacker is above the floor, 0 to 1: the
	// largest mean over groups of any attacker, cut at 0 after averaging. For a
	// split within groups, and for a single group, it is that of its mean score.
	Advantage float64
	// Lo and Hi bound the largest true advantage of any attacker at Level, cut to
	// 0 to 1; HasInterval is false below stats.MinGroups groups and for splits
	// within groups. Edge marks one that is too short where groups differ widely.
	Lo, Hi            float64
	HasInterval, Edge bool
	// Reached is what every attacker reached, sorted by attack, knowledge and
	// training.
	Reached []Reached
	// Empty is how many groups are left out because they hold nothing to find,
	// Certain how many because their floor is 1: nothing is left to hide.
	Empty, Certain int
	// Groups is how many groups count, Cells and Failed how many cells
	// there were and how many of them failed.
	Groups, Cells, Failed int
	// GroupMean is the mean score over groups that goes with Advantage.
	GroupMean float64
	// Within marks a split within groups, Generated data made by a model,
	// Oracle a defense that looks ahead.
	Within, Generated, Oracle bool
	// Warnings are doubts about the defense's figures, Weak the attacks that may
	// be weaker against it than they could be.
	Warnings []string
	Weak     []WeakAttack
}

// WeakAttack is an attack that scores less trained on the defense than without:
// knowing more cannot hurt, so its training must have failed it.
type WeakAttack struct {
	Attack            string
	Adaptive, Unaware float64
}

// attacker is one column of results: an attack with its knowledge.
type attacker struct {
	attack, trainDefense string
	knowledge            Knowledge
}

func (a attacker) compare(b attacker) int {
	return cmp.Or(cmp.Compare(a.attack, b.attack), cmp.Compare(a.knowledge, b.knowledge), cmp.Compare(a.trainDefense, b.trainDefense))
}

// tally is what one attacker reached in each group and each cell.
type tally struct {
	groups     map[string]groupTally
	cellScores []float64
	cellFloors []float64
}

// subject is what a Summary is about.
type subject struct {
	dataset string
	task    datasets.Task
	vantage datasets.Vantage
	defense string
}

// Summaries reduces results to one Summary per data set, task, vantage and
// defense, sorted by these. Controls are left out: they only set floors.
func Summaries(rs []Result) []Summary {
	bySubject := map[subject][]Result{}
	for _, r := range rs {
		s := subject{r.Cell.Dataset, r.Cell.Task, r.Cell.Vantage, r.Cell.Defense}
		if !r.Control {
			bySubject[s] = append(bySubject[s], r)
		}
	}

	keys := slices.SortedFunc(maps.Keys(bySubject), func(a, b subject) int {
		return cmp.Or(cmp.Compare(a.dataset, b.dataset), cmp.Compare(a.task, b.task), cmp.Compare(a.vantage, b.vantage), cmp.Compare(a.defense, b.defense))
	})

	out := make([]Summary, 0, len(keys))
	for _, k := range keys {
		out = append(out, summarize(k, bySubject[k]))
	}
	return out
}

// summarize reduces the results of one subject, controls left out.
func summarize(k subject, rs []Result) Summary {
	s := Summary{Dataset: k.dataset, Task: k.task, Vantage: k.vantage, Defense: k.defense, Cells: len(rs)}

	tallies := map[attacker]*tally{}
	for _, r := range rs {
		if r.Err != "" {
			s.Failed++
			continue
		}

		// One cell that is within, generated or an oracle marks what it is averaged
		// into.
		s.Within = s.Within || r.Cell.Split.Within()
		s.Generated, s.Oracle = s.Generated || r.Generated, s.Oracle || r.Oracle

		at := attacker{r.Cell.Attack, r.Cell.TrainDefense, r.Cell.Knowledge}
		if tallies[at] == nil {
			tallies[at] = &tally{groups: map[string]groupTally{}}
		}
		tallies[at].add(r)
	}

	order := slices.SortedFunc(maps.Keys(tallies), attacker.compare)
	if len(order) == 0 {
		return s
	}
	best := s.conclude(order, tallies)
	t := tallies[best]
	s.Attack, s.Knowledge, s.TrainDefense = best.attack, best.knowledge, best.trainDefense
	s.Score, s.Floor = t.mean(), t.floorMean()
	s.Weak = weakAttacks(k, order, tallies)
	return s
}

// add enters a cell: one fold, one draw.
func (t *tally) add(r Result) {
	for _, g := range r.Groups {
		t.groups[g.Group] = t.groups[g.Group].plus(g)
	}
	if v, ok := r.Metric(r.Headline); ok {
		t.cellScores = append(t.cellScores, v)
		t.cellFloors = append(t.cellFloors, r.Floor)
	}
}

// mean is the mean over cells: over folds of an across split and over draws.
func (t *tally) mean() float64      { return stats.Mean(t.cellScores) }
func (t *tally) floorMean() float64 { return stats.Mean(t.cellFloors) }

// clip brings a share into 0 to 1.
func clip(v float64) float64 { return min(max(v, 0), 1) }

// weakMargin is how far an adaptive attacker may stay behind the unaware one
// before it is called weak.
const weakMargin = 0.02

// weakAttacks finds attacks that do worse with knowledge than without.
func weakAttacks(k subject, order []attacker, tallies map[attacker]*tally) []WeakAttack {
	var out []WeakAttack
	for _, a := range order {
		un := tallies[attacker{a.attack, NoDefense, Unaware}]
		if a.knowledge == Adaptive && k.defense != NoDefense && un != nil && tallies[a].mean() < un.mean()-weakMargin {
			out = append(out, WeakAttack{a.attack, tallies[a].mean(), un.mean()})
		}
	}
	return out
}
