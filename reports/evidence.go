package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/datasets"
	"veilbench/reports/table"
)

// NoEvidence stands in place of an advantage that says nothing of a defense.
const NoEvidence = "no evidence"

// noCanaries stands under everything that is drawn of a run without canaries.
const noCanaries = "CANARIES OFF: no low score is evidence for a defense."

func (s *Set) canariesOff() bool { return len(s.Results) > 0 && len(s.Planted) == 0 }

// Evidence is what a low score of an attacker on a defense rests on; ok is false
// for controls, and where every cell failed.
func (s *Set) Evidence(k Pair) (e results.Evidence, ok bool) {
	e, ok = s.evidence[k]
	return e, ok
}

// evidenceOf is the evidence of every attacker of the summaries, kept because tables
// ask for it once for each cell.
func evidenceOf(summaries map[Subject]results.Summary) map[Pair]results.Evidence {
	out := map[Pair]results.Evidence{}
	for at, m := range summaries {
		for _, r := range m.Reached {
			k := Pair{at.Panel, at.Defense, Attacker{Attack: r.Attack, Knowledge: r.Knowledge}}
			if r.Knowledge == results.Transfer {
				k.TrainDefense = r.TrainDefense
			}
			out[k] = r.Evidence
		}
	}
	return out
}

// Unearned says that the score of an attacker is low for another reason than the
// defense: its advantage is not known.
func (s *Set) Unearned(k Pair) bool {
	e, ok := s.Evidence(k)
	return ok && !e.OK()
}

// TrainedWorse says that an attacker does worse trained on the defense than
// without, so its training failed it.
func (s *Set) TrainedWorse(k Pair) bool {
	return k.Knowledge == results.Adaptive && slices.ContainsFunc(s.Summaries[Subject{k.Panel, k.Defense}].Weak,
		func(w results.WeakAttack) bool { return w.Attack == k.Attack })
}

// doubted marks a score that is low and no evidence for a defense.
func (s *Set) doubted(k Pair, v table.Value) table.Value {
	if v.OK && s.Unearned(k) {
		v.Text, v.Doubt = v.Text+" *", true
	}
	return v
}

// State is evidence in a few words.
func State(e results.Evidence) string {
	switch {
	case e.Above:
		return "above the floor"
	case len(e.Reasons) > 0:
		var why []string
		for _, r := range e.Reasons {
			why = append(why, reasonWord(r))
		}
		return NoEvidence + ": " + strings.Join(why, ", ")
	case e.Canary.Through > 0 && 2*e.Canary.ThroughFound < e.Canary.Through:
		return "evidence, blinded"
	}
	return "evidence"
}

// Doubt says in plain words why a low score is no evidence.
func Doubt(e results.Evidence) string {
	var why []string
	for _, r := range e.Reasons {
		why = append(why, r.Text())
	}
	return NoEvidence + ": " + strings.Join(why, "; ")
}

// AboutStates explains the words of State.
const AboutStates = "above the floor: the score stands whatever the canary did. evidence: the attack works without a defense and finds the canary behind this one. blinded: it finds the canary behind the defense and misses the one that passed through it, which is the defense's work. broken: it misses the canary that the defense did not touch, so its low score is its own fault."

func reasonWord(r results.Reason) string {
	switch r {
	case results.EmptyView:
		return "empty view"
	case results.BadLabels:
		return "labels do not fit"
	case results.NoUndefended:
		return "not run undefended"
	case results.FloorUndefended:
		return "at its floor undefended"
	case results.NoCanary:
		return "no canary"
	case results.CanaryMissed:
		return "broken"
	}
	return string(r)
}

// Why is the reason for which nothing is known about a defense, for people. Those
// of several defenses are one sentence: Start and End are theirs in common. Try is
// what End tells to try, alone.
type Why struct{ Start, Finding, End, Try string }

// String is the sentence about one defense.
func (w Why) String() string { return w.Start + w.Finding + w.End }

// Why says why a summary is without evidence; ok is false for one that has it.
func (s *Set) Why(at Subject) (w Why, ok bool) {
	m := s.Summaries[at]
	if m.NoEvidence == "" {
		return w, false
	}

	// The attacker to tell of is the best without a defense, which would know most:
	// that others are at their floor there too explains nothing while it is not.
	who := slices.MaxFunc(m.Reached, func(a, b results.Reached) int { return cmp.Compare(a.Evidence.Undefended, b.Evidence.Undefended) })
	reason := m.NoEvidence
	if why := who.Evidence.Reasons; len(why) > 0 && !slices.Contains(why, reason) {
		reason = why[0]
	}
	attack, d := s.Label(who.Attack), s.Label(at.Defense)
	w = Why{Start: "nothing is known about the defense, for " + reason.Text() + ": ", Finding: d}
	try := ""
	switch reason {
	case results.CanaryMissed:
		w.Start = "the best attack without a defense is blind here, so nothing is known about the defense: "
		w.Finding = fmt.Sprintf("%s finds %d of %d canaries behind %s", attack, who.Evidence.Canary.Found, who.Evidence.Canary.Planted, d)
		try = s.otherAttacks(at.Panel)
	case results.FloorUndefended:
		w.Start = "no attack does better than guessing without a defense, so nothing is known about any: "
		w.Finding = fmt.Sprintf("the best there is %s with an advantage of %s", attack, table.Score(who.Evidence.Undefended))
		try = s.otherAttacks(at.Panel)
	case results.NoUndefended:
		w.Start = "no attack was run without the defense, so nobody knows whether one works on these data: "
		try = "--defense none"
	case results.NoCanary:
		try = "--canaries=on, or --retry where canary cells failed"
	case results.EmptyView:
		try = "--vantage lan"
	case results.BadLabels:
		try = "veilbench inspect"
	}
	w.Try, w.End = try, " (what to try: "+try+")"
	return w, true
}

// otherAttacks are attacks that see more where others are blind, but for those
// that were tried.
func (s *Set) otherAttacks(p Panel) string {
	var out []string
	if p.Task == datasets.TaskEvent {
		for _, name := range []string{"event-anchors", "fusion"} {
			tried := slices.ContainsFunc(s.Attackers[p], func(a Attacker) bool { return strings.HasPrefix(a.Attack+":", name+":") })
			if !tried {
				out = append(out, "--attack "+name)
			}
		}
	}
	if out == nil {
		return "another attack of veilbench list attacks"
	}
	return strings.Join(out, ", ")
}

// EarnedStart begins the note about scores at their floors, of which Earned says
// what each rests on.
const EarnedStart = "the best attack is at its floor, and the defense explains it (canaries that it finds behind it, attackers with evidence): "

// Earned says what a score at its floor rests on: how many canaries the best attack
// found there, and how many attackers count.
func (s *Set) Earned(at Subject) string {
	m := s.Summaries[at]
	c := m.Evidence.Canary
	return fmt.Sprintf("%s %d of %d by %s, %d of %d", s.Label(at.Defense), c.Found, c.Planted, s.Label(m.Attack), m.Rest, len(m.Reached))
}

// LeftOut names the defenses of a panel that are missing where advantages are
// drawn or compared, because nothing is known of them; "" for none.
func (s *Set) LeftOut(p Panel) string {
	var out []string
	for _, d := range s.Defenses[p] {
		if s.Summaries[Subject{p, d}].NoEvidence != "" {
			out = append(out, s.Label(d))
		}
	}
	if out == nil {
		return ""
	}
	return "Left out for want of evidence (see the table evidence): " + List(out) + "."
}
