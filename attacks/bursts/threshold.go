package bursts

import (
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
	// A threshold has to beat an F1 of 0: where nothing is ever right it stays at
	// 0, and every burst is a detection.
	var best Choice[float64]
	last := -1
	above := make([][]match.Span, len(found))
	for step := range 20 {
		th := float64(step) / 20

		guesses := 0
		for i, bs := range found {
			above[i] = above[i][:0]
			for _, b := range bs {
				if b.Score >= th {
					above[i] = append(above[i], match.Span{Class: b.Ranked[0].Class, From: b.Start})
				}
			}
			guesses += len(above[i])
		}

		// A higher threshold only leaves detections out: as many are the same ones,
		// which score the same and so choose nothing.
		if guesses == last {
			continue
		}
		last = guesses

		hits, truths := 0, 0
		for i, g := range above {
			hits += match.Hits(match.Windows(truth[i], g, match.Tolerance, match.ByClass))
			truths += len(truth[i])
		}
		best.Offer(th, match.F1(hits, guesses, truths))
	}
	return best.Score, best.Value
}
