package bursts

import (
	"cmp"
	"slices"

	"veilbench/attacks"
	"veilbench/attacks/match"
)

// Choice keeps the best of the candidates that training offers, and the first
// of equally good ones: candidates are offered in order of preference.
type Choice[T any] struct {
	Value T
	// Score is that of value, or what the first candidate has to exceed.
	Score float64
}

// Offer says whether value became the choice. A score that is no number never
// does.
func (c *Choice[T]) Offer(value T, score float64) bool {
	if score > c.Score {
		c.Value, c.Score = value, score
		return true
	}
	return false
}

// MostOf is the index of the largest count, the first of equals.
func MostOf(counts []int) int {
	best := 0
	for i, c := range counts {
		if c > counts[best] {
			best = i
		}
	}
	return best
}

// TuneGaps are the gaps to choose from, in seconds, in order of preference.
var TuneGaps = [...]float64{1, 0.5, 2, 0.25, 5, 0.1}

// BestThreshold returns the best F1 over thresholds of 0, 0.05, ... 0.95 and
// the lowest threshold that reaches it. truth and found are by example; truth is
// in order of From, as match.Windows needs it.
func BestThreshold(truth [][]match.Span, found [][]attacks.Burst) (score, threshold float64) {
	sweeps, truths := make([]sweep, len(found)), 0
	for i, bs := range found {
		sweeps[i] = newSweep(truth[i], bs)
		truths += len(truth[i])
	}

	// A threshold has to beat an F1 of 0: where nothing is ever right it stays at
	// 0, and every burst is a detection.
	var best Choice[float64]
	var counter match.Counter
	for step := range 20 {
		th := float64(step) / 20

		// A higher threshold only leaves detections out: as many are the same ones,
		// which score the same and so choose nothing.
		hits, guesses, fewer := 0, 0, step == 0
		for i := range sweeps {
			s := &sweeps[i]
			if s.raise(th) || step == 0 {
				s.hits, fewer = counter.Hits(s.truth, s.found, match.Tolerance, false), true
			}
			hits, guesses = hits+s.hits, guesses+len(s.found)
		}
		if fewer {
			best.Offer(th, match.F1(hits, guesses, truths))
		}
	}
	return best.Score, best.Value
}

// sweep is one example on its way through rising thresholds: its events, the
// detections left, in order of time, with their scores, and how many of them hit.
type sweep struct {
	truth, found []match.Mark
	scores       []float64
	hits         int
}

// newSweep begins below all thresholds. Classes are numbered by the events; one
// that no event has is -1 and hits nothing.
func newSweep(truth []match.Span, found []attacks.Burst) sweep {
	s := sweep{truth: make([]match.Mark, len(truth)), found: make([]match.Mark, len(found)), scores: make([]float64, len(found))}
	number := map[string]int32{}
	for i, e := range truth {
		if _, known := number[e.Class]; !known {
			number[e.Class] = int32(len(number))
		}
		s.truth[i] = match.Mark{From: e.From, To: e.To, Class: number[e.Class]}
	}

	// Merged bursts are in order of time already; others are sorted once here and not
	// again for each threshold.
	byStart := func(a, b attacks.Burst) int { return cmp.Compare(a.Start, b.Start) }
	if !slices.IsSortedFunc(found, byStart) {
		found = slices.Clone(found)
		slices.SortStableFunc(found, byStart)
	}
	for i, b := range found {
		class, known := number[b.Ranked[0].Class]
		if !known {
			class = -1
		}
		s.found[i], s.scores[i] = match.Mark{From: b.Start, Class: class}, b.Score
	}
	return s
}

// raise leaves out the detections that do not reach th and says whether there
// were any.
func (s *sweep) raise(th float64) bool {
	n := 0
	for i, x := range s.scores {
		if x >= th {
			s.found[n], s.scores[n] = s.found[i], x
			n++
		}
	}
	fewer := n < len(s.found)
	s.found, s.scores = s.found[:n], s.scores[:n]
	return fewer
}
