package oath

import (
	"fmt"
	"slices"

	"veilbench/attacks"
	"veilbench/datasets"
)

// copyOf copies s with no room behind it; nil, which often means unknown, stays
// nil.
func copyOf[S ~[]E, E any](s S) S {
	if s == nil {
		return nil
	}
	return slices.Clip(append(S{}, s...)) // append clears no memory that it writes over
}

// owned is a slice that a plug-in returned, as one that it has no hold of: in if
// it is the copy that was made of in, else a copy.
func owned[E any](s, given, in []E) []E {
	if len(s) == len(in) && (len(s) == 0 || &s[0] == &given[0]) {
		return in
	}
	return copyOf(s)
}

func copyTrace(t datasets.Trace) datasets.Trace {
	t.Packets, t.Flows = copyOf(t.Packets), copyOf(t.Flows)
	return t
}

func copyLabels(l datasets.Labels) datasets.Labels {
	l.Devices, l.Owners, l.Events, l.Cause = copyOf(l.Devices), copyOf(l.Owners), copyOf(l.Events), copyOf(l.Cause)
	l.Commands, l.Stays = copyOf(l.Commands), copyOf(l.Stays)
	for i := range l.Commands {
		l.Commands[i].Actions = copyOf(l.Commands[i].Actions)
	}
	return l
}

func copyLabeled(l attacks.Labeled) attacks.Labeled {
	l.Trace, l.Labels = copyTrace(l.Trace), copyLabels(l.Labels)
	if l.Second != nil {
		second := copyLabeled(*l.Second)
		l.Second = &second
	}
	return l
}

// copyAnswer copies all that scoring reads: a model that kept hold of an answer
// could revise it once it has seen the other test traces.
func copyAnswer(a attacks.Answer) attacks.Answer {
	a.Clip, a.Events, a.Devices, a.Commands, a.Slots = copyOf(a.Clip), copyOf(a.Events), copyOf(a.Devices), copyOf(a.Commands), copyOf(a.Slots)
	for i := range a.Events {
		a.Events[i].Ranked = copyOf(a.Events[i].Ranked)
	}
	first := map[*[]uint8]int{} // the message of each list of candidates, which several may share
	for i, m := range a.Commands {
		a.Commands[i].Bounded = copyOf(m.Bounded)
		if m.Candidates == nil {
			continue
		}
		if len(m.Candidates) > 0 {
			if k, shared := first[&m.Candidates[0]]; shared && len(a.Commands[k].Candidates) == len(m.Candidates) {
				a.Commands[i].Candidates = a.Commands[k].Candidates
				continue
			}
			first[&m.Candidates[0]] = i
		}

		// One array for all of them: behind padding a message has thousands. The third
		// index keeps an append to one from writing into the next.
		flat, rows := slices.Concat(m.Candidates...), make([][]uint8, len(m.Candidates))
		for k, c := range m.Candidates {
			rows[k], flat = flat[:len(c):len(c)], flat[len(c):]
		}
		a.Commands[i].Candidates = rows
	}
	return a
}

// firstChange describes the first place where two slices of one length differ,
// "" for none. The lengths of what is lent cannot change.
func firstChange[E comparable](what string, was, is []E) string {
	for i := range was {
		if was[i] != is[i] {
			return fmt.Sprintf("%s %d was %+v and is %+v", what, i, was[i], is[i])
		}
	}
	return ""
}

// traceChange describes what a plug-in changed of a trace, "" for nothing.
func traceChange(was, is datasets.Trace) string {
	if what := firstChange("packet", was.Packets, is.Packets); what != "" {
		return what
	}
	return firstChange("flow", was.Flows, is.Flows)
}

// labelsChange describes what a plug-in changed of the truth, "" for nothing.
func labelsChange(was, is datasets.Labels) string {
	for _, what := range []string{
		firstChange("device", was.Devices, is.Devices),
		firstChange("owner of packet", was.Owners, is.Owners),
		firstChange("event", was.Events, is.Events),
		firstChange("cause of packet", was.Cause, is.Cause),
		firstChange("stay", was.Stays, is.Stays),
	} {
		if what != "" {
			return what
		}
	}
	for i, c := range was.Commands {
		if d := is.Commands[i]; c.Time != d.Time || c.Device != d.Device || !slices.Equal(c.Actions, d.Actions) {
			return fmt.Sprintf("command %d was %+v and is %+v", i, c, d)
		}
	}
	return ""
}

// labeledChange describes what a plug-in changed of a training example.
func labeledChange(was, is attacks.Labeled) string {
	if what := traceChange(was.Trace, is.Trace); what != "" {
		return what
	}
	if what := labelsChange(was.Labels, is.Labels); what != "" {
		return what
	}
	if was.Group != is.Group || was.Class != is.Class {
		return fmt.Sprintf("class and group were %q, %q and are %q, %q", was.Class, was.Group, is.Class, is.Group)
	}
	if was.Second != nil {
		return labeledChange(*was.Second, *is.Second)
	}
	return ""
}
