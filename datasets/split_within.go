package datasets

import (
	"cmp"
	"fmt"
	"slices"

	"veilbench/datasets/params"
)

// The splits of this file do not look at groups, or put each on both sides.

// kFold is k folds of recordings, whatever their groups.
type kFold struct {
	K int `help:"number of folds"`
}

// Validate refuses fewer than two folds.
func (s kFold) Validate() error { return params.Within("k", s.K, 2, maxFolds) }

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

// trialKFold is k folds by the number of the trial in its session.
type trialKFold struct {
	K int `help:"number of folds"`
}

// Validate refuses fewer than two folds.
func (s trialKFold) Validate() error { return params.Within("k", s.K, 2, maxFolds) }

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

// leaveOneOut is one fold with a part for each recording: as folds, hundreds of
// cells of one test each would say nothing one by one.
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

// fixed8020 trains on the first 80 % of each class.
type fixed8020 struct{}

func (fixed8020) folds(v splitView) ([]Fold, error) {
	var p Part
	for _, c := range v.byClass(v.order) {
		n := max(1, len(c)*8/10) // a class of one only trains
		p.Train = append(p.Train, c[:n]...)
		p.Test = append(p.Test, c[n:]...)
	}
	return []Fold{{p}}, nil
}
