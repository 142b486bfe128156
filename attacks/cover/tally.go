package cover

import (
	"slices"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// tally counts what answers got right: events and commands as F1, packets as the
// mean recall of devices, clips as a share.
type tally struct {
	hits, guesses, truths int
	right, of             map[string]int // packets by device
}

// add enters the answer about e, which is whole but for the packets that were left
// out.
func (s *tally) add(task datasets.Task, classes []string, e, whole attacks.Labeled, a attacks.Answer) {
	switch task {
	case datasets.TaskClip:
		s.guesses, s.truths = s.guesses+1, s.truths+1
		if len(a.Clip) > 0 && a.Clip[0].Class == e.Class {
			s.hits++
		}
	case datasets.TaskEvent:
		s.addEvents(e, a)
	case datasets.TaskCommand:
		s.addCommands(classes, e, a)
	case datasets.TaskDevice:
		s.addPackets(classes, e, whole, a)
	}
}

func (s *tally) addEvents(e attacks.Labeled, a attacks.Answer) {
	var found []match.Span
	for _, b := range a.Events {
		if c := b.Ranked[0].Class; b.Score >= a.Threshold && c != datasets.Other && c != datasets.Unknown {
			found = append(found, match.Span{From: b.Start, Class: c})
		}
	}
	truth := match.Truth(e.Labels)
	s.hits += match.Hits(match.Windows(truth, found, match.Tolerance, match.ByClass))
	s.guesses, s.truths = s.guesses+len(found), s.truths+len(truth)
}

// addCommands takes the multiset of a command for its class.
func (s *tally) addCommands(classes []string, e attacks.Labeled, a attacks.Answer) {
	var truth, found []match.Span
	for _, c := range e.Labels.Commands {
		counts, _ := bursts.Multiset(c, classes)
		truth = append(truth, match.Span{From: c.Time, To: c.Time, Class: string(counts)})
	}
	for _, m := range a.Commands {
		if m.Best >= 0 {
			found = append(found, match.Span{From: m.Time, Class: string(m.Candidates[m.Best])})
		}
	}
	s.hits += match.Hits(match.Windows(truth, found, match.Tolerance, match.ByClass))
	s.guesses, s.truths = s.guesses+len(found), s.truths+len(truth)
}

// addPackets counts, of the packets that devices sent, those whose device was
// named. One that the filter took away is not.
func (s *tally) addPackets(classes []string, e, whole attacks.Labeled, a attacks.Answer) {
	if s.of == nil {
		s.right, s.of = map[string]int{}, map[string]int{}
	}
	name := func(l datasets.Labels, i int) string {
		if l.Owners[i] < 0 {
			return datasets.Nobody
		}
		return l.Devices[l.Owners[i]]
	}

	// Every packet counts as one to name, those that are left with their answers.
	for i := range whole.Labels.Owners {
		s.of[name(whole.Labels, i)]++
	}
	for i := range e.Labels.Owners {
		d := name(e.Labels, i)
		if c := a.Devices[i].Class; c >= 0 && classes[c] == d {
			s.right[d]++
		}
	}
}

// score is between 0 and 1. Cover is no device: to see through it is no aim of its
// own.
func (s *tally) score() float64 {
	if s.of == nil {
		return match.F1(s.hits, s.guesses, s.truths)
	}
	delete(s.of, datasets.Cover)
	var names []string
	for d := range s.of {
		names = append(names, d)
	}
	slices.Sort(names) // a sum in a map's order would differ in its last digit

	sum := 0.0
	for _, d := range names {
		sum += float64(s.right[d]) / float64(s.of[d])
	}
	return sum / float64(max(1, len(names)))
}
