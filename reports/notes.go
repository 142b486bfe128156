package reports

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports/table"
)

// AboutTraining says what intervals over test groups estimate.
const AboutTraining = "Intervals are over test groups and about this training data, not about others like it."

// About names a panel in titles.
func (s *Set) About(p Panel) string {
	return fmt.Sprintf("%s, %s, seen %s", s.DataName(p.Dataset), TaskName(p.Task), WhereName(p.Vantage))
}

// Stamps are the notes that every table of some panels carries: what makes its
// figures other than those of a fair test on real data.
func (s *Set) Stamps(ps ...Panel) []string {
	var out []string
	add := func(n string) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, p := range ps {
		if p.Split.Within() {
			add(fmt.Sprintf("WITHIN SPLIT: %s splits %s inside its groups, so training and test share sessions; no headline.", p.Split, s.DataName(p.Dataset)))
		}
	}

	// Both of these make an interval say less than it seems to.
	for _, p := range ps {
		if w := s.OneHome(p); w != "" {
			add(w)
		}
	}
	for _, p := range ps {
		if s.Generated[p.Dataset] {
			add(fmt.Sprintf("Generated data (%s): attack and data share one model.", s.DataName(p.Dataset)))
		}
	}
	return out
}

// OneHome says of a panel whose test groups are parts of one recording that its
// intervals are about no other home; it is empty for any other.
func (s *Set) OneHome(p Panel) string {
	w, ok := s.oneHome[p.Dataset]
	if !ok {
		return ""
	}
	return fmt.Sprintf("ONE HOME (%s): %s, so intervals say nothing of other homes.", s.DataName(p.Dataset), w)
}

// IDNotes explain short names and oracles, and name programs that are not to be relied
// on.
func (s *Set) IDNotes(defenses, attacks []string) []string {
	var out []string
	if slices.ContainsFunc(defenses, func(d string) bool { return s.Oracle[d] }) {
		out = append(out, "oracle: the defense looks ahead; no real device can do what it does.")
	}
	for _, id := range Distinct(slices.Concat(defenses, attacks)) {
		if s.Wavering[id] {
			out = append(out, "nondeterministic: "+s.Label(id)+" answers otherwise when it is asked again; another run will give other figures.")
		}
	}
	if l := s.names.legend(slices.Concat(defenses, attacks)); l != "" {
		out = append(out, table.InFull+l+".")
	}
	return out
}

// PanelNotes are what stands last under a table of one panel: its stamps, and
// the names of its defenses and of the attacks given.
func (s *Set) PanelNotes(p Panel, attacks ...string) []string {
	return append(s.Stamps(p), s.IDNotes(s.Defenses[p], attacks)...)
}

// CountNote says what a panel's numbers rest on.
func (s *Set) CountNote(p Panel) string {
	folds, draws, seeds := map[int]bool{}, map[int]bool{}, map[uint64]bool{}
	groups := map[string]bool{}
	var first *results.Result
	for _, d := range s.Defenses[p] {
		for _, r := range s.BySubject[Subject{p, d}] {
			c := r.Cell
			folds[c.Fold], draws[c.Draw], seeds[c.Seed] = true, true, true
			for _, g := range r.Groups {
				groups[g.Group] = true
			}
			if r.Err == "" && first == nil {
				first = r
			}
		}
	}

	// Every attacker is tested on the same items, so those of one are counted,
	// and of one draw and seed.
	items := 0
	if first != nil {
		c := first.Cell
		k := Pair{p, c.Defense, Attacker{Attack: c.Attack, Knowledge: c.Knowledge}}
		if c.Knowledge == results.Transfer {
			k.TrainDefense = c.TrainDefense
		}
		for _, r := range s.ByPair[k] {
			if r.Cell.Draw == c.Draw && r.Cell.Seed == c.Seed {
				for _, g := range r.Groups {
					items += g.N
				}
			}
		}
	}
	_, floor := s.Headline(p)
	return fmt.Sprintf("Split %s, %s, %s, %s, %s, n = %s %s; floor without a look at the traffic %s.",
		p.Split, Plural(len(folds), "fold"), Plural(len(groups), "test group"), Plural(len(draws), "defense draw"), Plural(len(seeds), "seed"),
		table.Group(fmt.Sprint(items)), itemName(p.Task), table.Score(floor))
}

// Caption adds to what a figure shows whose data it is. defenses and attacks
// are those whose names the figure uses.
func (s *Set) Caption(p Panel, what string, defenses, attacks []string) string {
	parts := []string{what, "Data " + s.DataName(p.Dataset) + ", seen " + WhereName(p.Vantage) + ".", s.CountNote(p), "Seed " + s.Seeds() + "."}
	if s.Options.Fingerprint != "" {
		parts = append(parts, FirstUpper(s.Options.Fingerprint)+".")
	}
	if s.canariesOff() {
		parts = append(parts, noCanaries)
	}
	return strings.Join(slices.Concat(parts, s.Stamps(p), s.IDNotes(defenses, attacks)), " ")
}

// Doubts are the warnings about a defense as a whole in the words of tables;
// weak are those of attacks that may be weak against it.
func (s *Set) Doubts(at Subject) (general, weak []string) {
	m := s.Summaries[at]
	task := TaskName(at.Task)
	for _, w := range m.Warnings {
		general = append(general, task+": "+w)
	}
	for _, w := range m.Weak {
		weak = append(weak, fmt.Sprintf("%s: %s trained worse: it scores %.2f trained on the defense and %.2f without, and the better of both counts", task, s.Label(w.Attack), w.Adaptive, w.Unaware))
	}
	return general, weak
}

// Alarms are the checks of the harness and the probes that failed, and that there
// are no canaries.
func (s *Set) Alarms() []string {
	out := alarms("SELF-CHECK FAILED", s.Options.SelfCheck)
	if s.canariesOff() {
		out = append(out, noCanaries)
	}
	if s.Options.Probes != nil {
		out = append(out, alarms("PROBE FAILED", s.WithoutFolders(s.Options.Probes.Verdicts))...)
	}
	return out
}

// WithoutFolders are verdicts whose names say of data sets what DataName does.
func (s *Set) WithoutFolders(vs []results.Verdict) []results.Verdict {
	vs = slices.Clone(vs)
	for i := range vs {
		for _, p := range s.Panels {
			vs[i].Name = strings.ReplaceAll(vs[i].Name, p.Dataset, s.DataName(p.Dataset))
		}
	}
	return vs
}

func alarms(what string, vs []results.Verdict) []string {
	var out []string
	for _, v := range vs {
		if !v.OK {
			out = append(out, what+": "+v.Name+": "+v.Detail)
		}
	}
	return out
}

// CheckNotes say how the self-check and the probes of the run ended, nothing
// of those that were not made.
func (s *Set) CheckNotes() []string {
	var out []string
	if vs := s.Options.SelfCheck; len(vs) > 0 {
		failed := alarms("SELF-CHECK FAILED", vs)
		out = append(failed, fmt.Sprintf("self-check: %d of %d passed", len(vs)-len(failed), len(vs)))
	}
	if s.Options.Probes != nil {
		vs := s.WithoutFolders(s.Options.Probes.Verdicts)
		failed := alarms("PROBE FAILED", vs)
		out = append(append(out, failed...), fmt.Sprintf("probes: %d of %d passed", len(vs)-len(failed), len(vs)))
	}
	return out
}

// Plural is "1 fold" or "5 folds".
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// FirstUpper begins a title.
func FirstUpper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
