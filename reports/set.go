package reports

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
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

// Subject is one defense of one panel.
type Subject struct {
	Panel
	Defense string
}

// Pair is what is scored: one attacker on one defense of one panel.
type Pair struct {
	Panel
	Defense string
	Attacker
}

// Set is a number of results in the order in which people read them. Its
// fields are shared by all that draws and must not be modified.
type Set struct {
	Options Options
	// Results are in canonical order of cells, without those of planted cells, which
	// measure no defense; Summaries know what they say.
	Results []results.Result
	// Planted are those of planted cells, in the same order.
	Planted []results.Result
	// Panels are in order, and of each panel its defenses and attackers.
	Panels    []Panel
	Defenses  map[Panel][]string
	Attackers map[Panel][]Attacker
	// ByPair and BySubject point into Results.
	ByPair    map[Pair][]*results.Result
	BySubject map[Subject][]*results.Result
	// Summaries say how the best attack does on each defense; without an attack
	// that is no control there is none.
	Summaries map[Subject]results.Summary
	// Generated data sets, Control attacks and Oracle defenses by name.
	Generated, Control, Oracle map[string]bool
	// Wavering defenses and attacks are programs that answered otherwise when they were
	// asked again.
	Wavering map[string]bool
	// Failed counts the cells that failed.
	Failed int

	names    labels
	data     map[string]string
	oneHome  map[string]string // the warning of data sets whose groups are parts of one home
	evidence map[Pair]results.Evidence
}

// NewSet sorts rs for reading. rs is neither kept nor modified.
func NewSet(rs []results.Result, o Options) *Set {
	s := &Set{
		Options: o, Results: results.Measured(rs), Planted: results.PlantedOf(rs),
		Defenses: map[Panel][]string{}, Attackers: map[Panel][]Attacker{},
		ByPair: map[Pair][]*results.Result{}, BySubject: map[Subject][]*results.Result{},
		oneHome: map[string]string{}, Generated: map[string]bool{}, Control: map[string]bool{}, Oracle: map[string]bool{}, Wavering: map[string]bool{},
	}
	if o.Show != nil {
		s.Results = slices.DeleteFunc(s.Results, func(r results.Result) bool { return !o.Show(r) })
	}
	results.Sort(s.Results)
	results.Sort(s.Planted)

	var ids, data []string
	given := labels{}
	for i := range s.Results {
		r := &s.Results[i]
		c := r.Cell
		k := pairOf(c)
		at := Subject{k.Panel, c.Defense}
		s.ByPair[k] = append(s.ByPair[k], r)
		s.BySubject[at] = append(s.BySubject[at], r)

		// A cell that failed does not know whether it is one of these, so any
		// cell that does speaks for all.
		s.Generated[c.Dataset] = s.Generated[c.Dataset] || r.Generated
		s.Control[c.Attack] = s.Control[c.Attack] || r.Control || strings.HasPrefix(c.Attack, "guess-")
		s.Oracle[c.Defense] = s.Oracle[c.Defense] || r.Oracle
		for _, id := range []string{c.Defense, c.Attack} {
			s.Wavering[id] = s.Wavering[id] || results.Wavers(*r, id)
		}
		ids, data = append(ids, c.Defense, c.Attack, c.TrainDefense), append(data, c.Dataset)
		given[c.Defense], given[c.Attack] = r.DefenseLabel, r.AttackLabel
		for _, w := range r.Warnings {
			if strings.HasSuffix(w, datasets.OneHome) {
				s.oneHome[c.Dataset] = w
			}
		}
		if r.Err != "" {
			s.Failed++
		}
	}
	s.names, s.data = newLabels(ids, given), DataNames(data)
	s.order()
	s.Summaries = summaries(rs)
	s.evidence = evidenceOf(s.Summaries)
	return s
}

// pairOf is what a cell scores.
func pairOf(c results.Cell) Pair {
	k := Pair{Panel{c.Dataset, c.Task, c.Vantage, c.Split}, c.Defense, Attacker{c.Attack, c.Knowledge, c.TrainDefense}}
	// Else an adaptive attacker would be another one on each defense.
	if c.Knowledge != results.Transfer {
		k.TrainDefense = ""
	}
	return k
}

// order fills the lists that are read from left to right and top to bottom.
func (s *Set) order() {
	defenses, attackers := map[Panel]map[string]bool{}, map[Panel]map[Attacker]bool{}
	for k := range s.ByPair {
		if defenses[k.Panel] == nil {
			defenses[k.Panel], attackers[k.Panel] = map[string]bool{}, map[Attacker]bool{}
		}
		defenses[k.Panel][k.Defense] = true
		attackers[k.Panel][k.Attacker] = true
	}
	s.Panels = slices.SortedFunc(maps.Keys(defenses), comparePanels)
	defense := func(a, b string) int { return compareDefenses(s.Options.Order, a, b) }
	for _, p := range s.Panels {
		s.Defenses[p] = slices.SortedFunc(maps.Keys(defenses[p]), defense)
		s.Attackers[p] = slices.SortedFunc(maps.Keys(attackers[p]), s.compareAttackers)
	}
}

// summaries are those of bench, which knows no split, so each split is
// summarized apart: they are never mixed.
func summaries(all []results.Result) map[Subject]results.Summary {
	bySplit := map[datasets.Split][]results.Result{}
	for _, r := range all {
		bySplit[r.Cell.Split] = append(bySplit[r.Cell.Split], r)
	}
	out := map[Subject]results.Summary{}
	for split, rs := range bySplit {
		for _, m := range results.Summaries(rs) {
			out[Subject{Panel{m.Dataset, m.Task, m.Vantage, split}, m.Defense}] = m
		}
	}
	return out
}

func comparePanels(a, b Panel) int {
	rank := func(t datasets.Task) int { return slices.Index(datasets.Tasks(), t) }
	return cmp.Or(
		cmp.Compare(rank(a.Task), rank(b.Task)), compareVantages(a.Vantage, b.Vantage),
		cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Split, b.Split), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Vantage, b.Vantage))
}

// SortPanels sorts ps as they are read.
func SortPanels(ps []Panel) { slices.SortFunc(ps, comparePanels) }

// Vantages lists the vantage points of the panels as they are read, the one
// farthest from the home first: it is the one that nobody can keep away. Observers
// who have two places follow those who have one.
func (s *Set) Vantages() []datasets.Vantage {
	seen := map[datasets.Vantage]bool{}
	for _, p := range s.Panels {
		seen[p.Vantage] = true
	}
	return slices.SortedFunc(maps.Keys(seen), compareVantages)
}

func compareVantages(a, b datasets.Vantage) int {
	order := []datasets.Vantage{datasets.WAN, datasets.WiFi, datasets.LAN, datasets.Zigbee}
	rank := func(v datasets.Vantage) int { return slices.Index(order, v) }
	return cmp.Or(
		cmp.Compare(len(a.Places()), len(b.Places())),
		slices.CompareFunc(a.Places(), b.Places(), func(a, b datasets.Vantage) int { return cmp.Compare(rank(a), rank(b)) }))
}

// compareDefenses puts "none" first and keeps the order asked for; others
// follow, chains last.
func compareDefenses(order []string, a, b string) int {
	chain := func(id string) int {
		if slices.Contains(order, id) {
			return 0
		}
		return strings.Count(id, "+")
	}
	rank := func(id string) int {
		if id == results.NoDefense {
			return -1
		}
		return place(order, id)
	}
	return cmp.Or(cmp.Compare(chain(a), chain(b)), cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}

// compareAttackers orders by knowledge, controls last.
func (s *Set) compareAttackers(a, b Attacker) int {
	control := func(id string) int {
		if s.Control[id] {
			return 1
		}
		return 0
	}
	knowledge := func(k results.Knowledge) int {
		return slices.Index([]results.Knowledge{results.Adaptive, results.Unaware, results.Transfer}, k)
	}
	return cmp.Or(
		cmp.Compare(knowledge(a.Knowledge), knowledge(b.Knowledge)),
		cmp.Compare(control(a.Attack), control(b.Attack)),
		cmp.Compare(place(s.Options.Order, a.Attack), place(s.Options.Order, b.Attack)),
		cmp.Compare(a.Attack, b.Attack), compareDefenses(s.Options.Order, a.TrainDefense, b.TrainDefense))
}

// place is where id, else its name, stands in names; their number if nowhere.
func place(names []string, id string) int {
	if i := slices.Index(names, id); i >= 0 {
		return i
	}
	name, _, _ := params.Cut(id)
	name, _, _ = strings.Cut(name, "+")
	if i := slices.Index(names, name); i >= 0 {
		return i
	}
	return len(names)
}

// Attacks are the attacks of a panel whatever they know, controls last.
func (s *Set) Attacks(p Panel) []string {
	var out []string
	for _, a := range s.Attackers[p] {
		if !slices.Contains(out, a.Attack) {
			out = append(out, a.Attack)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int {
		return s.compareAttackers(Attacker{Attack: a}, Attacker{Attack: b})
	})
	return out
}

// WithKnowledge lists the attackers of a panel with knowledge k, in order.
func (s *Set) WithKnowledge(p Panel, k results.Knowledge) []Attacker {
	return slices.DeleteFunc(slices.Clone(s.Attackers[p]), func(a Attacker) bool { return a.Knowledge != k })
}

// DefensesOf are the defenses of several panels in report order.
func (s *Set) DefensesOf(ps []Panel) []string {
	var out []string
	for _, p := range ps {
		for _, d := range s.Defenses[p] {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int { return compareDefenses(s.Options.Order, a, b) })
	return out
}

// Best is the attacker that does best on a defense; ok is false where every
// cell failed or there are controls only.
func (s *Set) Best(at Subject) (k Pair, ok bool) {
	m := s.Summaries[at]
	k = Pair{at.Panel, at.Defense, Attacker{Attack: m.Attack, Knowledge: m.Knowledge}}
	if m.Knowledge == results.Transfer {
		k.TrainDefense = m.TrainDefense
	}
	return k, m.Attack != ""
}

// BestResults are those of the best attacker on a defense that did not fail.
func (s *Set) BestResults(at Subject) []*results.Result {
	k, ok := s.Best(at)
	if !ok {
		return nil
	}
	rs, _ := Good(s.ByPair[k])
	return rs
}

// Headline is the metric that speaks for a panel, and the mean of its floors.
func (s *Set) Headline(p Panel) (metric string, floor float64) {
	n := 0
	for _, d := range s.Defenses[p] {
		for _, r := range s.BySubject[Subject{p, d}] {
			if r.Err == "" {
				metric = r.Headline
				floor += r.Floor
				n++
			}
		}
	}
	if n == 0 {
		return results.Headline(p.Task), 0
	}
	return metric, floor / float64(n)
}

// Sample is what the run keeps of the traffic behind a defense, nil if nothing.
func (s *Set) Sample(at Subject) *results.Sample {
	for i := range s.Options.Samples {
		x := &s.Options.Samples[i]
		if at == (Subject{Panel{x.Dataset, x.Task, x.Vantage, x.Split}, x.Defense}) {
			return x
		}
	}
	return nil
}

// Sampled lists the defenses of p that have a sample, "none" first even if
// only its sample is among the results.
func (s *Set) Sampled(p Panel) []string {
	var out []string
	for _, d := range append([]string{results.NoDefense}, s.Defenses[p]...) {
		if !slices.Contains(out, d) && s.Sample(Subject{p, d}) != nil {
			out = append(out, d)
		}
	}
	return out
}

// Good drops failed results and counts them.
func Good(rs []*results.Result) (ok []*results.Result, failed int) {
	for _, r := range rs {
		if r.Err == "" {
			ok = append(ok, r)
		}
	}
	return ok, len(rs) - len(ok)
}
