// Package score says what answers are worth: one file for each task. It pairs
// events by package match.
package score

import (
	"cmp"
	"slices"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// Test is a test recording as an observer saw it behind a defense, with what
// the model said about it.
type Test struct {
	Recording *datasets.Recording
	Trace     datasets.Trace
	// Labels are the truth about Trace.
	Labels datasets.Labels
	Answer attacks.Answer
	// Classes are those the model was trained to name, which Answer.Devices
	// indexes.
	Classes []string
	// Unseen says that no packet of Recording is left at the vantage point, only a
	// defense's own if any. Nobody can find what is not there, so Unseen tests are no
	// items: else the view's work would be taken for the defense's.
	Unseen bool
	// Early holds what the model said of the first EarlyDays of the trace when it had
	// seen no more, in their order; of a routine task, and not of those that are longer
	// than the trace. Missing ones are the beginnings of Answer.
	Early []attacks.Answer
}

// Scores is what the answers to a task are worth; its fields are those of
// results.Result.
type Scores struct {
	Metrics   []results.Metric
	Groups    []results.GroupScore
	Devices   []results.DeviceScore
	LeftOut   []results.LeftOut
	Items     []results.Item
	Confusion []results.Confusion
	Curve     []results.Point
	Strips    []results.Strip
}

func (s *Scores) add(name string, v float64) {
	s.Metrics = append(s.Metrics, results.Metric{Name: name, Value: v})
}

// sort puts everything in the orders that Result promises.
func (s *Scores) sort() {
	slices.SortFunc(s.Metrics, func(a, b results.Metric) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Groups, func(a, b results.GroupScore) int { return cmp.Compare(a.Group, b.Group) })
	slices.SortFunc(s.LeftOut, results.LeftOut.Compare)
	slices.SortFunc(s.Confusion, func(a, b results.Confusion) int { return cmp.Compare(a.Group, b.Group) })
}

// Of scores the answers to one task: tests in the order of the data set, classes
// all that any model could name. Groups with nothing to find have no score and
// count in no share; where all are such there is no headline metric.
func Of(ds *datasets.Dataset, task datasets.Task, classes []string, tests []Test) Scores {
	var s Scores

	// What nobody can see is nobody's miss. Of events the false alarms still count:
	// an attack may cry wolf at nothing.
	// A recording that never had a packet is another matter where the clock alone can
	// tell something: its diary says what that is worth.
	seen := slices.DeleteFunc(slices.Clone(tests), func(t Test) bool {
		return t.Unseen && (task != datasets.TaskRoutine || len(t.Recording.Trace.Packets) > 0)
	})
	switch task {
	case datasets.TaskClip:
		s = scoreClips(ds, seen)
	case datasets.TaskEvent:
		s = scoreEvents(ds, tests)
	case datasets.TaskDevice:
		s = scoreDevices(classes, seen)
		s.scoreBusy(ds, seen)
	case datasets.TaskCommand:
		s = scoreCommands(classes, seen)
	case datasets.TaskRoutine:
		s = scoreRoutines(classes, seen)
	}

	// Tasks score the groups that they find items in; any other must be named, or it
	// would vanish without a word.
	scored := map[string]bool{}
	for _, g := range s.Groups {
		scored[g.Group] = true
	}
	for _, t := range tests {
		if g := t.Recording.Group; !scored[g] {
			scored[g] = true
			s.LeftOut = append(s.LeftOut, results.LeftOut{Group: g, Why: results.NothingToFind})
		}
	}
	s.sort()
	return s
}
