package anchors

import (
	"cmp"
	"slices"

	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
)

const (
	// poor is the best F1 below which a class is never reported.
	poor = 0.25
	// price is what a detection costs, in hits.
	price = 0.25
	// never is a threshold that no probability reaches.
	never = 2
)

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

// best is the threshold at which hits, less the price of each detection, are most,
// and the best F1 of all thresholds.
//
// F1 of all classes is 2 hits / (found + truths): a detection more raises it if it
// is right with a probability above half of it. At one quarter that serves an F1 of
// one half, and where F1 is higher it costs little. It also keeps twins, two classes
// that look the same and of which each is right half the time.
func (t tried) best() (f1, threshold float64) {
	most := bursts.Choice[float64]{Value: never}
	t.at(func(threshold float64, found, hits int) {
		most.Offer(threshold, float64(hits)-price*float64(found))
		f1 = max(f1, match.F1(hits, found, t.truth))
	})
	return f1, most.Value
}

// heldF1 is the F1 of the held-out detections of all classes after the contest.
func (l *learner) heldF1(all []learned) float64 {
	hits, found, truths := 0, 0, 0

	// Events of classes that are never reported count as missed.
	for i, e := range l.t.Examples {
		var ds []detection
		for _, c := range all {
			if len(c.anchors) > 0 {
				for _, d := range c.held[i] {
					ds = append(ds, d.scaled(c.threshold))
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
