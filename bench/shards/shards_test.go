package shards

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"veilbench/bench/forecast"
	"veilbench/bench/results"
)

// drawn are units with shared trainings, as a grid of a few data sets has them.
func drawn(r *rand.Rand, n int) []forecast.Unit {
	var out []forecast.Unit
	for i := range n {
		set := string(rune('a' + r.IntN(3)))
		u := forecast.Unit{Dataset: set, Defense: string(rune('A' + i)), Seconds: 1 + 20*r.Float64(), Models: map[results.Cell]float64{}}
		for k := range r.IntN(4) {
			u.Models[results.Cell{Dataset: set, Fold: k}] = float64(1 + k)
		}
		out = append(out, u)
	}
	return out
}

func longest(units []forecast.Unit, shard []int, n int) float64 {
	most := 0.0
	for s := range n {
		most = max(most, Load(units, shard, s))
	}
	return most
}

// TestDealIsNearTheBest compares with every way of dealing. Longest first is within
// 4/3 of the best where nothing is shared (Graham 1969); what is shared may cost as
// much again as one set of trainings, ten seconds here.
func TestDealIsNearTheBest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		units, n := drawn(r, 3+r.IntN(5)), 2+r.IntN(2)
		best := -1.0
		shard := make([]int, len(units))
		var try func(i int)
		try = func(i int) {
			if i == len(units) {
				if l := longest(units, shard, n); best < 0 || l < best {
					best = l
				}
				return
			}
			for s := range n {
				shard[i] = s
				try(i + 1)
			}
		}
		try(0)
		if got := longest(units, deal(units, n), n); got > best*4/3+10 {
			t.Errorf("%d units, %d shards: the longest takes %.1f s, the best there is %.1f", len(units), n, got, best)
		}
	}
}

// Every machine deals alike, in whatever order it has the units.
func TestDealHangsOnNoOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		units := drawn(r, 12)
		of := func(us []forecast.Unit) map[string]int {
			m := map[string]int{}
			for i, s := range deal(us, 4) {
				m[us[i].Dataset+us[i].Defense] = s
			}
			return m
		}
		want := of(units)
		r.Shuffle(len(units), func(i, j int) { units[i], units[j] = units[j], units[i] })
		for k, s := range of(units) {
			if want[k] != s {
				t.Fatalf("unit %s goes to shard %d and to %d", k, want[k], s)
			}
		}
	}
}

// Longest first puts 3 2 2 and 3 2 where 3 3 and 2 2 2 is best; an exchange mends it.
func TestDealIsBalanced(t *testing.T) {
	var units []forecast.Unit
	for i, s := range []float64{3, 3, 2, 2, 2} {
		units = append(units, forecast.Unit{Dataset: "d", Defense: string(rune('A' + i)), Seconds: s})
	}
	if got := longest(units, deal(units, 2), 2); got != 6 {
		t.Errorf("the longest shard takes %v s, the best there is 6", got)
	}
}

// Every unit goes to one shard, also where there are more shards than units.
func TestDealGivesAll(t *testing.T) {
	units := drawn(rand.New(rand.NewPCG(3, 3)), 3)
	got := deal(units, 5)
	slices.Sort(got)
	if len(slices.Compact(got)) != 3 {
		t.Errorf("three units in five shards: %v", got)
	}
}

func TestFirstDifference(t *testing.T) {
	head := `{"sha256":"` + strings.Repeat("0", 64) + `",`
	a, b := head+`"f1":0.25}`, strings.Repeat("1", len(head))+`"f1":0.75}`
	if got := firstDifference([]byte(a), []byte(b)); !strings.Contains(got, `"f1":0.25`) || !strings.Contains(got, `"f1":0.75`) {
		t.Error(got)
	}
}
