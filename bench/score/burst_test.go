package score

import (
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// burstDay is a home with an event of a lock at 1, 2, 3 and 4 h, and what an
// attack with a threshold of 0.5 said about bursts at some of them and at 10 h and
// later.
func burstDay(said ...attacks.Burst) map[string]float64 {
	r := &datasets.Recording{ID: "day", Group: "home"}
	x := Test{Recording: r, Trace: datasets.Trace{End: 24 * time.Hour}, Labels: datasets.Labels{Devices: []string{"lock"}}}
	for h := 1; h <= 4; h++ {
		at := time.Duration(h) * time.Hour
		x.Labels.Events = append(x.Labels.Events, datasets.Event{Start: at, End: at, Activity: "open"})
	}
	x.Answer = attacks.Answer{Events: said, Threshold: 0.5}
	return metrics(Of(&datasets.Dataset{}, datasets.TaskEvent, []string{"lock/open"}, []Test{x}))
}

func burstAt(hour int, class string, score float64) attacks.Burst {
	at := time.Duration(hour) * time.Hour
	return attacks.Burst{Start: at, End: at, Ranked: []attacks.Ranked{{Class: class, P: 1}}, Score: score}
}

// TestBurstAccuracyHasItsFloor: who calls every burst other is exactly at the
// floor, and heartbeats make that floor high.
func TestBurstAccuracyHasItsFloor(t *testing.T) {
	var silent, finds []attacks.Burst
	for h := 1; h <= 24; h++ {
		silent = append(silent, burstAt(h, datasets.Other, 0))
		class := datasets.Other
		if h <= 2 {
			class = "lock/open"
		}
		finds = append(finds, burstAt(h, class, 1))
	}
	wantMetrics(t, burstDay(silent...), map[string]float64{
		results.BurstAccuracy: 20. / 24, results.BurstFloor: 20. / 24, results.Bursts: 24, results.BurstsAtEvents: 4, results.EventsWithoutBurst: 0,
	})
	wantMetrics(t, burstDay(finds...), map[string]float64{results.BurstAccuracy: 22. / 24, results.BurstFloor: 20. / 24, results.Recall: 0.5})
}

// TestBurstAccuracyAppliesTheThreshold: a burst that is named, but not surely
// enough to be a detection, is called other.
func TestBurstAccuracyAppliesTheThreshold(t *testing.T) {
	got := burstDay(burstAt(1, "lock/open", 0.4), burstAt(2, "lock/open", 0.5), burstAt(3, "lock/open", 1), burstAt(4, datasets.Other, 0), burstAt(10, "lock/open", 0.4), burstAt(11, "lock/open", 0.6), burstAt(12, "lock/open", 0.4))
	wantMetrics(t, got, map[string]float64{results.BurstAccuracy: 4. / 7, results.BurstFloor: 3. / 7})
}

// TestBurstAccuracyCountsEventsWithoutBurst: an event that no burst is near is
// wrong, and counted.
func TestBurstAccuracyCountsEventsWithoutBurst(t *testing.T) {
	got := burstDay(burstAt(1, "lock/open", 1), burstAt(10, datasets.Other, 0))
	wantMetrics(t, got, map[string]float64{results.BurstAccuracy: 2. / 5, results.BurstFloor: 1. / 5, results.Bursts: 2, results.BurstsAtEvents: 1, results.EventsWithoutBurst: 3})
}

// TestBurstAccuracyOfDetectionsAlone: without an answer other there is no
// accuracy, which would be a precision.
func TestBurstAccuracyOfDetectionsAlone(t *testing.T) {
	got := burstDay(burstAt(1, "lock/open", 1), burstAt(2, "lock/open", 1))
	wantMetrics(t, got, map[string]float64{results.Bursts: 2, results.Precision: 1, results.Recall: 0.5})
	for _, name := range []string{results.BurstAccuracy, results.BurstFloor} {
		if v, ok := got[name]; ok {
			t.Errorf("%s is %v, want none", name, v)
		}
	}
}

// TestBurstAccuracyLeavesOut: bursts that an attack leaves out, and an event
// that has no other burst, are counted apart and make nothing right or wrong.
func TestBurstAccuracyLeavesOut(t *testing.T) {
	left := func(hour int) attacks.Burst {
		b := burstAt(hour, datasets.Unknown, 0)
		b.LeftOut = true
		return b
	}
	got := burstDay(burstAt(1, "lock/open", 1), left(2), burstAt(3, datasets.Other, 0), left(3), burstAt(10, datasets.Other, 0), left(11), left(12))
	wantMetrics(t, got, map[string]float64{
		results.BurstAccuracy: 2. / 4, results.BurstFloor: 1. / 4, results.Bursts: 3, results.BurstsAtEvents: 2,
		results.BurstsLeftOut: 4, results.EventsLeftOut: 1, results.EventsWithoutBurst: 1,
		results.Recall: 0.25, // what is left out is still not found
	})
}

// TestCandidatesBeforeAndAfterBounding: the second stage leaves one of three
// candidates of the first message and none of the second's two; the third command
// has no message and no list.
func TestCandidatesBeforeAndAfterBounding(t *testing.T) {
	r := &datasets.Recording{ID: "day", Group: "home"}
	x := Test{Recording: r, Trace: datasets.Trace{End: 24 * time.Hour}}
	for h := 1; h <= 3; h++ {
		x.Labels.Commands = append(x.Labels.Commands, datasets.Command{Time: time.Duration(h) * time.Hour, Actions: []datasets.ActionCount{{Action: "on", Count: 1}}})
	}
	x.Answer.Commands = []attacks.Message{
		{Time: time.Hour, Candidates: [][]uint8{{1}, {2}, {3}}, Bounded: []int{0}, Best: 0},
		{Time: 2 * time.Hour, Candidates: [][]uint8{{1}, {2}}, Best: 0},
	}
	wantMetrics(t, metrics(Of(&datasets.Dataset{}, datasets.TaskCommand, []string{"on"}, []Test{x})), map[string]float64{
		results.InCandidates: 2. / 3, results.InCandidatesBounded: 1. / 3, results.CandidatesMean: 2.5, results.CandidatesBounded: 0.5,
	})
}
