package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"veilbench/datasets"
)

// tried is what an attack reached in groups of one cell.
func tried(attack string, groups ...GroupScore) Result {
	r := Result{
		Cell:     Cell{Dataset: "d", Task: datasets.TaskClip, Vantage: datasets.WAN, Defense: "x", Attack: attack, Knowledge: Adaptive, TrainDefense: "x", Split: "leave-one-group-out"},
		Headline: "macro_recall", Groups: groups,
	}
	sum := 0.0
	for _, g := range groups {
		sum += g.Value / float64(len(groups))
		r.Floor += g.Floor / float64(len(groups))
	}
	r.Metrics = []Metric{{Name: "macro_recall", Value: sum}}
	return r
}

func scores(n int, floor float64, vs ...float64) []GroupScore {
	var out []GroupScore
	for g, v := range vs {
		out = append(out, GroupScore{Group: fmt.Sprintf("g%02d", g), Value: v, Floor: floor, N: n})
	}
	return out
}

// summary is that of the defense x, with evidence for every attack.
func summary(t *testing.T, rs ...Result) Summary {
	t.Helper()
	return summaryOf(t, "x", slices.Concat(rs, earned(rs)))
}

func summaryOf(t *testing.T, defense string, rs []Result) Summary {
	t.Helper()
	for _, s := range Summaries(rs) {
		if s.Defense == defense {
			return s
		}
	}
	t.Fatalf("no summary of %s", defense)
	return Summary{}
}

// earned are the results that make evidence of the scores in rs: every attack does
// well without a defense and finds its canaries behind x.
func earned(rs []Result) []Result {
	var out []Result
	for _, r := range rs {
		none := tried(r.Cell.Attack, scores(20, 0, 1, 1, 1, 1, 1, 1)...)
		none.Cell.Defense, none.Cell.TrainDefense = NoDefense, NoDefense
		seen := Result{Cell: r.Cell, Headline: CanaryRecall, Metrics: []Metric{{CanaryRecall, 1}, {Canaries, 20}}}
		seen.Cell.Knowledge = Planted
		out = append(out, none, seen)
	}
	return out
}

// B: two attacks of .50 each, one right on odd and one on even groups, are .50
// together.
func TestTwoAttacksOfHalfAreHalf(t *testing.T) {
	a := tried("a", scores(10, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1)...)
	b := tried("b", scores(10, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0)...)
	alone, both := summary(t, a), summary(t, a, b)
	if both.Advantage != 0.5 || both.Attack != "a" || both.Hi < alone.Hi || both.Hi-both.Lo < 0.5 {
		t.Errorf("alone %v [%v %v], both %v [%v %v] of %s", alone.Advantage, alone.Lo, alone.Hi, both.Advantage, both.Lo, both.Hi, both.Attack)
	}
	c := tried("c", scores(10, 0, .6, .8, .6, .8, .6, .8, .6, .8, .6, .8)...)
	d := tried("d", scores(10, 0, .8, .6, .8, .6, .8, .6, .8, .6, .8, .6)...)
	if m := summary(t, c, d); math.Abs(m.Advantage-.7) > 1e-12 || m.Hi-m.Lo < 0.1 {
		t.Errorf("c and d: %v [%v %v]", m.Advantage, m.Lo, m.Hi)
	}
}

// W8: attacks that guess change neither the figure for the worse nor the upper
// end, and a budget that was missed stays missed.
func TestWeakAttacksLowerNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	at := func(p float64) []GroupScore {
		var vs []float64
		for range 5 {
			k := 0
			for range 20 {
				if r.Float64() < p {
					k++
				}
			}
			vs = append(vs, float64(k)/20)
		}
		return scores(20, .25, vs...)
	}
	for range 100 {
		rs := []Result{tried("real", at(.35)...)}
		last := summary(t, rs...)
		for k := range 12 {
			rs = append(rs, tried(fmt.Sprintf("weak-%02d", k), at(.25)...))
			m := summary(t, rs...)
			if m.Advantage < last.Advantage || m.Hi < last.Hi {
				t.Fatalf("%d weak attacks: %v up to %v, one fewer %v up to %v", k+1, m.Advantage, m.Hi, last.Advantage, last.Hi)
			}
			last = m
		}
	}
}

// W9: no interval of zero width where all groups are at 0 or 1.
func TestIntervalAtZeroAndOne(t *testing.T) {
	for _, v := range []float64{0, 1} {
		m := summary(t, tried("a", scores(20, 0, v, v, v, v, v)...))
		if !m.HasInterval || m.Advantage != v || m.Hi-m.Lo < 0.036 || !m.Edge {
			t.Errorf("%v [%v %v]", m.Advantage, m.Lo, m.Hi)
		}
	}
}

// C, W13: groups with nothing to find are left out and counted, whatever their
// score; those with a floor of 1 as well.
func TestEmptyGroupsAreLeftOut(t *testing.T) {
	busy := scores(20, 0, 1, 1, 1, 1, 1, 1)
	want := summary(t, tried("a", busy...))
	m := summary(t, tried("a", append(busy, GroupScore{Group: "quiet-1"}, GroupScore{Group: "quiet-2"}, GroupScore{Group: "sure", Value: 1, Floor: 1, N: 5})...))
	if m.Advantage != 1 || m.Lo != want.Lo || m.Hi != want.Hi || m.Groups != 6 || m.Empty != 2 || m.Certain != 1 {
		t.Errorf("%+v, without them %+v", m, want)
	}
	if w := strings.Join(m.Warnings, "; "); !strings.Contains(w, "2 of 9 groups hold nothing to find") || !strings.Contains(w, "1 of 9 groups have a floor of 1") {
		t.Errorf("warnings %q", w)
	}
	if _, has := m.Best().ByGroup["quiet-1"]; has {
		t.Error("an empty group has an advantage")
	}
}

// W7: with many attackers that guess, the lower end is above 0 in at most the
// share of experiments that it may err in.
func TestGuessersAreNoLeak(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	const repeats = 300
	wrong := 0
	for range repeats {
		var rs []Result
		for a := range 11 {
			var vs []float64
			for range 10 {
				k := 0
				for range 20 {
					if r.Float64() < .25 {
						k++
					}
				}
				vs = append(vs, float64(k)/20)
			}
			rs = append(rs, tried(fmt.Sprintf("a%02d", a), scores(20, .25, vs...)...))
		}
		if m := summary(t, rs...); m.Lo > 0 {
			wrong++
		}
	}
	if wrong > repeats*5/100 {
		t.Errorf("a leak where there is none in %d of %d", wrong, repeats)
	}
}

// A group that several draws test counts once, with the mean of its scores, and
// so do its items. One draw in which it was empty says nothing.
func TestDrawsAreOneGroup(t *testing.T) {
	one := tried("a", scores(20, 0, .2, .4, .4, .6, .6)...)
	two := tried("a", scores(20, 0, .4, .4, .4, .4, .6)...)
	two.Cell.Draw = 1
	mean := tried("a", scores(20, 0, .3, .4, .4, .5, .6)...)
	gone := tried("a", GroupScore{Group: "g00"})
	gone.Cell.Draw = 2
	m, want := summary(t, one, two, gone), summary(t, mean)
	if math.Abs(m.Advantage-want.Advantage) > 1e-12 || math.Abs(m.Lo-want.Lo) > 1e-9 || math.Abs(m.Hi-want.Hi) > 1e-9 {
		t.Errorf("%v [%v %v], want %v [%v %v]", m.Advantage, m.Lo, m.Hi, want.Advantage, want.Lo, want.Hi)
	}
}

// Four groups, one group, and a split within groups have no interval.
func TestNoInterval(t *testing.T) {
	for n := 1; n <= 4; n++ {
		if m := summary(t, tried("a", scores(20, 0, make([]float64, n)...)...)); m.HasInterval {
			t.Errorf("an interval over %d groups", n)
		}
	}
	r := tried("a", scores(20, 0, .1, .2, .3, .4, .5, .6)...)
	r.Cell.Split = "trial-kfold:k=5"
	if m := summary(t, r); m.HasInterval || !m.Within || math.Abs(m.Advantage-.35) > 1e-12 {
		t.Errorf("%+v", m)
	}
}

// An attacker whose cells failed but for a few groups takes away the upper end,
// not the figure of the others.
func TestAttackerOfFewGroups(t *testing.T) {
	m := summary(t, tried("a", scores(20, 0, .5, .5, .4, .6, .5)...), tried("b", scores(20, 0, .1, .2)...))
	if m.Attack != "a" || m.Hi != 1 || m.Lo <= 0 || m.Lo >= .5 {
		t.Errorf("%+v", m)
	}
}
