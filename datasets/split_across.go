package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"veilbench/datasets/params"
)

// The splits of this file never put a group on both sides.

// groupKFold is k folds of whole groups.
type groupKFold struct {
	K int `help:"number of folds"`
}

// Validate refuses fewer than two folds, and more than any data set has groups.
func (s groupKFold) Validate() error { return params.Within("k", s.K, 2, maxFolds) }

// folds gives the largest group that is left to the fold with the fewest
// recordings; groups of equal size come in shuffled order.
func (s groupKFold) folds(v splitView) ([]Fold, error) {
	gs := v.groups()
	switch {
	case len(gs) == 1:
		return nil, errors.New("there is one group only, so nothing can be split across groups; kfold splits within it")
	case len(gs) < s.K:
		return nil, fmt.Errorf("k=%d needs as many groups, there are %d", s.K, len(gs))
	}
	slices.SortStableFunc(gs, func(a, b group) int {
		return cmp.Or(cmp.Compare(len(b.rec), len(a.rec)), cmp.Compare(ShuffleKey(a.name), ShuffleKey(b.name)))
	})

	tests, count := make([][]int, s.K), make([]int, s.K)
	for _, g := range gs {
		// Of folds with equally many recordings the one with fewer groups.
		f := 0
		for j := range tests {
			if cmp.Or(cmp.Compare(len(tests[j]), len(tests[f])), cmp.Compare(count[j], count[f])) < 0 {
				f = j
			}
		}
		tests[f] = append(tests[f], g.rec...)
		count[f]++
	}
	return v.foldsOf(tests), nil
}

// leaveOneGroupOut is a fold for each group.
type leaveOneGroupOut struct{}

// folds keeps the groups in the order of their names.
func (leaveOneGroupOut) folds(v splitView) ([]Fold, error) {
	gs := v.groups()
	if len(gs) < 2 {
		return nil, fmt.Errorf("needs two groups, there are %d; kfold splits within a group", len(gs))
	}
	tests := make([][]int, len(gs))
	for j, g := range gs {
		tests[j] = g.rec
	}
	return v.foldsOf(tests), nil
}

// chronological trains on the past and tests on what came after it.
type chronological struct {
	Share  float64 `help:"share of the recordings that train"`
	PurgeS float64 `help:"gap before the first test recording in which nothing trains"`
}

// Validate refuses a share that leaves one side empty, and a gap below 0 or of
// years.
func (s chronological) Validate() error {
	if s.Share <= 0 || s.Share >= 1 {
		return fmt.Errorf("share=%v: want more than 0 and less than 1", s.Share)
	}
	return params.Within("purge_s", s.PurgeS, 0, 1e8)
}

// folds cuts between two groups, at the first place where the share of the
// recordings is reached. Groups that overlap in time cannot be told apart as
// earlier and later, so they are refused rather than split.
func (s chronological) folds(v splitView) ([]Fold, error) {
	gs := v.groups()
	if len(gs) < 2 {
		return nil, fmt.Errorf("needs recordings of at least two groups, there is %d; cut long recordings into days first, each day its own group", len(gs))
	}

	slices.SortStableFunc(gs, func(a, b group) int { return a.start.Compare(b.start) })
	for j, g := range gs {
		if g.start.IsZero() {
			return nil, fmt.Errorf("group %q has no start time", g.name)
		}
		if j > 0 && gs[j-1].end.After(g.start) {
			return nil, fmt.Errorf("groups %q and %q overlap in time; an across split in time needs groups such as days, one after the other", gs[j-1].name, g.name)
		}
	}

	// The small number is for shares such as 0.7, whose product with a whole
	// number may come out a little below the whole number it is meant to be.
	want, have, cut := int(math.Floor(s.Share*float64(len(v.order))+1e-9)), 0, 0
	for cut < len(gs)-1 && (cut == 0 || have < want) {
		have += len(gs[cut].rec)
		cut++
	}

	// What ends within the gap is dropped: its device may still be doing what
	// the first test recording shows.
	limit := gs[cut].start.Add(-params.Seconds(s.PurgeS))
	var p Part
	for j, g := range gs {
		for _, i := range g.rec {
			switch t := v.rec[i].Trace; {
			case j >= cut:
				p.Test = append(p.Test, i)
			case !t.Start.Add(t.End).After(limit):
				p.Train = append(p.Train, i)
			}
		}
	}
	return []Fold{{p}}, nil
}

// fixedEvenOdd is the split of papers that took every other file to train.
type fixedEvenOdd struct{}

// folds counts the positions of groups within their folder (what is before the
// last "/" of the name), in the order of their recordings, and counts groups
// that cannot serve the task too: positions are those of files.
func (fixedEvenOdd) folds(v splitView) ([]Fold, error) {
	position, inFolder := map[string]int{}, map[string]int{}
	for _, i := range newSplitView(&Dataset{Recordings: v.rec}, "").order {
		if g := v.rec[i].Group; position[g] == 0 {
			folder := g[:strings.LastIndexByte(g, '/')+1]
			inFolder[folder]++
			position[g] = inFolder[folder]
		}
	}

	// Positions count from 1 here, for 0 means "not met": odd ones are at even
	// places of the folder.
	var p Part
	for _, i := range v.order {
		if position[v.rec[i].Group]%2 == 1 {
			p.Train = append(p.Train, i)
		} else {
			p.Test = append(p.Test, i)
		}
	}
	return []Fold{{p}}, nil
}
