package results

import (
	"maps"
	"slices"

	"veilbench/bench/stats"
	"veilbench/datasets"
)

// Reason says why a low score is no evidence for a defense.
type Reason string

// The reasons, the ones that hold for every attack first.
const (
	// EmptyView: the view leaves nothing, or nearly nothing, to look at.
	EmptyView Reason = "empty-view"
	// BadLabels: the labels do not fit the traffic.
	BadLabels Reason = "labels"
	// BadData: something else about the data spoils the task; its doubts say what.
	BadData Reason = "data"
	// NoUndefended: the attack was not run on undefended data, so nobody knows
	// whether it works there.
	NoUndefended Reason = "not-run-undefended"
	// FloorUndefended: the attack is at its floor without any defense.
	FloorUndefended Reason = "floor-undefended"
	// NoCanary: no canary was planted, or the cell that holds it failed.
	NoCanary Reason = "no-canary"
	// CanaryMissed: the attack does not find a strong artificial signal behind the
	// defense, so it is blind there.
	CanaryMissed Reason = "canary-missed"
)

// Reasons lists them in order.
func Reasons() []Reason {
	return []Reason{EmptyView, BadLabels, BadData, NoUndefended, FloorUndefended, NoCanary, CanaryMissed}
}

// Text says it in words that go on from "no evidence:".
func (r Reason) Text() string {
	switch r {
	case EmptyView:
		return "the view leaves next to nothing to look at"
	case BadLabels:
		return "the labels do not fit the traffic"
	case BadData:
		return "the data are in doubt"
	case NoUndefended:
		return "not run without the defense, so nobody knows whether it works there"
	case FloorUndefended:
		return "at its floor without any defense too"
	case NoCanary:
		return "no canary was planted behind the defense"
	case CanaryMissed:
		return "blind: it misses the canary behind the defense"
	}
	return string(r)
}

// Canary is how many planted signals an attack found.
type Canary struct {
	// Found of Planted stood behind the defense, which had not touched them;
	// ThroughFound of Through had passed it.
	Found, Planted, ThroughFound, Through int
}

// canaryFound is the share of canaries from which on an attack is not blind: a
// working one finds nearly all of them on undefended traffic, a blind one next to
// none.
const canaryFound = 0.5

// Seen says whether the attack is not blind behind the defense.
func (c Canary) Seen() bool {
	return c.Planted > 0 && float64(c.Found) >= canaryFound*float64(c.Planted)
}

// Evidence is what a low score of one attacker rests on.
type Evidence struct {
	// Above is set where the lower limit of the advantage is above 0: then the score
	// stands whatever the canary did, for a defense may add a leak.
	Above bool
	// Reasons are why a low score would say nothing of the defense; none: it does.
	Reasons []Reason
	// Canary is the attack's own, behind this defense.
	Canary Canary
	// Undefended is the attack's advantage without any defense.
	Undefended float64
}

// OK says whether the score counts: it is above the floor, or nothing but the
// defense explains that it is not.
func (e Evidence) OK() bool { return e.Above || len(e.Reasons) == 0 }

// fewGroupsAbove is how large an advantage must be to count as above the floor
// where groups are too few for limits.
const fewGroupsAbove = 0.05

// above says whether one attacker's lower limit is above 0, judged alone.
func above(groups []stats.Group, advantage float64, within bool) bool {
	h := stats.Best([][]stats.Group{groups}, Level)
	if within || !h.OK {
		return advantage > fewGroupsAbove
	}
	return h.Lo > 0
}

// planted says whether a result holds canaries.
func planted(r Result) bool { return r.Cell.Knowledge == Planted }

// Measured returns the results of rs that measure a defense: all but those of
// planted cells.
func Measured(rs []Result) []Result {
	return slices.DeleteFunc(slices.Clone(rs), planted)
}

// PlantedOf returns those of rs that hold canaries.
func PlantedOf(rs []Result) []Result {
	return slices.DeleteFunc(slices.Clone(rs), func(r Result) bool { return !planted(r) })
}

// evidence collects what scores rest on: the canaries of each subject and attack,
// and how the attack does there without a defense.
type evidence struct {
	canaries   map[subject]map[string]Canary
	undefended map[subject]map[string]standing
}

// standing is how an attack does on undefended traffic.
type standing struct {
	above     bool
	advantage float64
}

// none is the subject of the undefended traffic of s.
func (s subject) none() subject {
	s.defense = NoDefense
	return s
}

func newEvidence(rs []Result) evidence {
	ev := evidence{map[subject]map[string]Canary{}, map[subject]map[string]standing{}}
	undefended := map[subject][]Result{}
	for _, r := range rs {
		at := subjectOf(r.Cell)
		switch {
		case planted(r):
			ev.addCanary(at, r)
		case r.Cell.Defense == NoDefense && !r.Control:
			undefended[at] = append(undefended[at], r)
		}
	}

	for at, rs := range undefended {
		by := map[string]standing{}
		tallies, _ := tallyUp(rs)
		for a, t := range tallies {
			st := t.standing(slices.ContainsFunc(rs, func(r Result) bool { return r.Cell.Split.Within() }))
			was, ok := by[a.attack]

			// Without a defense knowing of it changes nothing, but for draws of training.
			if !ok || st.advantage > was.advantage {
				st.above = st.above || was.above
				by[a.attack] = st
			}
		}
		ev.undefended[at] = by
	}
	return ev
}

func (ev evidence) addCanary(at subject, r Result) {
	if r.Err != "" {
		return
	}
	if ev.canaries[at] == nil {
		ev.canaries[at] = map[string]Canary{}
	}
	count := func(recall, of string) (int, int) {
		share, _ := r.Metric(recall)
		n, _ := r.Metric(of)
		return int(share*n + 0.5), int(n)
	}

	// Seeds plant canaries of their own.
	c := ev.canaries[at][r.Cell.Attack]
	found, n := count(CanaryRecall, Canaries)
	c.Found, c.Planted = c.Found+found, c.Planted+n
	found, n = count(CanaryThroughRecall, CanariesThrough)
	c.ThroughFound, c.Through = c.ThroughFound+found, c.Through+n
	ev.canaries[at][r.Cell.Attack] = c
}

// of is what a score of attacker a rests on.
func (ev evidence) of(at subject, a attacker, t *tally, within bool) Evidence {
	e := Evidence{Canary: ev.canaries[at][a.attack], Above: t.standing(within).above}
	for _, r := range Reasons() {
		if t.doubted[r] {
			e.Reasons = append(e.Reasons, r)
		}
	}

	// A cell whose tests nobody can see has no headline figure at all.
	if len(t.cellScores) == 0 && !slices.Contains(e.Reasons, EmptyView) {
		e.Reasons = append(e.Reasons, EmptyView)
	}

	st, ok := ev.undefended[at.none()][a.attack]
	e.Undefended = st.advantage
	switch {
	case at.task == datasets.TaskDetect: // without a defense there is nothing to detect
	case !ok:
		e.Reasons = append(e.Reasons, NoUndefended)
	case !st.above:
		e.Reasons = append(e.Reasons, FloorUndefended)
	}

	switch {
	case e.Canary.Planted == 0:
		e.Reasons = append(e.Reasons, NoCanary)
	case !e.Canary.Seen():
		e.Reasons = append(e.Reasons, CanaryMissed)
	}
	return e
}

// standing is how the attacker of t does.
func (t *tally) standing(within bool) standing {
	var groups []stats.Group
	for _, g := range slices.Sorted(maps.Keys(t.groups)) {
		groups = append(groups, t.groups[g].group())
	}
	h := stats.Best([][]stats.Group{groups}, Level)
	advantage := h.Mean
	if within || h.Best < 0 {
		advantage = 0
		if len(t.cellScores) > 0 {
			advantage = t.signed()
		}
	}
	return standing{above(groups, advantage, within), clip(advantage)}
}

// subjectOf is what the summary of a cell is about.
func subjectOf(c Cell) subject {
	return subject{c.Dataset, c.Task, c.Vantage, c.Defense}
}

// undecided says which reason speaks for a summary without evidence: that of the
// attacker that does best without a defense, the first of several. Where none does
// anything there it is the commonest.
func undecided(reached []Reached) Reason {
	// What a weak attack lacks says little beside why the strongest is blind.
	best, count := 0.0, map[Reason]int{}
	var of Reason
	for _, r := range reached {
		for _, why := range r.Evidence.Reasons {
			count[why]++
		}
		if e := r.Evidence; e.Undefended > best && len(e.Reasons) > 0 {
			best, of = e.Undefended, e.Reasons[0]
		}
	}
	if of != "" {
		return of
	}

	for _, r := range Reasons() {
		if count[r] > count[of] {
			of = r
		}
	}
	return of
}

// Doubted are the reasons for which a low score of c would be no evidence by what
// is doubtful about its data.
func (m Manifest) Doubted(c Cell) []Reason {
	seen := map[Reason]bool{}
	for _, d := range m.Doubts {
		if d.Dataset != c.Dataset || d.Vantage != c.Vantage {
			continue
		}
		for _, x := range d.Doubts {
			spoils := slices.Contains(x.Spoils, c.Task)
			switch x.Code {
			case datasets.DoubtUnseen:
				seen[EmptyView] = true // next to nothing is left, which spoils every task
			case datasets.DoubtEmpty, datasets.DoubtUnseenDevices, datasets.DoubtAbsent:
				seen[EmptyView] = seen[EmptyView] || spoils
			case datasets.DoubtShifted, datasets.DoubtSilent, datasets.DoubtZone, datasets.DoubtOutside, datasets.DoubtConflict, datasets.DoubtMisspelt:
				seen[BadLabels] = seen[BadLabels] || spoils
			default:
				seen[BadData] = seen[BadData] || spoils
			}
		}
	}

	var out []Reason
	for _, r := range Reasons() {
		if seen[r] {
			out = append(out, r)
		}
	}
	return out
}
