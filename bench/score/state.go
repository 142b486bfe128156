package score

import (
	"cmp"
	"slices"
	"time"

	"veilbench/attacks/match"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// stateClasses lists the classes, groups nobody can tell apart merged, of which some
// event of ds lasts: camera streaming, sleeping. They are sorted; none when the
// ends of events mean something else.
func stateClasses(ds *datasets.Dataset, m Classes) []string {
	var out []string
	if ds.Vague {
		return nil
	}

	for i := range ds.Recordings {
		l := &ds.Recordings[i].Labels
		for _, e := range l.Events {
			if e.End > e.Start && !slices.Contains(ds.Unmonitored, l.Devices[e.Device]) {
				out = append(out, m.Class(l.Class(e)))
			}
		}
	}

	slices.Sort(out)
	return slices.Compact(out)
}

// scoreStates adds, where ds has states, the share of time in which what was
// found says rightly whether a state holds, as the mean over states
// (state_seconds_right), and what finding nothing would get
// (state_seconds_off). Each detection stands for its burst, from the first
// packet to the last.
func (s *Scores) scoreStates(ds *datasets.Dataset, tests []Test, m Classes) {
	// Silence is held against the same time, for a state that is rare is nearly
	// right without a look at the traffic.
	var wrong, on, all time.Duration
	classes := stateClasses(ds, m)

	for _, t := range tests {
		// Silence about a state that nobody can see is no error.
		if t.Unseen {
			continue
		}
		events, found := truths(t.Labels, m), scoringAtLeast(detections(t.Answer, m), t.Answer.Threshold)
		for _, c := range classes {
			truth := ofClass(events, c)
			wrong += disagreement(truth, ofClass(found, c), t.Trace.End)
			on += disagreement(truth, nil, t.Trace.End)
			all += t.Trace.End
		}
	}

	if all > 0 {
		s.add(results.StateRight, 1-wrong.Seconds()/all.Seconds())
		s.add(results.StateOff, 1-on.Seconds()/all.Seconds())
	}
}

// ofClass keeps the spans of one class, in their order.
func ofClass(all []match.Span, class string) []match.Span {
	var out []match.Span
	for _, x := range all {
		if x.Class == class {
			out = append(out, x)
		}
	}
	return out
}

// disagreement is the time from 0 to end in which just one of two tracks of a state
// says that it holds. Sightings of one track may overlap.
func disagreement(truth, found []match.Span, end time.Duration) time.Duration {
	type edge struct {
		at    time.Duration
		track int
		step  int
	}

	var edges []edge
	for track, all := range [2][]match.Span{truth, found} {
		for _, x := range all {
			edges = append(edges, edge{min(max(x.From, 0), end), track, 1}, edge{min(max(x.To, 0), end), track, -1})
		}
	}

	// Edges at one instant may come in any order: no time passes between them.
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })

	var open [2]int
	var sum, last time.Duration
	for _, e := range edges {
		if (open[0] > 0) != (open[1] > 0) {
			sum += e.at - last
		}
		last = e.at
		open[e.track] += e.step
	}
	return sum
}
