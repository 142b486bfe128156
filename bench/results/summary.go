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
	// NoEvidence is "" where at least one attacker's score counts: it is above the
	// floor, or nothing but the defense explains that it is not. Else it is why most
	// of them say nothing of the defense; then Advantage is not known, and the attack
	// named is only the one that came farthest.
	NoEvidence Reason
	// Rest is how many of the attackers have scores that count, and Evidence what
	// that of the best rests on.
	Rest     int
	Evidence Evidence
	// FloorBy is the control that sets its floor, Pooled the advantage of F1 over all
	// devices at once where there are devices.
	FloorBy   string
	Pooled    float64
	HasPooled bool
	// Score is its headline metric, Floor what needs no look at the traffic.
	Score, Floor float64
	// Advantage is how far the best attacker is above the floor, 0 to 1: the
	// largest mean over groups of any attacker whose score counts, cut at 0 after
	// averaging. Of events a group's is the mean over the devices with an event in it,
	// each over its own floor. For a split within groups, and for a single group, it
	// is that of its mean score.
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
	floorBy    map[string]int
	doubted    map[Reason]bool
}

// subject is what a Summary is about.
type subject struct {
	dataset string
	task    datasets.Task
	vantage datasets.Vantage
	defense string
}

// Summaries reduces results to one Summary per data set, task, vantage and
// defense, sorted by these. Controls are left out: they only set floors. Results of
// planted cells, and those without a defense, are the evidence for the others.
func Summaries(rs []Result) []Summary {
	bySubject := map[subject][]Result{}
	for _, r := range rs {
		if s := subjectOf(r.Cell); !r.Control && !planted(r) {
			bySubject[s] = append(bySubject[s], r)
		}
	}
	ev := newEvidence(rs)

	keys := slices.SortedFunc(maps.Keys(bySubject), func(a, b subject) int {
		return cmp.Or(cmp.Compare(a.dataset, b.dataset), cmp.Compare(a.task, b.task), cmp.Compare(a.vantage, b.vantage), cmp.Compare(a.defense, b.defense))
	})

	out := make([]Summary, 0, len(keys))
	for _, k := range keys {
		out = append(out, summarize(k, bySubject[k], ev))
	}
	return out
}

// summarize reduces the results of one subject, controls and planted cells left
// out.
func summarize(k subject, rs []Result, ev evidence) Summary {
	s := Summary{Dataset: k.dataset, Task: k.task, Vantage: k.vantage, Defense: k.defense, Cells: len(rs)}
	for _, r := range rs {
		// One cell that is within, generated or an oracle marks what it is averaged
		// into.
		if r.Err == "" {
			s.Within = s.Within || r.Cell.Split.Within()
			s.Generated, s.Oracle = s.Generated || r.Generated, s.Oracle || r.Oracle
		}
	}

	tallies, failed := tallyUp(rs)
	s.Failed = failed
	order := slices.SortedFunc(maps.Keys(tallies), attacker.compare)
	if len(order) == 0 {
		return s
	}
	rests := make([]Evidence, len(order))
	for i, a := range order {
		rests[i] = ev.of(k, a, tallies[a], s.Within)
	}
	best := s.conclude(order, tallies, rests)
	t := tallies[best]
	s.Attack, s.Knowledge, s.TrainDefense = best.attack, best.knowledge, best.trainDefense
	s.Score, s.Floor, s.FloorBy = t.mean(), t.floorMean(), t.mostlyBy()
	s.Evidence = rests[slices.Index(order, best)]
	s.Pooled, s.HasPooled = t.pooled()
	s.Weak = weakAttacks(k, order, tallies)
	return s
}

// tallyUp sorts results by attacker and counts those that failed.
func tallyUp(rs []Result) (tallies map[attacker]*tally, failed int) {
	tallies = map[attacker]*tally{}
	for _, r := range rs {
		if r.Err != "" {
			failed++
			continue
		}
		at := attacker{r.Cell.Attack, r.Cell.TrainDefense, r.Cell.Knowledge}
		if tallies[at] == nil {
			tallies[at] = &tally{groups: map[string]groupTally{}, floorBy: map[string]int{}, doubted: map[Reason]bool{}}
		}
		tallies[at].add(r)
	}
	return tallies, failed
}

// add enters a cell: one fold, one draw.
func (t *tally) add(r Result) {
	for _, g := range r.Groups {
		t.groups[g.Group] = t.groups[g.Group].plus(g)
	}
	for _, why := range r.Doubted {
		t.doubted[why] = true
	}
	if v, ok := r.Metric(r.Headline); ok {
		t.cellScores = append(t.cellScores, v)
		t.cellFloors = append(t.cellFloors, r.Floor)
		t.floorBy[r.FloorBy]++
	}
}

// mostlyBy is the control that sets the floor of most cells, the first by name of
// several.
func (t *tally) mostlyBy() string {
	best := ""
	for _, by := range slices.Sorted(maps.Keys(t.floorBy)) {
		if best == "" || t.floorBy[by] > t.floorBy[best] {
			best = by
		}
	}
	return best
}

// pooled is the mean advantage over groups of F1 over all devices at once; ok is
// false where no group has devices.
func (t *tally) pooled() (advantage float64, ok bool) {
	var sum, n float64
	for _, g := range slices.Sorted(maps.Keys(t.groups)) {
		if x := t.groups[g]; x.devices && x.cells > 0 && x.pooledFloor < float64(x.cells) {
			c := float64(x.cells)
			sum += (x.pooled - x.pooledFloor) / (c - x.pooledFloor)
			n++
		}
	}
	return clip(Ratio(sum, n)), n > 0
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
