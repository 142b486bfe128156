// Package choose decides, inside training alone, whether what an attack learned
// from defended traffic is worth more than what it learned from undefended
// traffic. Knowing a defense cannot hurt an attacker, for it may forget that it
// knows; so a form that was tuned to the defense and finds less than the plain
// one is a fault of its training and no merit of the defense.
//
// The decision has two steps, since the second costs trainings of both forms:
//
//  1. Both full models are asked about a few training traces as the defense
//     leaves them (Few). These traces are what the adaptive form learned from, so
//     the question favors it: a form that is broken shows here all the same, and
//     one that overfits is caught only if it is not far ahead. The plain form
//     knows the same recordings without the defense; where it finds nearly
//     everything, the defense has changed next to nothing for it (Settled). Of
//     clips this would say nothing: attacks know those of their training by heart.
//  2. Where that settles nothing, both forms are trained on one half of the groups
//     and asked about the other half, each without what the cell tests (Divide).
//     The plain form is taken if it is ahead by more than noise (Worse).
//
// The half to train on is the one that the cell does not test, so that cells which
// test the same half share these models: there are about two for a defense, not
// one for each fold.
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

// What the first question is about: so many events or commands, and no more than
// so many packets.
const (
	fewItems   = 20
	fewPackets = 4000
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

// Few returns the traces of the first question: the beginning of one trace or,
// where it holds too little, of several. The traces given are not modified.
func Few(task datasets.Task, all []Example) []Example {
	var out []Example
	items, packets := fewItems, fewPackets
	for _, e := range all {
		if items <= 0 || packets <= 0 {
			break
		}
		e = beginning(task, e, items, packets)
		n := itemsOf(task, e)
		if n == 0 && task != datasets.TaskDevice {
			continue // nothing to find here
		}
		out = append(out, e)
		items, packets = items-n, packets-len(e.Trace.Packets)
	}
	return out
}

// itemsOf is how many events or commands e holds.
func itemsOf(task datasets.Task, e Example) int {
	switch task {
	case datasets.TaskEvent:
		return len(e.Labels.Events)
	case datasets.TaskCommand:
		return len(e.Labels.Commands)
	}
	return 0
}

// beginning is e up to where the first items of it are over, or the first packets.
func beginning(task datasets.Task, e Example, items, packets int) Example {
	at := e.Trace.End
	if itemsOf(task, e) > items {
		// A cut at the start of the next item: all traffic of those before it is kept,
		// but for what a defense delays beyond it.
		if task == datasets.TaskEvent {
			at = e.Labels.Events[items].Start
		} else {
			at = e.Labels.Commands[items].Time
		}
	}
	if len(e.Trace.Packets) > packets {
		at = min(at, e.Trace.Packets[packets].Time)
	}
	if at >= e.Trace.End {
		return e
	}
	piece := datasets.Recording{Trace: e.Trace, Labels: e.Labels}.Cut([]time.Duration{at})[0]
	e.Trace, e.Labels = piece.Trace, piece.Labels
	return e
}

// By so much must the adaptive form be ahead on what it learned from to need no
// second question. In the built-in homes that spares most networks, whose training
// is the dear part, behind all defenses but cover-decoy in one fold of five.
const clear = 0.02

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

// Divide divides the recordings that a part trains on: rest to learn from, held to
// ask about. groups and classes are of all recordings of the data set, which are
// dealt to two halves; rest is of the half that the part tests less. Either is
// empty where training has one group only: then nothing can be said, and the
// adaptive form stays.
func Divide(p datasets.Part, groups, classes []string) (rest, held []int) {
	second := halves(groups, classes)
	balance := 0
	for _, i := range p.Test {
		if second[i] {
			balance++
		} else {
			balance--
		}
	}
	if rest, held = apart(p.Train, func(i int) bool { return second[i] == (balance < 0) }); len(rest) > 0 && len(held) > 0 {
		return rest, held
	}

	// A split that tests all of one half leaves the other to be divided again.
	g, c := make([]string, len(p.Train)), make([]string, len(p.Train))
	for k, i := range p.Train {
		g[k], c[k] = groups[i], classes[i]
	}
	at := map[int]bool{}
	for k, x := range halves(g, c) {
		at[p.Train[k]] = x
	}
	return apart(p.Train, func(i int) bool { return !at[i] })
}

// apart divides recordings into those that are and those that are not.
func apart(recordings []int, are func(int) bool) (yes, no []int) {
	for _, i := range recordings {
		if are(i) {
			yes = append(yes, i)
		} else {
			no = append(no, i)
		}
	}
	return yes, no
}

// halves deals recordings to two halves, by groups in order of appearance; those
// of clips by class too, or the two could teach different ones where each
// recording is a group. It returns whether each lies in the second half.
func halves(groups, classes []string) []bool {
	ofGroup, ofClass := map[string]bool{}, map[string]int{}
	out := make([]bool, len(groups))
	for i, g := range groups {
		half, ok := ofGroup[g]
		if !ok {
			half = ofClass[classes[i]]%2 == 1
			ofClass[classes[i]]++
			ofGroup[g] = half
		}
		out[i] = half
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
