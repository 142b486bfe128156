package bench

import (
	"cmp"
	"context"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// floor is the headline score that needs no look at the traffic. train and
// tests are one part's; what is learned is learned from train.
func (r *runner) floor(ctx context.Context, j job, train []attacks.Labeled, tests []answered) (float64, error) {
	switch j.cell.Task {
	case datasets.Gateway:
		return commandFloor(train, tests), nil
	case datasets.Events:
		return r.eventFloor(ctx, j, train, tests)
	}
	return ratio(1, float64(len(j.classes))), nil
}

// commandFloor is the share of test commands that equal the commonest one of
// training (the alphabetically first of several).
func commandFloor(train []attacks.Labeled, tests []answered) float64 {
	seen := map[string]int{}
	for _, l := range train {
		for _, c := range l.Labels.Commands {
			seen[multiset(c.Actions)]++
		}
	}
	best, n := "", 0
	for name, k := range seen {
		if k > n || k == n && name < best {
			best, n = name, k
		}
	}
	right, total := 0, 0
	for _, t := range tests {
		for _, c := range t.labels.Commands {
			total++
			if multiset(c.Actions) == best {
				right++
			}
		}
	}
	return ratio(right, total)
}

// eventFloor is the better F1 of two guesses: guess-clock, and the commonest
// class called again and again at the period that did best in training.
func (r *runner) eventFloor(ctx context.Context, j job, train []attacks.Labeled, tests []answered) (float64, error) {
	m := newMerger(r.dataset(j.cell.Dataset).Same)
	clock, err := attacks.GuessClock{}.Train(ctx, rng(j.cell.Seed, "floor"), attacks.Training{
		Task: datasets.Events, Classes: j.classes, Examples: train,
	})
	if err != nil {
		return 0, err
	}
	class, period := bestPeriod(train, m)
	var byClock, byPeriod counts
	for _, t := range tests {
		a, err := clock.Guess(ctx, t.trace)
		if err != nil {
			return 0, err
		}
		events := truths(t.observed, m)
		found := above(detections(a, m), a.Threshold)
		byClock.add(counts{hits(match(events, found, matchTolerance, byClass)), len(events), len(found)})
		if period > 0 {
			found = metronome(class, period, t.trace.End)
			byPeriod.add(counts{hits(match(events, found, matchTolerance, byClass)), len(events), len(found)})
		}
	}
	return max(byClock.f1(), byPeriod.f1()), nil
}

// bestPeriod finds the commonest class of training and the period at which
// calling it scores best there.
func bestPeriod(train []attacks.Labeled, m merger) (string, time.Duration) {
	n := map[string]int{}
	for _, l := range train {
		for _, e := range l.Labels.Events {
			n[m.class(l.Labels.Class(e))]++
		}
	}
	var classes []string
	for c := range n {
		classes = append(classes, c)
	}
	slices.SortFunc(classes, func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	if len(classes) == 0 {
		return "", 0
	}
	var best time.Duration
	var bestF1 float64
	for _, p := range []time.Duration{10, 20, 30, 60, 120, 300, 600, 1800, 3600} {
		p *= time.Second
		var c counts
		for _, l := range train {
			events := truths(&observed{labels: l.Labels}, m)
			found := metronome(classes[0], p, l.Trace.End)
			c.add(counts{hits(match(events, found, matchTolerance, byClass)), len(events), len(found)})
		}
		if f := c.f1(); f > bestF1 {
			best, bestF1 = p, f
		}
	}
	return classes[0], best
}

// metronome calls class every period until end.
func metronome(class string, period, end time.Duration) []sighting {
	var out []sighting
	for t := period / 2; t < end; t += period {
		out = append(out, sighting{from: t, to: t, class: class})
	}
	return out
}
