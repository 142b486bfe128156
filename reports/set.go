package reports

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
)

// Panel is what one table or figure is about: results of different panels
// never stand in one column.
type Panel struct {
	Dataset string
	Task    datasets.Task
	Vantage datasets.Vantage
	Split   datasets.Split
}

// Attacker is an attack and what it knows.
type Attacker struct {
	Attack    string
	Knowledge results.Knowledge
	// TrainDefense is what a transfer attacker trained on; it follows from
	// Knowledge otherwise.
	TrainDefense string
}

// pair is what is scored: one attacker on one defense of one panel.
type pair struct {
	Panel
	Defense string
	Attacker
}

// Set is a number of results, in the order in which people read them.
type Set struct {
	opt     Options
	results []results.Result
	// panels, in order; of each panel its defenses and attackers, in order.
	panels    []Panel
	defenses  map[Panel][]string
	attackers map[Panel][]Attacker
	byPair    map[pair][]*results.Result
	byDefense map[subject][]*results.Result
	generated map[string]bool
	control   map[string]bool
	oracle    map[string]bool
	failed    int
	names     labels
}

// subject is one defense of one panel.
type subject struct {
	Panel
	Defense string
}

// NewSet sorts rs for reading. rs is neither kept nor modified.
func NewSet(rs []results.Result, o Options) *Set {
	s := &Set{
		opt: o, results: slices.Clone(rs),
		defenses: map[Panel][]string{}, attackers: map[Panel][]Attacker{},
		byPair: map[pair][]*results.Result{}, byDefense: map[subject][]*results.Result{},
		generated: map[string]bool{}, control: map[string]bool{}, oracle: map[string]bool{},
	}
	results.Sort(s.results)
	var ids []string
	given := labels{}
	for i := range s.results {
		r := &s.results[i]
		c := r.Cell
		p := Panel{c.Dataset, c.Task, c.Vantage, c.Split}
		k := pair{p, c.Defense, Attacker{c.Attack, c.Knowledge, c.TrainDefense}}
		if c.Knowledge != results.Transfer {
			k.TrainDefense = ""
		}
		s.byPair[k] = append(s.byPair[k], r)
		s.byDefense[subject{p, c.Defense}] = append(s.byDefense[subject{p, c.Defense}], r)
		s.generated[c.Dataset] = s.generated[c.Dataset] || r.Generated
		s.control[c.Attack] = s.control[c.Attack] || r.Control || strings.HasPrefix(c.Attack, "guess-")
		s.oracle[c.Defense] = s.oracle[c.Defense] || r.Oracle
		ids = append(ids, c.Defense, c.Attack, c.TrainDefense)
		given[c.Defense], given[c.Attack] = r.DefenseLabel, r.AttackLabel
		if r.Err != "" {
			s.failed++
		}
	}
	s.names = newLabels(ids, given)
	s.order()
	return s
}

// order fills the lists that are read from left to right and top to bottom.
func (s *Set) order() {
	defenses, attackers := map[Panel]map[string]bool{}, map[Panel]map[Attacker]bool{}
	for k := range s.byPair {
		if defenses[k.Panel] == nil {
			defenses[k.Panel], attackers[k.Panel] = map[string]bool{}, map[Attacker]bool{}
		}
		defenses[k.Panel][k.Defense] = true
		attackers[k.Panel][k.Attacker] = true
	}
	s.panels = slices.SortedFunc(maps.Keys(defenses), comparePanels)
	for _, p := range s.panels {
		s.defenses[p] = slices.SortedFunc(maps.Keys(defenses[p]), s.compareDefenses)
		s.attackers[p] = slices.SortedFunc(maps.Keys(attackers[p]), s.compareAttackers)
	}
}

func comparePanels(a, b Panel) int {
	rank := func(t datasets.Task) int { return slices.Index(datasets.Tasks(), t) }
	return cmp.Or(
		cmp.Compare(rank(a.Task), rank(b.Task)), cmp.Compare(vantageRank(a.Vantage), vantageRank(b.Vantage)),
		cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Split, b.Split), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Vantage, b.Vantage))
}

// vantageRank puts the observer farthest from the home first: the one that
// nobody can keep away.
func vantageRank(v datasets.Vantage) int {
	return slices.Index([]datasets.Vantage{datasets.WAN, datasets.WiFi, datasets.LAN}, v)
}

// compareDefenses puts "none" first and keeps the order asked for; others
// follow, chains last.
func (s *Set) compareDefenses(a, b string) int {
	chain := func(id string) int {
		if slices.Contains(s.opt.Order, id) {
			return 0
		}
		return strings.Count(id, "+")
	}
	rank := func(id string) int {
		if id == results.NoDefense {
			return -1
		}
		return place(s.opt.Order, id)
	}
	return cmp.Or(cmp.Compare(chain(a), chain(b)), cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// compareAttackers orders by knowledge, controls last.
func (s *Set) compareAttackers(a, b Attacker) int {
	control := func(id string) int {
		if s.control[id] {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(knowledgeRank(a.Knowledge), knowledgeRank(b.Knowledge)),
		cmp.Compare(control(a.Attack), control(b.Attack)),
		cmp.Compare(place(s.opt.Order, a.Attack), place(s.opt.Order, b.Attack)),
		cmp.Compare(a.Attack, b.Attack), s.compareDefenses(a.TrainDefense, b.TrainDefense))
}

func knowledgeRank(k results.Knowledge) int {
	return slices.Index([]results.Knowledge{results.Adaptive, results.Unaware, results.Transfer}, k)
}

// place is where id, else its name, stands in names; their number if nowhere.
func place(names []string, id string) int {
	if i := slices.Index(names, id); i >= 0 {
		return i
	}
	name, _, _ := strings.Cut(id, ":")
	name, _, _ = strings.Cut(name, "+")
	if i := slices.Index(names, name); i >= 0 {
		return i
	}
	return len(names)
}

// knowledges lists those of a panel, in order.
func (s *Set) knowledges(p Panel) []results.Knowledge {
	var out []results.Knowledge
	for _, a := range s.attackers[p] {
		if !slices.Contains(out, a.Knowledge) {
			out = append(out, a.Knowledge)
		}
	}
	return out
}

// withKnowledge lists the attackers of a panel with knowledge k, in order.
func (s *Set) withKnowledge(p Panel, k results.Knowledge) []Attacker {
	var out []Attacker
	for _, a := range s.attackers[p] {
		if a.Knowledge == k {
			out = append(out, a)
		}
	}
	return out
}

// good drops failed results and counts them.
func good(rs []*results.Result) (ok []*results.Result, failed int) {
	for _, r := range rs {
		if r.Err == "" {
			ok = append(ok, r)
		}
	}
	return ok, len(rs) - len(ok)
}

// distinctCosts keeps one result for each split, fold, draw and seed: attacks
// share the defended traces, so counting the ledger once for each attack
// would count the same bytes again.
func distinctCosts(rs []*results.Result) []*results.Result {
	type key struct {
		fold, draw int
		seed       uint64
	}
	seen := map[key]bool{}
	var out []*results.Result
	for _, r := range rs {
		k := key{r.Cell.Fold, r.Cell.Draw, r.Cell.Seed}
		if r.Err == "" && !seen[k] {
			seen[k] = true
			out = append(out, r)
		}
	}
	return out
}
