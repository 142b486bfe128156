package rates

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"veilbench/attacks/match"
)

// plainSweep tracks the intervals of every gap and threshold anew.
func plainSweep(events []match.Span, bins []rateBin, width time.Duration, grid []float64, ratio float64, o rateOptions) (out [len(rateGaps)][]rateCounts) {
	var marks []match.Mark
	for _, e := range events {
		marks = append(marks, match.Mark{From: e.From, To: e.To})
	}
	most := manyPerEvent*len(events) + manyAnyway
	for k, gap := range rateGaps {
		out[k] = make([]rateCounts, len(grid))
		many := false
		for g := len(grid) - 1; g >= 0 && (gap == 0 || gap >= width); g-- {
			if many {
				out[k][g].add(0, most, len(events))
				continue
			}
			found := (binnedRates{width: width}).track(bins, grid[g]/ratio, grid[g], gap)
			found = slices.DeleteFunc(found, func(f raisedRate) bool { return f.peak < grid[g] })
			many = len(found) > most

			var spans []interval
			var starts []match.Span
			for _, f := range found {
				spans, starts = append(spans, interval{f.start, f.end}), append(starts, match.Span{From: f.start})
			}
			if o.states {
				out[k][g].overlap(marks, spans, nil)
			} else {
				out[k][g].add(match.Hits(match.Windows(events, starts, o.tolerance, match.ByTime)), len(found), len(events))
			}
		}
	}
	return out
}

// randomRates are n bins of which few are high, events near some of them, and a
// grid of thresholds from low to high.
func randomRates(rng *rand.Rand, n int, width time.Duration) (bins []rateBin, events []match.Span, marks []match.Mark, grid []float64) {
	at := time.Duration(0)
	for range n {
		at += width * time.Duration(1+rng.IntN(4)*rng.IntN(4))
		in := time.Duration(rng.Int64N(int64(width)))
		b := rateBin{first: at + in/2, last: at + in, z: float64(rng.IntN(20)) / 10}
		if rng.IntN(5) == 0 {
			b.z = float64(rng.IntN(300)) / 3
			if rng.IntN(3) == 0 {
				e := match.Span{From: b.first, To: b.first + time.Duration(rng.Int64N(int64(3*width)))}
				events = append(events, e)
				marks = append(marks, match.Mark{From: e.From, To: e.To})
			}
		}
		bins = append(bins, b)
	}
	grid = []float64{0.5}
	for len(grid) < rateSteps {
		grid = append(grid, grid[len(grid)-1]*(1+rng.Float64()/2))
	}
	return bins, events, marks, grid
}

// TestSweepIsTrackedAnew compares the sweeps of one sweeper with one pass for each
// gap and threshold, of points and of states, of few bins and of so many that
// thresholds are given up.
func TestSweepIsTrackedAnew(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 2))
	var s sweeper
	for range 400 {
		width := []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}[rng.IntN(4)]
		bins, events, marks, grid := randomRates(rng, rng.IntN(500), width)
		o := rateOptions{tolerance: 5 * time.Second, beta: 1, states: rng.IntN(2) == 0}
		for _, ratio := range rateRatios {
			var got [len(rateGaps)][]rateCounts
			for k := range got {
				got[k] = make([]rateCounts, len(grid))
			}
			s.sweep(&got, marks, bins, width, grid, ratio, o)
			want := plainSweep(events, bins, width, grid, ratio, o)
			for k := range got {
				if !slices.Equal(got[k], want[k]) {
					t.Fatalf("gap %v, ratio %v, states %v:\n%v, want\n%v", rateGaps[k], ratio, o.states, got[k], want[k])
				}
			}
		}
	}
}

// TestCommonestIsTheFirstRanked compares the class that tuning takes with the rank
// that detections get.
func TestCommonestIsTheFirstRanked(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	names := []string{"a/on", "b/on", "c/on"}
	for range 500 {
		r := rateRule{}
		var class, near []int32
		for i := range rng.IntN(maxNeighbors + 1) {
			class = append(class, int32(rng.IntN(len(names))))
			r.known = append(r.known, knownRate{class: names[class[i]]})
			near = append(near, int32(i))
		}
		want := r.rank(near)[0].Class
		if got := commonest(near, class); len(near) > 0 && names[got] != want || len(near) == 0 && got != otherClass {
			t.Fatalf("classes %v: %d, want %s", class, got, want)
		}
	}
}

// plainNearest looks at every known interval.
func plainNearest(r *rateRule, v [4]float64, skip, n int, reject bool) []int32 {
	var near []int32
	distance := func(i int32) (d float64) {
		for j, x := range v {
			d += (x - r.known[i].v[j]) * (x - r.known[i].v[j])
		}
		return d
	}
	for i, k := range r.known {
		if k.fold != skip && (reject || k.event) {
			near = append(near, int32(i))
		}
	}
	slices.SortStableFunc(near, func(a, b int32) int { return cmp.Compare(distance(a), distance(b)) })
	return near[:min(n, len(near))]
}

// TestNearestIsThePlainOne compares the search in halves with a look at all, with
// many that are equally near.
func TestNearestIsThePlainOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 6))
	for range 1000 {
		r, levels := &rateRule{}, 1+rng.IntN(8)
		vector := func() (v [4]float64) {
			for j := range v {
				v[j] = float64(rng.IntN(levels)) / 3
			}
			return v
		}
		for range rng.IntN(60) {
			r.known = append(r.known, knownRate{v: vector(), event: rng.IntN(3) > 0, fold: rng.IntN(5)})
		}
		r.setPlaces()
		v, skip, n, reject := vector(), rng.IntN(6)-1, 1+rng.IntN(maxNeighbors), rng.IntN(2) == 0
		if got, want := r.nearest(nil, v, skip, n, reject), plainNearest(r, v, skip, n, reject); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

// BenchmarkRatesNearest asks 1,500 known intervals, of events one in five, about their
// like: small ones that are all but equal, and larger ones.
func BenchmarkRatesNearest(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	vector := func() (v [4]float64) {
		size := []float64{5, 5, 5, 9}[rng.IntN(4)]
		for j := range v {
			v[j] = size + rng.NormFloat64()*size/20
		}
		return v
	}
	r := &rateRule{}
	for range maxKnown {
		r.known = append(r.known, knownRate{v: vector(), event: rng.IntN(5) == 0, fold: rng.IntN(5)})
	}
	r.setPlaces()
	for _, reject := range []bool{false, true} {
		b.Run(fmt.Sprintf("known=%d/reject=%v", maxKnown, reject), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				r.nearest(nil, r.known[i%maxKnown].v, i%5, maxNeighbors, reject)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "queries/s")
		})
	}
}

// BenchmarkRatesSweep sweeps the thresholds of a day in bins of a second, of which
// one in five is raised.
func BenchmarkRatesSweep(b *testing.B) {
	bins, _, marks, grid := randomRates(rand.New(rand.NewPCG(1, 1)), 20000, time.Second)
	var s sweeper
	b.ReportAllocs()
	for b.Loop() {
		var counts [len(rateGaps)][]rateCounts
		for k := range counts {
			counts[k] = make([]rateCounts, len(grid))
		}
		s.sweep(&counts, marks, bins, time.Second, grid, 8, rateOptions{tolerance: 5 * time.Second, beta: 1})
	}
	b.ReportMetric(float64(len(bins))*float64(b.N)/b.Elapsed().Seconds(), "bins/s")
}
