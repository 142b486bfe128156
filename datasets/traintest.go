package datasets

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// What IDs and groups of a joined data set begin with.
const (
	trainPrefix = "train/"
	testPrefix  = "test/"
)

// TrainTestSplit divides what TrainTest joined.
const TrainTestSplit Split = "train-test"

// TrainTest joins two data sets into one, "train->test", whose split trains on
// the recordings of the first and tests on those of the second. IDs and groups
// have train/ or test/ in front, so no group is on both sides. It serves the tasks
// that both serve, and is seen from where both can be seen. Neither is modified.
//
// Clips of one data set have one common End, and a longer one would name the side:
// the longer clips are cut to the length of the shorter ones, with a warning. It
// is an error if no task or no vantage point is common to both, or a recording is
// in both.
func TrainTest(train, test Dataset) (Dataset, error) {
	out := Dataset{
		Name:        train.Name + "->" + test.Name,
		Same:        joinSame(train.Same, test.Same),
		RatePerDay:  maps.Clone(test.RatePerDay), // of where it is tested
		Unmonitored: union(train.Unmonitored, test.Unmonitored),
		Vague:       train.Vague || test.Vague,
		Split:       TrainTestSplit,
		Generated:   train.Generated || test.Generated,
		Source:      "training: " + train.Source + "; test: " + test.Source,
		Warnings:    union(train.Warnings, test.Warnings),
	}
	for _, t := range train.Tasks {
		if slices.Contains(test.Tasks, t) {
			out.Tasks = append(out.Tasks, t)
		}
	}
	if len(out.Tasks) == 0 {
		return out, fmt.Errorf("%s serves %v and %s serves %v: no task is common to both", train.Name, train.Tasks, test.Name, test.Tasks)
	}

	// Nobody can be shown nearer than either capture was.
	switch {
	case test.Recorded.Sees(train.Recorded):
		out.Recorded = test.Recorded
	case train.Recorded.Sees(test.Recorded):
		out.Recorded = train.Recorded
	default:
		return out, fmt.Errorf("%s was recorded at %s and %s at %s: nobody sees both", train.Name, train.Recorded, test.Name, test.Recorded)
	}

	if a, b := inBoth(train, test); a != "" {
		return out, fmt.Errorf("recording %s of %s is recording %s of %s: it would train and be tested on", a, train.Name, b, test.Name)
	}

	sides := []*Dataset{&train, &test}
	if slices.Contains(out.Tasks, TaskClip) {
		end := min(longest(train), longest(test))
		for _, ds := range sides {
			if l := longest(*ds); l > end {
				ds.Recordings = cutClips(ds.Recordings, end)
				out.Warnings = append(out.Warnings, fmt.Sprintf("clips of %s are cut from %v to the %v of the other side", ds.Name, l, end))
			}
		}
	}
	for i, prefix := range []string{trainPrefix, testPrefix} {
		for _, r := range sides[i].Recordings {
			r.ID, r.Group = prefix+r.ID, prefix+r.Group
			out.Recordings = append(out.Recordings, r)
		}
	}
	return out, nil
}

// inBoth names a recording that is in both data sets, whatever it is called: two
// generated sets of one seed share homes. A trace without packets is in none.
func inBoth(a, b Dataset) (inA, inB string) {
	type gist struct {
		start, packets, bytes int64
		end                   time.Duration
	}
	of := func(t Trace) gist { return gist{t.Start.UnixNano(), int64(len(t.Packets)), t.Bytes(), t.End} }
	seen := map[gist][]int{}
	for i := range a.Recordings {
		g := of(a.Recordings[i].Trace)
		seen[g] = append(seen[g], i)
	}
	for _, r := range b.Recordings {
		for _, i := range seen[of(r.Trace)] {
			if same := a.Recordings[i]; len(r.Trace.Packets) > 0 && slices.Equal(same.Trace.Packets, r.Trace.Packets) {
				return same.ID, r.ID
			}
		}
	}
	return "", ""
}

// longest is the largest End of ds.
func longest(ds Dataset) time.Duration {
	var end time.Duration
	for i := range ds.Recordings {
		end = max(end, ds.Recordings[i].Trace.End)
	}
	return end
}

// cutClips are recordings with what comes after end left out.
func cutClips(rs []Recording, end time.Duration) []Recording {
	out := make([]Recording, len(rs))
	for i, r := range rs {
		out[i] = r.Cut([]time.Duration{end})[0]
	}
	return out
}

// union is a, then what b has beside it; nil if there is nothing.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// joinSame puts groups together that share a class: who cannot tell a from b, nor
// b from c, cannot tell a from c.
func joinSame(a, b [][]string) [][]string {
	var out [][]string
	for _, g := range slices.Concat(a, b) {
		g = slices.Clone(g)
		rest := out[:0]
		for _, o := range out {
			if slices.ContainsFunc(o, func(c string) bool { return slices.Contains(g, c) }) {
				g = union(o, g)
			} else {
				rest = append(rest, o)
			}
		}
		out = append(rest, g)
	}
	return out
}

// trainTest is one fold of what TrainTest joined.
type trainTest struct{}

// folds goes by the names of recordings: a folder that has train and test in it is
// divided the same way.
func (trainTest) folds(v splitView) ([]Fold, error) {
	var p Part
	for _, i := range v.order {
		switch id := v.rec[i].ID; {
		case strings.HasPrefix(id, trainPrefix):
			p.Train = append(p.Train, i)
		case strings.HasPrefix(id, testPrefix):
			p.Test = append(p.Test, i)
		}
	}
	if len(p.Train) == 0 || len(p.Test) == 0 {
		return nil, errors.New("needs recordings to train and others to test: name a second data set to test on")
	}
	return []Fold{{p}}, nil
}
