package bench

import (
	"cmp"
	"context"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// floor is the headline score of a part that needs no look at the traffic. What
// it learns, it learns from the undefended training recordings.
func (r *runner) floor(ctx context.Context, p part, tests []Test) (float64, error) {
	p.cell.TrainDefense = NoDefense
	p.attack = attacks.GuessClock{}
	p.cell.Attack = attacks.ID(p.attack)
	switch p.cell.Task {
	case datasets.Gateway:
		train, _, err := r.examples(p)
		return commandFloor(train, tests), err
	case datasets.Events:
		m, err := r.model(ctx, p)
		if err != nil {
			return 0, err
		}
		merge := newMerger(p.ds.Same)
		m.periodOnce.Do(func() {
			train, _, err := r.examples(p)
			if m.periodErr = err; err == nil {
				m.class, m.period = bestPeriod(train, merge)
			}
		})
		if m.periodErr != nil {
			return 0, m.periodErr
		}
		return eventFloor(ctx, m, m.class, m.period, merge, tests)
	}

	// Macro recall of guessing at random: one over the classes that can be told
	// apart.
	classes := map[string]bool{}
	merge := newMerger(p.ds.Same)
	for _, c := range p.classes {
		if p.cell.Task == datasets.Clip {
			c = merge.class(c)
		}
		classes[c] = true
	}
	return ratio(1, float64(len(classes))), nil
}

// commandFloor is the share of test commands that equal the commonest one of
// training (the alphabetically first of several).
func commandFloor(train []attacks.Labeled, tests []Test) float64 {
	seen := map[string]int{}
	for _, l := range train {
		for _, c := range l.Labels.Commands {
			seen[CommandName(c.Actions)]++
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
		for _, c := range t.Labels.Commands {
			total++
			if CommandName(c.Actions) == best {
				right++
			}
		}
	}
	return ratio(right, total)
}

// eventFloor is the better F1 of two guesses: guess-clock, and the commonest
// class called again and again at the period that did best in training.
func eventFloor(ctx context.Context, clock attacks.Model, commonest string, period time.Duration, merge merger, tests []Test) (float64, error) {
	var byClock, byPeriod counts
	for _, t := range tests {
		a, err := clock.Guess(ctx, t.Trace)
		if err != nil {
			return 0, err
		}
		events := truths(t.Labels, merge)
		found := above(detections(a, merge), a.Threshold)
		byClock.add(counts{match.Hits(match.Windows(events, found, match.Tolerance, match.ByClass)), len(events), len(found)})
		if period > 0 {
			found = metronome(commonest, period, t.Trace.End)
			byPeriod.add(counts{match.Hits(match.Windows(events, found, match.Tolerance, match.ByClass)), len(events), len(found)})
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
