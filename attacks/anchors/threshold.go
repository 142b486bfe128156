package anchors

import (
	"cmp"
	"slices"

	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
)

// poor is the best F1 below which a class is never reported.
const poor = 0.25

// never is a threshold that no probability reaches.
const never = 2

// tried is what the detections of a class, held out, were worth.
type tried struct {
	score []float64 // highest first
	hits  []int     // those among them and the ones before
	truth int       // events of the class
}

// try pairs detections with events of their class. The surer takes first, and of
// several events the first: so what is paired above a threshold is the same for
// every lower one, and all thresholds are tried in one pass.
func (l *learner) try(class string, held [][]detection) tried {
	type outcome struct {
		score float64
		hit   int
	}
	var all []outcome
	var out tried
	for i, e := range l.t.Examples {
		truth := slices.DeleteFunc(match.Truth(e.Labels), func(s match.Span) bool { return s.Class != class })
		out.truth += len(truth)
		taken := make([]bool, len(truth))

		// By score within an example first: only the order there decides who takes an
		// event.
		ds := slices.Clone(held[i])
		slices.SortStableFunc(ds, func(a, b detection) int { return cmp.Compare(b.score, a.score) })
		for _, d := range ds {
			o := outcome{score: d.score}
			for n, s := range truth {
				if !taken[n] && d.at >= s.From-match.Tolerance && d.at <= s.To+match.Tolerance {
					taken[n], o.hit = true, 1
					break
				}
			}
			all = append(all, o)
		}
	}

	slices.SortStableFunc(all, func(a, b outcome) int { return cmp.Compare(b.score, a.score) })
	hits := 0
	for _, o := range all {
		hits += o.hit
		out.score, out.hits = append(out.score, o.score), append(out.hits, hits)
	}
	return out
}

// at calls do for every threshold that parts the detections, highest first, with
// how many reach it and how many of these are right. A threshold lies in the middle
// between two scores: at the upper one it would miss the next event that is
// a little less sure than those of training.
func (t tried) at(do func(threshold float64, found, hits int)) {
	for n, s := range t.score {
		next := doubt
		if n+1 < len(t.score) {
			next = t.score[n+1]
		}
		if next < s || n+1 == len(t.score) {
			do((s+next)/2, n+1, t.hits[n])
		}
	}
}

// best is the best F1 of the class and the highest threshold that reaches it.
func (t tried) best() (f1, threshold float64) {
	c := bursts.Choice[float64]{Value: never}
	t.at(func(threshold float64, found, hits int) { c.Offer(threshold, match.F1(hits, found, t.truth)) })
	return c.Score, c.Value
}

// rounds is how often the price of a detection is set anew: it settles in three or
// four.
const rounds = 6

// chooseThresholds sets the threshold of each class to its own best, or to what all
// classes together do best with, whichever gives the better F1 of the held-out
// detections of all; it returns that.
//
// F1 of all is 2 hits / (found + truths). A detection more raises it if it is
// right with a probability above half of that F1: so each class takes the
// threshold at which hits, less that price for each detection, are most. The
// price follows from the F1 and the F1 from the price (Dinkelbach's method).
func (l *learner) chooseThresholds(all []learned) float64 {
	own, joint := make([]float64, len(all)), make([]float64, len(all))
	for i := range all {
		_, own[i] = all[i].best()
	}

	// It begins at the price of an F1 of one half.
	price := poor
	for range rounds {
		hits, found, truths := 0, 0, 0
		for i, c := range all {
			best := bursts.Choice[[2]int]{}
			joint[i] = never
			c.at(func(threshold float64, f, h int) {
				if len(c.anchors) > 0 && best.Offer([2]int{h, f}, float64(h)-price*float64(f)) {
					joint[i] = threshold
				}
			})
			hits, found, truths = hits+best.Value[0], found+best.Value[1], truths+c.truth
		}
		price = match.F1(hits, found, truths) / 2
	}

	c := bursts.Choice[[]float64]{Value: own, Score: -1}
	for _, thresholds := range [][]float64{own, joint} {
		c.Offer(thresholds, l.heldF1(all, thresholds))
	}
	for i := range all {
		all[i].threshold = c.Value[i]
	}
	return c.Score
}

// heldF1 is the F1 of the held-out detections of all classes at these thresholds,
// after the contest.
func (l *learner) heldF1(all []learned, thresholds []float64) float64 {
	hits, found, truths := 0, 0, 0

	// Events of classes that are never reported count as missed.
	for i, e := range l.t.Examples {
		var ds []detection
		for k, c := range all {
			if len(c.anchors) > 0 && thresholds[k] < never {
				for _, d := range c.held[i] {
					ds = append(ds, d.scaled(thresholds[k]))
				}
			}
		}

		truth := match.Truth(e.Labels)
		var spans []match.Span
		for _, d := range contest(ds) {
			if d.score >= even {
				spans = append(spans, match.Span{From: d.at, To: d.at, Class: d.class})
			}
		}
		hits += match.Hits(match.Windows(truth, spans, match.Tolerance, match.ByClass))
		found, truths = found+len(spans), truths+len(truth)
	}
	return match.F1(hits, found, truths)
}
