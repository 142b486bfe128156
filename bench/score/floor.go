package score

import (
	"cmp"
	"context"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/match"
	"veilbench/bench/results"
)

// CommandFloor is the share of test commands that equal the commonest one of
// training (the alphabetically first of several).
func CommandFloor(train []attacks.Labeled, tests []Test) float64 {
	seen := map[string]int{}
	for _, l := range train {
		for _, c := range l.Labels.Commands {
			seen[CommandName(c.Actions)]++
		}
	}

	// Maps are in no order, so ties need a rule.
	best, n := "", 0
	for name, k := range seen {
		if k > n || k == n && name < best {
			best, n = name, k
		}
	}

	right, total := 0, 0
	for _, t := range tests {
		for _, c := range t.Labels.Commands {
			total++
			if CommandName(c.Actions) == best {
				right++
			}
		}
	}
	return results.Ratio(right, total)
}

// EventFloor is the better F1 of two guesses: guess-clock, and the commonest
// class called again and again at the period that did best in training.
func EventFloor(ctx context.Context, clock attacks.Model, commonest string, period time.Duration, merge Classes, tests []Test) (float64, error) {
	var byClock, byPeriod counts
	for _, t := range tests {
		a, err := clock.Guess(ctx, t.Trace)
		if err != nil {
			return 0, err
		}
		events := truths(t.Labels, merge)
		found := scoringAtLeast(detections(a, merge), a.Threshold)
		byClock.add(counts{match.Hits(match.Windows(events, found, match.Tolerance, match.ByClass)), len(events), len(found)})

		if period > 0 {
			found = metronome(commonest, period, t.Trace.End)
			byPeriod.add(counts{match.Hits(match.Windows(events, found, match.Tolerance, match.ByClass)), len(events), len(found)})
		}
	}
	return max(byClock.f1(), byPeriod.f1()), nil
}

// BestPeriod finds the commonest class of training and the period at which
// calling it scores best there.
func BestPeriod(train []attacks.Labeled, m Classes) (string, time.Duration) {
	n := map[string]int{}
	for _, l := range train {
		for _, e := range l.Labels.Events {
			n[m.Class(l.Labels.Class(e))]++
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

	// Of periods that do equally well the shortest stays.
	var best time.Duration
	var bestF1 float64

	for _, p := range []time.Duration{10, 20, 30, 60, 120, 300, 600, 1800, 3600} {
		p *= time.Second
		var c counts
		for _, l := range train {
			events := truths(l.Labels, m)
			found := metronome(classes[0], p, l.Trace.End)
			c.add(counts{match.Hits(match.Windows(events, found, match.Tolerance, match.ByClass)), len(events), len(found)})
		}
		if f := c.f1(); f > bestF1 {
			best, bestF1 = p, f
		}
	}
	return classes[0], best
}

// metronome calls class every period until end.
func metronome(class string, period, end time.Duration) []match.Span {
	var out []match.Span
	for t := period / 2; t < end; t += period {
		out = append(out, match.Span{From: t, To: t, Class: class})
	}
	return out
}
