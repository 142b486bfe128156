// Package gate holds a run against a budget of leaks and costs, and says the
// outcome to people and to pipelines. Judge makes one Line for each limit, defense
// and panel; every format has a file of its own and knows lines alone.
package gate

import (
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/datasets/params"
	"veilbench/reports"
)

// Budget is what a defense may leak and cost. A nil limit is none.
type Budget struct {
	// Defense is the one to judge: its ID, its label or its name without
	// parameters. Empty means every defense of the run but "none".
	Defense string
	// Advantage limits what the best attack learns of a task. It is compared
	// with the upper end of the interval, or with the advantage itself if that
	// is larger or has no interval.
	Advantage map[datasets.Task]float64
	// AllTasks is the limit of tasks that Advantage does not name.
	AllTasks *float64
	// Overhead limits the extra bytes as a ratio, DelayP95 the added delay in
	// seconds, GBPerMonth the extra traffic of a home.
	Overhead, DelayP95, GBPerMonth *float64
	// AllowNoEvidence lets a defense of which nothing is known keep its limits.
	AllowNoEvidence bool
	// Rise limits how much the advantage may grow since the baseline.
	Rise *float64
	// At is the line of the budget's file that sets a rule's limit, by rule; of an
	// advantage of one task by the rule, a point and the task. nil where there is no
	// file.
	At map[string]int
}

// State is how a limit fares.
type State string

// The states. Missed and Open say which of them end a build.
const (
	pass State = "pass"
	fail State = "FAIL"
	// noEvidence misses: nothing is known of the defense, and no build may pass by
	// that unseen; allowed is the same where the budget lets it pass.
	noEvidence State = reports.NoEvidence
	allowed    State = reports.NoEvidence + " (allowed)"
	// tooFew is a limit that only the mean over too few test groups keeps.
	tooFew State = "too few groups"
	// undecided is a rise above its limit that the paired test cannot tell from none.
	undecided State = "undecided"
	// evidence is no limit: it says what the figure of the line above rests on.
	evidence State = "evidence"
)

// Missed says that the limit is missed.
func (s State) Missed() bool { return s == fail || s == noEvidence }

// Open says that the data cannot tell whether the limit is kept.
func (s State) Open() bool { return s == tooFew || s == undecided }

// Line is the verdict on one limit, or the evidence behind one.
type Line struct {
	Rule  string
	State State
	// Name says what is judged, Detail what was found, Try what to do about it where
	// the limit is missed or open.
	Name, Detail, Try string
	// Subject is what was judged; its Defense is "" for checks of the harness.
	Subject reports.Subject
	// Data is the data set's name without folders of a disk, by which another machine
	// knows it again.
	Data string
	// Attack and Knowledge are those of the best attack, "" where none counts.
	Attack    string
	Knowledge results.Knowledge
	// Value is held against Limit, both in Unit; Lo and Hi bound Value. nil is not
	// known, or none.
	Value, Lo, Hi, Limit *float64
	Unit                 string
	// Groups is how many test groups the value rests on, P the p-value of the paired
	// test, adjusted over the lines of the gate.
	Groups int
	P      *float64
	// At is the line of the budget's file, 0 where none sets it.
	At int
}

// Outcome is what a gate says of a run.
type Outcome struct {
	// Program is the version of the program, Run and Baseline the folders judged, and
	// Budget the file with the limits. Baseline is "" without one.
	Program, Run, Baseline, Budget string
	// Results says which results were judged, "" where nobody knows.
	Results string
	// Strict counts open limits as missed.
	Strict bool
	Lines  []Line
}

// Counts says how many limits there are, how many of them are missed, and how many
// open.
func (o Outcome) Counts() (limits, missed, open int) {
	for _, l := range o.Lines {
		switch {
		case l.State == evidence:
			continue
		case l.State.Missed():
			missed++
		case l.State.Open():
			open++
		}
		limits++
	}
	return limits, missed, open
}

// Verdict is the outcome in few words: what is missed, what is open, or that all is
// kept.
func (o Outcome) Verdict() string {
	limits, missed, open := o.Counts()
	switch {
	case missed > 0 && open > 0:
		return fmt.Sprintf("%d of %d limits missed, %d undecided", missed, limits, open)
	case missed > 0:
		return fmt.Sprintf("%d of %d limits missed", missed, limits)
	case open > 0:
		return fmt.Sprintf("%d of %d limits undecided", open, limits)
	}
	return fmt.Sprintf("%d of %d limits kept", limits, limits)
}

// Run is what is judged: results, and the folder they lie in, which advice names.
type Run struct {
	Dir string
	Set *reports.Set
}

// Judge holds a run against a budget; baseline is an earlier run for Budget.Rise,
// without a Set for none. What was not measured, what failed, what has no evidence (unless
// the budget allows it) and a failed self-check or probe miss the gate. An error
// says that the budget does not fit the run.
func Judge(run Run, b Budget, baseline Run) ([]Line, error) {
	s := run.Set
	ds, err := judged(s, b.Defense)
	if err != nil {
		return nil, err
	}
	if b.Rise != nil && baseline.Set == nil {
		return nil, fmt.Errorf("the budget limits the rise of the advantage: want a baseline to compare with")
	}
	g := judge{s: s, before: baseline.Set, dir: run.Dir, baseline: baseline.Dir, budget: b}
	if b.Rise != nil {
		g.changes = changes(s, baseline.Set, ds)
	}

	// What the harness says of itself comes first: if that is wrong, no limit
	// below is worth reading.
	g.checks(ruleSelfCheck, s.Options.SelfCheck)
	if s.Options.Probes != nil {
		g.checks(ruleProbe, s.Options.Probes.Verdicts)
	}
	for _, d := range ds {
		g.leaks(d)
		g.costs(d)
	}
	if len(g.out) == 0 {
		return nil, fmt.Errorf("the budget sets no limit")
	}
	return g.out, nil
}

// judged are the IDs of the defenses that name means.
func judged(s *reports.Set, name string) ([]string, error) {
	var out, all []string
	for _, d := range s.DefensesOf(s.Panels) {
		if d == results.NoDefense {
			continue
		}
		all = append(all, d)
		base, _, _ := params.Cut(d)
		if name == "" || name == d || name == s.Label(d) || name == base {
			out = append(out, d)
		}
	}
	if len(out) == 0 && name != "" {
		return nil, fmt.Errorf("the run has no defense %q (has %s)", name, strings.Join(all, ", "))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the run has no defense but none: nothing to judge")
	}
	return out, nil
}

// changes are the paired tests of the defenses that both runs know something of.
func changes(s, before *reports.Set, ds []string) map[reports.Subject]reports.Comparison {
	var ats []reports.Subject
	for _, p := range s.Panels {
		for _, d := range s.Defenses[p] {
			at := reports.Subject{Panel: p, Defense: d}
			if slices.Contains(ds, d) && s.GroupAdvantages(at) != nil && before.GroupAdvantages(at) != nil {
				ats = append(ats, at)
			}
		}
	}

	out := map[reports.Subject]reports.Comparison{}
	for i, c := range reports.Changes(before, s, ats) {
		out[ats[i]] = c
	}
	return out
}

// checks passes on those that failed.
func (g *judge) checks(rule string, vs []results.Verdict) {
	try := map[string]string{
		ruleSelfCheck: "veilbench selfcheck shows all of them; a plug-in of your own is held to its contract by defensetest and attacktest",
		ruleProbe:     g.report("probes") + "; a score that labels or names give away says nothing of traffic",
	}[rule]
	for _, v := range vs {
		if !v.OK {
			g.out = append(g.out, Line{Rule: rule, State: fail, Name: rule, Detail: v.Name + ": " + v.Detail, Try: try})
		}
	}
}
