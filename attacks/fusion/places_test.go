package fusion_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/fusion"
	"veilbench/attacks/knn"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// only is l with the packets of one device.
func only(l attacks.Labeled, device int32) attacks.Labeled {
	var kept []int32
	for i, o := range l.Labels.Owners {
		if o == device {
			kept = append(kept, int32(i))
		}
	}
	packets := make([]datasets.Packet, len(kept))
	for i, k := range kept {
		packets[i] = l.Trace.Packets[k]
	}
	l.Trace.Packets, l.Labels = packets, l.Labels.Keep(kept)
	return l
}

// noise is l with a packet's size drawn anew from all of them, so that only times
// say anything.
func noise(l attacks.Labeled) attacks.Labeled {
	rng := rand.New(rand.NewPCG(3, 3))
	packets := slices.Clone(l.Trace.Packets)
	for i := range packets {
		p := l.Trace.Packets[rng.IntN(len(packets))]
		packets[i].Size, packets[i].Payload, packets[i].Dir = p.Size, p.Payload, p.Dir
	}
	l.Trace.Packets = packets
	return l
}

// f1Of is what fusion reaches on the last of homes, trained on the others.
func f1Of(t *testing.T, homes attacks.Training, see func(attacks.Labeled) attacks.Labeled) float64 {
	t.Helper()
	tr := homes
	tr.Examples = nil
	for _, l := range homes.Examples {
		tr.Examples = append(tr.Examples, see(l))
	}
	last := len(tr.Examples) - 1
	test := tr.Examples[last]
	tr.Examples = tr.Examples[:last]
	m := attacktest.Train(t, fusion.Of(
		knn.EventKNN{PairS: 5, K: 1, GapS: 1},
		eventforest.Attack{Features: "hist", GapS: 1, PairS: 5, Trees: 10},
	), tr)

	answer, err := m.Guess(context.Background(), test.Trace)
	if test.Second != nil {
		answer, err = m.(attacks.PairModel).GuessPair(context.Background(), test.Trace, test.Second.Trace)
	}
	if err != nil {
		t.Fatal(err)
	}
	var found []match.Span
	for _, b := range answer.Events {
		if b.Score >= answer.Threshold {
			found = append(found, match.Span{From: b.Start, Class: b.Ranked[0].Class})
		}
	}
	events := match.Truth(test.Labels)
	return match.F1(match.Hits(match.Windows(events, found, match.Tolerance, match.ByClass)), len(found), len(events))
}

// What one place shows of one device and the other of the other is all found by who
// sees both, and a place that shows nothing but times costs nothing.
func TestTwoPlacesShowMoreThanOne(t *testing.T) {
	homes := attacktest.ToyEvents(6)
	lamp := func(l attacks.Labeled) attacks.Labeled { return only(l, 0) }
	lock := func(l attacks.Labeled) attacks.Labeled { return only(l, 1) }
	pair := func(inner, outer func(attacks.Labeled) attacks.Labeled) func(attacks.Labeled) attacks.Labeled {
		return func(l attacks.Labeled) attacks.Labeled {
			second := outer(l)
			l = inner(l)
			l.Second = &second
			return l
		}
	}

	a, b, both := f1Of(t, homes, lamp), f1Of(t, homes, lock), f1Of(t, homes, pair(lamp, lock))
	t.Logf("F1 %.2f where the lamp shows, %.2f where the lock shows, %.2f at both", a, b, both)
	if a > 0.85 || b > 0.6 || both < 0.98 {
		t.Errorf("F1 %.2f and %.2f, at both %.2f: want at least 0.98 of at most 0.85 and 0.6", a, b, both)
	}

	alone, beside := f1Of(t, homes, lamp), f1Of(t, homes, pair(lamp, noise))
	t.Logf("F1 %.2f where the lamp shows, %.2f with a place that shows times", alone, beside)
	if beside < alone-0.03 {
		t.Errorf("F1 %.2f alone, %.2f beside a place without sizes", alone, beside)
	}
}
