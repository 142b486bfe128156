package fusion

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/attacktest"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// sees is an attack that knows the truth about the toy homes, but for one class
// that it never finds, and that raises false alarms of low scores.
type sees struct {
	Blind string
	truth map[time.Duration]string
}

func (s sees) Info() attacks.Info {
	return attacks.Info{Name: "sees", Doc: "all but one class", Tasks: []datasets.Task{datasets.TaskEvent}}
}

func (s sees) Train(_ context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	return s, nil
}

func (s sees) Guess(_ context.Context, t datasets.Trace) (attacks.Answer, error) {
	a := attacks.Answer{Threshold: 0.5}
	for i, p := range t.Packets {
		class := s.truth[p.Time]
		switch {
		case class != "" && class != s.Blind:
			a.Events = append(a.Events, attacks.Burst{Start: p.Time, End: p.Time, Ranked: []attacks.Ranked{{Class: class, P: 1}}, Score: 0.9})
		case i%9 == 0:
			a.Events = append(a.Events, attacks.Burst{Start: p.Time, End: p.Time, Ranked: []attacks.Ranked{{Class: "lamp/on", P: 1}}, Score: 0.6})
		}
	}
	return a, nil
}

// What one member is blind to another sees, and what all of them say with a low
// score is learned to be false.
func TestFusionIsBetterThanItsMembers(t *testing.T) {
	tr := attacktest.ToyEvents(5)
	truth := map[time.Duration]string{}
	for _, e := range tr.Examples {
		for _, s := range match.Truth(e.Labels) {
			truth[s.From] = s.Class
		}
	}
	members := []attacks.Attack{sees{"lamp/on", truth}, sees{"lamp/off", truth}}

	test := tr.Examples[4]
	tr.Examples = tr.Examples[:4]
	f1 := func(a attacks.Attack) float64 {
		answer := attacktest.Ask(t, attacktest.Train(t, a, tr), test.Trace)
		var found []match.Span
		for _, b := range answer.Events {
			if b.Score >= answer.Threshold {
				found = append(found, match.Span{From: b.Start, Class: b.Ranked[0].Class})
			}
		}
		events := match.Truth(test.Labels)
		return match.F1(match.Hits(match.Windows(events, found, match.Tolerance, match.ByClass)), len(found), len(events))
	}
	one, other, both := f1(members[0]), f1(members[1]), f1(Of(members...))
	t.Logf("F1 %.2f and %.2f, fused %.2f", one, other, both)
	if both < 0.95 || one > 0.8 || other > 0.8 {
		t.Errorf("F1 %.2f and %.2f, fused %.2f: want at least 0.95 of members below 0.8", one, other, both)
	}
}

func TestOfKeepsEventAttacks(t *testing.T) {
	if got := Of(sees{}, Attack{}).members; len(got) != 2 {
		t.Errorf("%d members, want 2", len(got))
	}
	if got := Of(control{}).members; len(got) != 0 {
		t.Errorf("a control is a member")
	}
}

type control struct{ sees }

func (control) Info() attacks.Info {
	return attacks.Info{Name: "control", Control: true, Tasks: []datasets.Task{datasets.TaskEvent}}
}

func TestJoin(t *testing.T) {
	at := func(s int, class string, member int) candidate {
		c := candidate{start: time.Duration(s) * time.Second, end: time.Duration(s+1) * time.Second, class: class, score: make([]float64, 2), called: make([]bool, 2)}
		c.score[member], c.called[member] = float64(s)/100, true
		return c
	}
	got := countRivals(join([]candidate{at(10, "a", 0), at(12, "b", 1), at(14, "a", 1), at(16, "a", 0), at(40, "b", 0)}, 5*time.Second))

	// 16 is more than 5 s behind 10, which begins the first: time does not creep.
	want := []struct {
		start, end time.Duration
		class      string
		score      []float64
		rivals     int
	}{
		{10 * time.Second, 15 * time.Second, "a", []float64{0.10, 0.14}, 1},
		{12 * time.Second, 13 * time.Second, "b", []float64{0, 0.12}, 2},
		{16 * time.Second, 17 * time.Second, "a", []float64{0.16, 0}, 1},
		{40 * time.Second, 41 * time.Second, "b", []float64{0.40, 0}, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("%d candidates, want %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g.start != w.start || g.end != w.end || g.class != w.class || !slices.Equal(g.score, w.score) || g.rivals != w.rivals {
			t.Errorf("candidate %d: %+v, want %+v", i, g, w)
		}
	}
}

// The weights of a regression whose answer is known: with one row of each kind the
// gradient of likelihood and ridge must vanish.
func TestRegress(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var rows [][]float64
	var y []float64
	for range 4000 {
		x := []float64{1, rng.Float64()*4 - 2, rng.Float64()}
		rows = append(rows, x)
		if rng.Float64() < (weights{-1, 2, 0.5}).probability(x) {
			y = append(y, 1)
		} else {
			y = append(y, 0)
		}
	}
	w := regress(rows, y)
	for i, want := range []float64{-1, 2, 0.5} {
		if math.Abs(w[i]-want) > 0.3 {
			t.Errorf("weight %d is %v, want about %v", i, w[i], want)
		}
	}

	best := w.likelihood(rows, y)
	for i := range w {
		for _, d := range []float64{-1e-3, 1e-3} {
			near := slices.Clone(w)
			if near[i] += d; near.likelihood(rows, y) > best {
				t.Errorf("weight %d: a step of %v is better", i, d)
			}
		}
	}

	// What can be told apart without an error has finite weights all the same.
	if w := regress([][]float64{{1, 0}, {1, 1}, {1, 0}, {1, 1}}, []float64{0, 1, 0, 1}); math.IsNaN(w[1]) || w[1] < 0.5 || w[1] > 100 {
		t.Errorf("weights %v of what is separable", w)
	}
}

func BenchmarkFusionJoin(b *testing.B) {
	all := make([]candidate, 2000)
	for i := range all {
		all[i] = candidate{start: time.Duration(i) * time.Second, class: string(rune('a' + i%7)), score: make([]float64, 5), called: make([]bool, 5)}
	}
	b.ReportAllocs()
	for b.Loop() {
		countRivals(join(slices.Clone(all), match.Tolerance))
	}
	b.ReportMetric(float64(len(all))*float64(b.N)/b.Elapsed().Seconds(), "detections/s")
}
