package builtin_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"veilbench/attacks"
	"veilbench/attacks/anchors"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/eventforest"
	"veilbench/attacks/forest"
	"veilbench/attacks/fusion"
	"veilbench/attacks/guess"
	"veilbench/attacks/knn"
	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/home"
)

// benchHomes returns three generated homes to train on and a fourth one cut to
// n packets.
func benchHomes(b *testing.B, n int) (attacks.Training, attacks.Labeled) {
	b.Helper()
	ds, err := home.Generate(context.Background(), "event_signatures:homes=4,hours=4", 1)
	if err != nil {
		b.Fatal(err)
	}
	tr := attacks.Training{Task: datasets.TaskEvent}
	classes := map[string]bool{}
	for i := range ds.Recordings {
		r := &ds.Recordings[i]
		for _, e := range r.Labels.Events {
			classes[r.Labels.Class(e)] = true
		}
		tr.Examples = append(tr.Examples, attacks.Labeled{Trace: r.Trace, Labels: r.Labels, Group: r.Group})
	}
	tr.Classes = slices.Sorted(maps.Keys(classes))
	last := len(tr.Examples) - 1
	test := tr.Examples[last]
	tr.Examples = tr.Examples[:last]
	if len(test.Trace.Packets) < n {
		b.Fatalf("the test home has %d packets, want %d", len(test.Trace.Packets), n)
	}
	test.Trace.Packets = test.Trace.Packets[:n]
	test.Trace.End = test.Trace.Packets[n-1].Time
	return tr, test
}

// eventF1 is F1 as scoring counts it, over the events that began before the end.
func eventF1(e attacks.Labeled, a attacks.Answer) float64 {
	truth := slices.DeleteFunc(match.Truth(e.Labels), func(s match.Span) bool { return s.From > e.Trace.End })
	var found []match.Span
	for _, b := range a.Events {
		if c := b.Ranked[0].Class; c != datasets.Other && c != datasets.Unknown && b.Score >= a.Threshold {
			found = append(found, match.Span{From: b.Start, To: b.End, Class: c})
		}
	}
	return match.F1(match.Hits(match.Windows(truth, found, match.Tolerance, match.ByClass)), len(found), len(truth))
}

// benchAttacks are the event attacks whose speed is tracked, fixed in what
// training could choose so that two commits do the same work.
func benchAttacks() []attacks.Attack {
	return []attacks.Attack{
		guess.Exact{GapS: 1, PairS: 5},
		knn.EventKNN{K: 3, GapS: 1, PairS: 5},
		knn.EventAlign{K: 3, GapS: 1, PairS: 5, Acks: "keep", First: 300},
		eventforest.Attack{Trees: 100, Features: "hist", GapS: 1, PairS: 5},
		anchors.New(),
		fusion.Of(guess.Exact{GapS: 1, PairS: 5}, knn.EventKNN{K: 3, GapS: 1, PairS: 5}, eventforest.Attack{Trees: 10, Features: "hist", GapS: 1, PairS: 5}),
	}
}

// BenchmarkGuess asks trained models about a home: packets/s of the trace,
// queries/s of bursts judged, and the F1 as accuracy. The Unit line tells
// benchstat that accuracy is no timing: it must not move at all.
func BenchmarkGuess(b *testing.B) {
	fmt.Println("Unit accuracy better=higher assume=exact")
	const n = 10000
	tr, test := benchHomes(b, n)
	for _, a := range benchAttacks() {
		b.Run("attack="+a.Info().Name+"/n=1e4", func(b *testing.B) {
			m := attacktest.Train(b, a, tr)
			var answer attacks.Answer
			b.ReportAllocs()
			for b.Loop() {
				answer = attacktest.Ask(b, m, test.Trace)
			}
			s := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(n/s, "packets/s")
			b.ReportMetric(float64(len(answer.Events))/s, "queries/s")
			b.ReportMetric(eventF1(test, answer), "accuracy")
		})
	}
}

// BenchmarkTrain trains on three homes.
func BenchmarkTrain(b *testing.B) {
	tr, _ := benchHomes(b, 10000)
	packets := 0
	for _, e := range tr.Examples {
		packets += len(e.Trace.Packets)
	}
	for _, a := range benchAttacks() {
		b.Run("attack="+a.Info().Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Train(b, a, tr)
			}
			b.ReportMetric(float64(packets)*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

// BenchmarkClips trains on the clips of four homes and asks about those of a fifth:
// clips/s, and the share that is named right as accuracy.
func BenchmarkClips(b *testing.B) {
	ds := generated(b, "home:event_clips:homes=5,hours=1", 1)
	var train, test []int
	for i := range ds.Recordings {
		if ds.Recordings[i].Group == ds.Recordings[0].Group {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}

	tr := attacktest.Clips(&ds, train)
	for _, a := range []attacks.Attack{
		knn.EventKNN{K: 3, PairS: 5},
		knn.EventAlign{K: 3, PairS: 5, Acks: "keep", First: 300},
		eventforest.Attack{Trees: 50, Features: "kfp", PairS: 5},
	} {
		b.Run("attack="+a.Info().Name+"/do=train", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attacktest.Train(b, a, tr)
			}
			b.ReportMetric(float64(len(train)*b.N)/b.Elapsed().Seconds(), "clips/s")
		})
		b.Run("attack="+a.Info().Name+"/do=guess", func(b *testing.B) {
			m, right := attacktest.Train(b, a, tr), 0
			b.ReportAllocs()
			for b.Loop() {
				right = 0
				for _, i := range test {
					r := &ds.Recordings[i]
					if got := attacktest.Ask(b, m, r.Trace).Clip; len(got) > 0 && got[0].Class == r.ClipClass() {
						right++
					}
				}
			}
			b.ReportMetric(float64(len(test)*b.N)/b.Elapsed().Seconds(), "clips/s")
			b.ReportMetric(float64(right)/float64(len(test)), "accuracy")
		})
	}
}

// forestRows makes rows of 11 classes, of 20 columns that tell them apart and
// others that do not.
func forestRows(rows, columns int) ([][]float32, []int32) {
	rng := rand.New(rand.NewPCG(7, 7))
	y := make([]int32, rows)
	for i := range y {
		y[i] = int32(rng.IntN(11))
	}
	cols := make([][]float32, columns)
	for j := range cols {
		var center [11]float32
		for c := range center {
			if j < 20 {
				center[c] = float32(rng.NormFloat64() * 0.6)
			}
		}
		cols[j] = make([]float32, rows)
		for i := range cols[j] {
			cols[j][i] = center[y[i]] + float32(rng.NormFloat64())
		}
	}
	return cols, y
}

// BenchmarkForest grows and asks a forest of 20 trees over 10,000 rows of 50
// columns; a tenth more rows are asked about.
func BenchmarkForest(b *testing.B) {
	const rows, test = 10000, 1000
	cols, y := forestRows(rows+test, 50)
	train, held := slicesOf(cols, 0, rows), slicesOf(cols, rows, rows+test)
	o := forest.Options{Trees: 20, Seed: 1}
	grow := func(b *testing.B) *forest.Forest {
		f, err := forest.Train(context.Background(), train, y[:rows], 11, o)
		if err != nil {
			b.Fatal(err)
		}
		return f
	}
	b.Run("do=train/rows=1e4", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			grow(b)
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("do=predict/rows=1e3", func(b *testing.B) {
		f := grow(b)
		b.ReportAllocs()
		var p []float32
		for b.Loop() {
			var err error
			if p, err = f.PredictAll(context.Background(), held, 0); err != nil {
				b.Fatal(err)
			}
		}
		right := 0
		for i := range test {
			if argmax(p[i*11:(i+1)*11]) == y[rows+i] {
				right++
			}
		}
		b.ReportMetric(test*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(right)/test, "accuracy")
	})
}
