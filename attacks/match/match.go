// Package match pairs what an attack says happened with what did, one to one,
// by one rule: results are scored by it and attacks tune by it, so that no attack
// learns to be good at something else than what it is judged by.
//
// An event lasts from its trigger to the end of its traffic (or of the minute,
// where its log knows no more), and a detection may begin anywhere in that window,
// widened by the tolerance on both sides.
package match

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"veilbench/datasets"
)

// Tolerance is how far from an event a detection still counts in the headline
// score of the event task, in tuning, and between a command and its message.
const Tolerance = 5 * time.Second

// Span is an event or a detection, reduced to what matching needs. A point in
// time has From equal to To.
type Span struct {
	From, To time.Duration
	Class    string
	// Score is that of a detection; 0 for an event.
	Score float64
}

// Truth lists the events of l in their order (of start): from the trigger to
// the end of what it caused, which a defense may have delayed.
func Truth(l datasets.Labels) []Span {
	out := make([]Span, len(l.Events))
	for i, e := range l.Events {
		out[i] = Span{From: e.Start, To: max(e.End, e.Start), Class: l.Class(e)}
	}
	return out
}

// ByClass, ByTime and ByDevice are the keys under which Windows compares
// classes: the whole class, nothing at all, or the device of "device/activity".
func ByClass(class string) string { return class }

// ByTime makes all classes alike.
func ByTime(string) string { return "" }

// ByDevice keeps what stands before the slash.
func ByDevice(class string) string {
	device, _, _ := strings.Cut(class, "/")
	return device
}

// Windows pairs detections with events: a detection may take an event of the
// same key whose window, widened by tol, holds the detection's start. It
// returns, for each event, the index of its detection or -1. Events must be in
// order of From, detections may be in any.
func Windows(events, found []Span, tol time.Duration, key func(string) string) []int {
	pair := unpaired(len(events))
	order := make([]int, len(found))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(found[a].From, found[b].From) })

	lo := 0 // events before lo are over, or paired, for good
	for _, d := range order {
		at := found[d].From
		for lo < len(events) && (pair[lo] >= 0 || events[lo].To+tol < at) {
			lo++
		}

		// Of the open events the one that closes first: any other could still be
		// taken by every later detection that could take this one, so the greedy
		// choice never costs a pair.
		best := -1
		for e := lo; e < len(events) && events[e].From-tol <= at; e++ {
			if pair[e] < 0 && events[e].To+tol >= at && key(events[e].Class) == key(found[d].Class) &&
				(best < 0 || events[e].To < events[best].To) {
				best = e
			}
		}
		if best >= 0 {
			pair[best] = d
		}
	}
	return pair
}

// Rest pairs the events that pair left over with the detections it left over,
// by time alone and within Tolerance: what an event was taken for instead. The
// result is as that of Windows, -1 for the events that pair holds.
func Rest(events, found []Span, pair []int) []int {
	used := make([]bool, len(found))
	var left, free []Span
	var event, detection []int // where left and free stand in events and found
	for e, d := range pair {
		if d >= 0 {
			used[d] = true
		} else {
			left, event = append(left, events[e]), append(event, e)
		}
	}
	for d, f := range found {
		if !used[d] {
			free, detection = append(free, f), append(detection, d)
		}
	}

	// Leaving out what is paired keeps the order of events that Windows needs.
	out := unpaired(len(events))
	for i, j := range Windows(left, free, Tolerance, ByTime) {
		if j >= 0 {
			out[event[i]] = detection[j]
		}
	}
	return out
}

// unpaired is a pairing of n events without a pair.
func unpaired(n int) []int { return slices.Repeat([]int{-1}, n) }

// Hits counts the events that have a detection.
func Hits(pair []int) int {
	n := 0
	for _, d := range pair {
		if d >= 0 {
			n++
		}
	}
	return n
}

// F1 is the harmonic mean of precision and recall, 2 hits / (guesses + truths);
// 0 where there is nothing to find and nothing was found.
func F1(hits, guesses, truths int) float64 {
	if guesses+truths == 0 {
		return 0
	}
	return 2 * float64(hits) / float64(guesses+truths)
}
