package forecast

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
	"veilbench/defenses"
)

// Shape is what a defense makes of traffic: packets out for one in, and the seconds
// that takes with all checks.
type Shape struct{ Ratio, SecondsPerPacket float64 }

// ShapeKey is a defense, by its ID, on a data set: one that fills silence makes much
// of a quiet home and little of a busy one.
type ShapeKey struct{ Dataset, Defense string }

// sampled is how many packets at most each defense is tried on, of all recordings.
const sampled = 5000

// tried is how long a defense may take on the sample to be tried again.
const tried = 200 * time.Millisecond

// observing is how long a recording takes to be observed against how long its
// defense takes alone: it is checked, queued, looked at from outside, accounted for,
// and a part of it is defended again to see whether the defense looks ahead.
const observing = 4

// ShapeOf tries a defense on a few of the recordings, small ones and large ones. Where
// it cannot work there the shape is that of no defense: the run will say what is wrong.
func ShapeOf(ctx context.Context, d defenses.Defense, recordings []datasets.Recording) (s Shape) {
	s = Shape{1, 1e-6}
	sample, n := sampleOf(recordings)
	if n == 0 {
		return s
	}

	// A plug-in's panic is the run's to report.
	defer func() { _ = recover() }()
	rng := rand.New(rand.NewPCG(1, 1))
	chain := defenses.Chain{}
	for _, stage := range defenses.Stages(d) {
		if f, ok := stage.(defenses.Fitter); ok {
			fitted, err := f.Fit(ctx, rng, sample)
			if err != nil {
				return s
			}
			stage = fitted
		}
		chain = append(chain, stage)
	}

	// The best of a few: what else the machine does must not count for the defense.
	// How many packets it makes is that of the first, whose draws are always the same:
	// how often it is tried hangs on the clock.
	best := time.Duration(math.MaxInt64)
	out := 0
	for try := 0; try < 3 && (try == 0 || best < tried); try++ {
		start := time.Now()
		made := 0
		for _, r := range sample {
			got, err := chain.Apply(rng, r.Trace)
			if err != nil {
				return s
			}
			made += len(got.Trace.Packets)
		}
		best = min(best, time.Since(start))
		if try == 0 {
			out = made
		}
	}
	return Shape{max(float64(out)/n, 0.01), observing * best.Seconds() / n}
}

// sampleOf is parts of a few recordings, evenly chosen by size, and how many packets
// they have together.
func sampleOf(recordings []datasets.Recording) (out []datasets.Recording, packets float64) {
	const most = 6
	bySize := slices.SortedFunc(slices.Values(recordings), func(a, b datasets.Recording) int {
		return cmp.Or(len(a.Trace.Packets)-len(b.Trace.Packets), cmp.Compare(a.ID, b.ID))
	})
	n := min(most, len(bySize))
	for i := range n {
		for _, r := range parts(bySize[(2*i+1)*len(bySize)/(2*n)], sampled/n) {
			out, packets = append(out, r), packets+float64(len(r.Trace.Packets))
		}
	}
	return out, packets
}

// parts are a few spans of a recording, evenly spread over its time, that have about so
// many packets. They are chosen by time: a defense that fills silence makes of a busy
// minute what it makes of a quiet one, and beginnings are often quiet.
func parts(r datasets.Recording, most int) []datasets.Recording {
	const spans = 4
	n := len(r.Trace.Packets)
	if n <= most || r.Trace.End < time.Second {
		return []datasets.Recording{r}
	}
	each := r.Trace.End / spans
	taken := time.Duration(float64(each) * float64(most) / float64(n))
	var cuts []time.Duration
	for i := range spans {
		begin := time.Duration(i)*each + (each-taken)/2
		cuts = append(cuts, begin, begin+taken)
	}
	var out []datasets.Recording
	for i, part := range r.Cut(cuts) {
		if i%2 == 1 {
			out = append(out, part)
		}
	}
	return out
}
