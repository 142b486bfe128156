package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"
)

// ShuffleKey orders names as if shuffled, yet the same on every machine and
// for every order of the data.
func ShuffleKey(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	x := h.Sum64()
	// FNV's high bits depend little on the last letters; the finalizer of
	// SplitMix64 mixes them.
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func checkK(k int) error {
	if k < 2 || k > 1000 {
		return fmt.Errorf("k=%d: want 2 to 1000", k)
	}
	return nil
}

type groupKFold struct {
	K int `help:"number of folds"`
}

// Validate checks k.
func (s groupKFold) Validate() error { return checkK(s.K) }

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

func (v splitView) foldsOf(tests [][]int) []Fold {
	folds := make([]Fold, len(tests))
	for j, t := range tests {
		folds[j] = Fold{v.complement(t)}
	}
	return folds
}

type leaveOneGroupOut struct{}

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

type kFold struct {
	K int `help:"number of folds"`
}

// Validate checks k.
func (s kFold) Validate() error { return checkK(s.K) }

// folds deals the recordings out in shuffled order, for clips one class after
// the other, so that every fold has its share of each class. Classes are taken
// in the order of their first recording, so renaming them changes nothing.
func (s kFold) folds(v splitView) ([]Fold, error) {
	if len(v.order) < s.K {
		return nil, fmt.Errorf("k=%d needs as many recordings, there are %d", s.K, len(v.order))
	}
	order := slices.Clone(v.order)
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(ShuffleKey(v.rec[a].ID), ShuffleKey(v.rec[b].ID))
	})
	tests := make([][]int, s.K)
	for n, i := range slices.Concat(v.byClass(order)...) {
		tests[n%s.K] = append(tests[n%s.K], i)
	}
	return v.foldsOf(tests), nil
}

// byClass cuts order by clip class (one list for the other tasks), keeping the
// order; classes are in order of appearance.
func (v splitView) byClass(order []int) [][]int {
	index := map[string]int{}
	var out [][]int
	for _, i := range order {
		class := ""
		if v.task == Clip {
			class = v.rec[i].ClipClass()
		}
		c, ok := index[class]
		if !ok {
			c = len(out)
			index[class] = c
			out = append(out, nil)
		}
		out[c] = append(out[c], i)
	}
	return out
}

type trialKFold struct {
	K int `help:"number of folds"`
}

// Validate checks k.
func (s trialKFold) Validate() error { return checkK(s.K) }

// folds deals the recordings of each class and group out in order, so that
// fold i tests trial i of every session.
func (s trialKFold) folds(v splitView) ([]Fold, error) {
	tests := make([][]int, s.K)
	for _, g := range v.groups() {
		for _, c := range v.byClass(g.rec) {
			for n, i := range c {
				tests[n%s.K] = append(tests[n%s.K], i)
			}
		}
	}
	return v.foldsOf(tests), nil
}

type leaveOneOut struct{}

func (leaveOneOut) folds(v splitView) ([]Fold, error) {
	if len(v.order) < 2 {
		return nil, fmt.Errorf("needs two recordings, there are %d", len(v.order))
	}
	fold := make(Fold, len(v.order))
	for j, i := range v.order {
		fold[j] = v.complement([]int{i})
	}
	return []Fold{fold}, nil
}

type fixed8020 struct{}

func (fixed8020) folds(v splitView) ([]Fold, error) {
	var p Part
	for _, c := range v.byClass(v.order) {
		n := max(1, len(c)*8/10)
		p.Train = append(p.Train, c[:n]...)
		p.Test = append(p.Test, c[n:]...)
	}
	return []Fold{{p}}, nil
}

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

type chronological struct {
	Share  float64 `help:"share of the recordings that train"`
	PurgeS float64 `help:"gap before the first test recording in which nothing trains"`
}

// Validate checks the ranges.
func (s chronological) Validate() error {
	if s.Share <= 0 || s.Share >= 1 {
		return fmt.Errorf("share=%v: want more than 0 and less than 1", s.Share)
	}
	if s.PurgeS < 0 || s.PurgeS > 1e8 {
		return fmt.Errorf("purge_s=%v: want 0 to 1e8 seconds", s.PurgeS)
	}
	return nil
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
	want, have, cut := int(math.Floor(s.Share*float64(len(v.order))+1e-9)), 0, 0
	for cut < len(gs)-1 && (cut == 0 || have < want) {
		have += len(gs[cut].rec)
		cut++
	}
	limit := gs[cut].start.Add(-time.Duration(s.PurgeS * float64(time.Second)))
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
