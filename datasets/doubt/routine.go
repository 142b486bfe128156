package doubt

import (
	"fmt"
	"slices"
	"time"

	"veilbench/datasets"
)

// leastStays is how long people must be known for a routine to show: a day has one
// night, and nobody learns from one.
const leastStays = 2 * 24 * time.Hour

// stays is the doubt that too little is known of people for a diary to be judged: that
// some groups are known for less than leastStays, so that nights and habits are hard
// to judge there. It spoils the task where all groups together are, or where no two
// things are ever true.
func stays(ds *datasets.Dataset) []datasets.Doubt {
	if !slices.Contains(ds.Tasks, datasets.TaskRoutine) {
		return nil
	}
	known := map[string]time.Duration{}
	differs, events := false, 0
	var first *datasets.Stay
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		known[r.Group] += 0
		events += len(r.Labels.Events)
		for k := range r.Labels.Stays {
			s := &r.Labels.Stays[k]
			known[r.Group] += s.End - s.Start
			if first == nil {
				first = s
			}
			differs = differs || (s.Home == 0) != (first.Home == 0) || s.Asleep != first.Asleep
		}
	}

	// Where nobody knows the people, hours are active or quiet, and an hour is enough to be
	// either.
	if first != nil && first.Home < 0 && !differs && events > 0 {
		return nil
	}

	// A group may be many recordings: what counts is how long it is known in all.
	short := 0
	var most, all time.Duration
	for _, d := range known {
		most, all = max(most, d), all+d
		if d < leastStays {
			short++
		}
	}
	if short == 0 && differs {
		return nil
	}
	d := datasets.Doubt{
		Code: datasets.DoubtStays, Count: int64(short), Of: int64(len(known)), Remedy: "record for days, with times at which people come, go and sleep",
		Detail: fmt.Sprintf("of %d of %d groups it is known for less than %.0f h who is home and who sleeps (at most %.1f h)", short, len(known), leastStays.Hours(), most.Hours()),
	}
	if first != nil && !differs {
		d.Detail = "who is home and who sleeps never differs: there is nothing to tell"
	}
	if all < leastStays || !differs {
		d.Spoils = []datasets.Task{datasets.TaskRoutine}
	}
	return []datasets.Doubt{d}
}
