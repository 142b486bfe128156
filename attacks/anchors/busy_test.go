package anchors_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/anchors"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// busyHomes makes homes whose one tunnel carries so many packets a second of sizes
// that events use too, and is hardly ever silent. A lamp goes on (204 up,
// 140 down 30 ms later, 220 up 80 ms later) and off (204 up, 156 down, 236 up) every
// minute or so. With causes false, labels know the times alone.
func busyHomes(homes, perSecond int, causes bool) attacks.Training {
	tr := attacks.Training{Task: datasets.TaskEvent, Classes: []string{"lamp/off", "lamp/on"}}
	sizes := [][]int32{{204, -156, 236}, {204, -140, 220}}
	lags := []time.Duration{0, 30 * time.Millisecond, 80 * time.Millisecond}
	for h := range homes {
		rng := rand.New(rand.NewPCG(9, uint64(h)))
		e := attacks.Labeled{Group: fmt.Sprint("home", h), Labels: datasets.Labels{Devices: []string{"lamp"}}}
		e.Trace.Flows, e.Trace.End = make([]datasets.Flow, 1), time.Hour
		type caused struct {
			p     datasets.Packet
			event int32
		}
		var all []caused
		send := func(at time.Duration, size, event int32) {
			d := datasets.Up
			if size < 0 {
				size, d = -size, datasets.Down
			}
			all = append(all, caused{datasets.Packet{Time: at, Size: size, Payload: size - 54, Dir: d}, event})
		}
		for at := time.Duration(0); at < time.Hour; at += time.Duration(rng.Int64N(int64(2*time.Second) / int64(perSecond))) {
			size := 92 + 16*int32(rng.IntN(80))
			if rng.IntN(2) == 0 {
				size = -size
			}
			send(at, size, -1)
		}
		for i := range 50 {
			at := time.Duration(i)*70*time.Second + time.Duration(rng.Int64N(int64(40*time.Second)))
			on := rng.IntN(2)
			for k, s := range sizes[on] {
				send(at+lags[k]+time.Duration(rng.Int64N(int64(4*time.Millisecond))), s, int32(i))
			}
			e.Labels.Events = append(e.Labels.Events, datasets.Event{Start: at, End: at, Activity: []string{"off", "on"}[on]})
		}
		slices.SortStableFunc(all, func(a, b caused) int { return cmp.Compare(a.p.Time, b.p.Time) })
		for _, c := range all {
			e.Trace.Packets = append(e.Trace.Packets, c.p)
			if causes {
				e.Labels.Cause = append(e.Labels.Cause, c.event)
			}
		}
		tr.Examples = append(tr.Examples, e)
	}
	return tr
}

// f1 trains on all homes but the last and scores that one.
func f1(t *testing.T, a attacks.Attack, all attacks.Training) float64 {
	t.Helper()
	last := len(all.Examples) - 1
	test := all.Examples[last]
	all.Examples = all.Examples[:last]
	answer := attacktest.Ask(t, attacktest.Train(t, a, all), test.Trace)
	var found []match.Span
	for _, b := range answer.Events {
		if c := b.Ranked[0].Class; b.Score >= answer.Threshold && c != datasets.Other && c != datasets.Unknown {
			found = append(found, match.Span{From: b.Start, To: b.End, Class: c})
		}
	}
	truth := match.Truth(test.Labels)
	return match.F1(match.Hits(match.Windows(truth, found, match.Tolerance, match.ByClass)), len(found), len(truth))
}

// TestBusyStream: in a stream without silence the events are found where an attack
// that cuts by silence finds nothing. Where only times are known a quieter one is
// asked for: ten seconds of the busy one have every size.
func TestBusyStream(t *testing.T) {
	for _, c := range []struct {
		perSecond int
		causes    bool
	}{{20, true}, {2, false}} {
		if got := f1(t, anchors.New(), busyHomes(4, c.perSecond, c.causes)); got < 0.9 {
			t.Errorf("%d packets a second, causes known %v: F1 %.3f, want 0.9", c.perSecond, c.causes, got)
		}
	}
	if got := f1(t, eventforest.Attack{Features: "hist", GapS: 1, PairS: 5}, busyHomes(4, 20, true)); got > 0.3 {
		t.Errorf("event-forest: F1 %.3f: the stream is not busy enough for this test to say anything", got)
	}
}

// TestOneRecording: with a single recording to learn from, its halves validate.
func TestOneRecording(t *testing.T) {
	if got := f1(t, anchors.New(), busyHomes(2, 20, true)); got < 0.8 {
		t.Errorf("F1 %.3f, want 0.8", got)
	}
}
