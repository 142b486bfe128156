package forecast

import (
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

// sampled is how many packets at most each defense is tried on.
const sampled = 5000

// tried is how long a defense may take on the sample to be tried again.
const tried = 200 * time.Millisecond

// observing is how long a recording takes to be observed against how long its
// defense takes alone: it is checked, queued, looked at from outside, accounted for,
// and a part of it is defended again to see whether the defense looks ahead.
const observing = 4

// ShapeOf tries a defense on the middle one of the recordings, in size. Where it
// cannot work there the shape is that of no defense: the run will say what is wrong.
func ShapeOf(ctx context.Context, d defenses.Defense, recordings []datasets.Recording) (s Shape) {
	s = Shape{1, 1e-6}
	if len(recordings) == 0 {
		return s
	}
	bySize := slices.SortedFunc(slices.Values(recordings), func(a, b datasets.Recording) int { return len(a.Trace.Packets) - len(b.Trace.Packets) })
	sample := head(bySize[len(bySize)/2])
	n := float64(len(sample.Trace.Packets))
	if n == 0 {
		return s
	}

	// A plug-in's panic is the run's to report.
	defer func() { _ = recover() }()
	rng := rand.New(rand.NewPCG(1, 1))
	chain := defenses.Chain{}
	for _, stage := range defenses.Stages(d) {
		if f, ok := stage.(defenses.Fitter); ok {
			fitted, err := f.Fit(ctx, rng, []datasets.Recording{sample})
			if err != nil {
				return s
			}
			stage = fitted
		}
		chain = append(chain, stage)
	}

	// The best of a few: what else the machine does must not count for the defense.
	best := time.Duration(math.MaxInt64)
	for try := 0; try < 3 && (try == 0 || best < tried); try++ {
		start := time.Now()
		got, err := chain.Apply(rng, sample.Trace)
		if err != nil {
			return s
		}
		best = min(best, time.Since(start))
		s = Shape{max(float64(len(got.Trace.Packets))/n, 0.01), observing * best.Seconds() / n}
	}
	return s
}

// head is the beginning of a recording, at most so many packets as are tried.
func head(r datasets.Recording) datasets.Recording {
	if len(r.Trace.Packets) <= sampled {
		return r
	}
	return r.Cut([]time.Duration{r.Trace.Packets[sampled].Time})[0]
}
