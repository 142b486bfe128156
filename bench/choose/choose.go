// Package choose decides, inside training alone, whether what an attack learned
// from defended traffic is worth more than what it learned from undefended
// traffic. Knowing a defense cannot hurt an attacker, for it may forget that it
// knows; so a form that was tuned to the defense and finds less than the plain
// one is a fault of its training and no merit of the defense.
//
// The decision has two steps, since the second costs a training of both forms:
//
//  1. Both full models are asked about a few training traces as the defense
//     leaves them (Few). These traces are what the adaptive form learned from, so
//     the question favors it: a form that is broken shows here all the same, and
//     one that overfits is caught only if it is not far ahead. The plain form
//     knows the same recordings without the defense; where it finds nearly
//     everything, the defense has changed next to nothing for it (Settled).
//  2. Where that settles nothing, both forms are trained on some of the training
//     groups and asked about the others (HeldOut). The plain form is taken if it
//     is ahead by more than noise (Worse).
package choose

import (
	"cmp"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/bench/score"
	"veilbench/datasets"
)

// What the first question is about: so many clips, events or commands, or packets
// of the device task.
const (
	fewItems   = 20
	fewPackets = 5000
)

// Example is a training trace with the recording that it shows.
type Example struct {
	attacks.Labeled
	Recording *datasets.Recording
}

// Test is e with an answer of a model that can name classes.
func (e Example) Test(a attacks.Answer, classes []string) score.Test {
	return score.Test{
		Recording: e.Recording, Trace: e.Trace, Labels: e.Labels, Answer: a, Classes: classes,
		Unseen: len(e.Trace.Packets) == 0,
	}
}

// Few returns the traces of the first question: clips evenly over all, of other
// tasks the beginning of one trace or, where it holds too little, of several. The
// traces given are not modified.
func Few(task datasets.Task, all []Example) []Example {
	if task == datasets.TaskClip {
		n := min(fewItems, len(all))
		out := make([]Example, n)
		for i := range out {
			out[i] = all[i*len(all)/n]
		}
		return out
	}

	most := fewItems
	if task == datasets.TaskDevice {
		most = fewPackets
	}
	var out []Example
	for _, e := range all {
		if most <= 0 {
			break
		}
		n := items(task, e)
		if n == 0 {
			continue // nothing to find here
		}
		out = append(out, beginning(task, e, most))
		most -= n
	}
	return out
}

// items is how much e has to be found.
func items(task datasets.Task, e Example) int {
	switch task {
	case datasets.TaskEvent:
		return len(e.Labels.Events)
	case datasets.TaskCommand:
		return len(e.Labels.Commands)
	}
	return len(e.Trace.Packets)
}

// beginning is e up to where the first n items of it are over.
func beginning(task datasets.Task, e Example, n int) Example {
	if items(task, e) <= n {
		return e
	}
	var at time.Duration
	switch task {
	case datasets.TaskEvent:
		at = e.Labels.Events[n].Start
	case datasets.TaskCommand:
		at = e.Labels.Commands[n].Time
	default:
		at = e.Trace.Packets[n].Time
	}

	// A cut at the start of the next item: all traffic of those before it is kept,
	// but for what a defense delays beyond it.
	piece := datasets.Recording{Trace: e.Trace, Labels: e.Labels}.Cut([]time.Duration{at})[0]
	e.Trace, e.Labels = piece.Trace, piece.Labels
	return e
}

// By so much must the adaptive form be ahead on what it learned from to be beyond
// doubt. In the built-in homes what it gains there over unseen traffic is up to
// half of its score, but where the plain form is this far behind it knows
// little: on unseen traffic it was ahead in none of the folds.
const clear = 0.1

// The plain form has nothing to offer where it finds no more than guessing would,
// and nothing to add where it finds all.
const (
	nothing = 0.05
	nearAll = 0.95
)

// Settled says whether the answers to the first question leave no doubt that the
// adaptive form is to be kept. chance is what guessing among the classes scores.
func Settled(task datasets.Task, chance float64, adaptive, unaware score.Scores) bool {
	a, ok := headline(task, adaptive)
	u, ok2 := headline(task, unaware)
	return !ok || !ok2 || u <= chance+nothing || a >= u+clear || a >= u && u >= nearAll
}

// HeldOut marks the examples of every third group, from the second on in order of
// appearance; of two groups the second. None is marked where there is one group
// only: then nothing can be said, and the adaptive form stays.
func HeldOut(all []Example) []bool {
	number := map[string]int{}
	out := make([]bool, len(all))
	for i, e := range all {
		n, ok := number[e.Group]
		if !ok {
			n = len(number)
			number[e.Group] = n
		}
		out[i] = n%3 == 1
	}
	return out
}

// margin is what a difference must exceed whatever its noise.
const margin = 0.02

// Worse says whether the adaptive form did worse on held-out traffic than the
// unaware one by more than noise: by margin, and by a standard error of the
// difference.
func Worse(task datasets.Task, adaptive, unaware score.Scores) bool {
	a, ok := headline(task, adaptive)
	u, ok2 := headline(task, unaware)
	return ok && ok2 && u-a > max(margin, noise(adaptive, unaware))
}

// headline is the metric that the task is judged by; not ok where there was
// nothing to find.
func headline(task datasets.Task, s score.Scores) (float64, bool) {
	at, ok := slices.BinarySearchFunc(s.Metrics, results.Headline(task), func(m results.Metric, name string) int { return cmp.Compare(m.Name, name) })
	if !ok {
		return 0, false
	}
	return s.Metrics[at].Value, true
}

// noise is the standard error of the difference between two forms that were asked
// the same: by items, in which a form is right where the other is wrong as often
// as the other way round if they are equally good, so that the difference of n
// such is about sqrt(n) (McNemar). Without items (devices, whose packets come in
// bursts and are no independent trials) it is by groups, and 0 for one group.
func noise(a, b score.Scores) float64 {
	if len(a.Items)+len(b.Items) > 0 {
		return itemNoise(a.Items, b.Items)
	}

	of := map[string]float64{}
	for _, g := range b.Groups {
		of[g.Group] = g.Value
	}
	var sum, squares, n float64
	for _, g := range a.Groups {
		d := g.Value - of[g.Group]
		sum, squares, n = sum+d, squares+d*d, n+1
	}
	if n < 2 {
		return 0
	}
	return math.Sqrt(max(0, squares-sum*sum/n) / (n - 1) / n)
}

// itemNoise is noise by items. False alarms are items that only one form has.
func itemNoise(a, b []results.Item) float64 {
	type key struct {
		recording, truth string
		at               float64
	}
	// What both found right cancels out, false alarms that both raised do too; what is
	// left of a key is by how many the two differ there.
	count := map[key]int{}
	items := 0
	add := func(list []results.Item, sign int) {
		for _, it := range list {
			k := key{it.Recording, it.Truth, it.TimeS}
			switch {
			case it.Truth == datasets.Other:
				count[k] += sign
			case it.Answer == it.Truth:
				count[k] += sign
				items++
			default:
				items++
			}
		}
	}
	add(a, 1)
	add(b, -1)

	differ := 0
	for _, n := range count {
		differ += max(n, -n)
	}
	return math.Sqrt(float64(differ)) / max(1, float64(items)/2)
}
