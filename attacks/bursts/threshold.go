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

// thresholds is how many thresholds are tried: 0, 0.05, ... 0.95.
const thresholds = 20

// BestThreshold returns the best F1 over these thresholds and the lowest that
// reaches it. truth and found are by example; truth is in order of From, as
// match.Windows needs it.
func BestThreshold(truth [][]match.Span, found [][]attacks.Burst) (score, threshold float64) {
	var s sweep
	truths := 0
	for i, bs := range found {
		s.add(truth[i], bs)
		truths += len(truth[i])
	}

	// A threshold has to beat an F1 of 0: where nothing is ever right it stays at
	// 0, and every burst is a detection.
	var best Choice[float64]
	for step := range thresholds {
		best.Offer(float64(step)/thresholds, match.F1(s.hits[step], s.guesses[step], truths))
	}
	return best.Score, best.Value
}

// sweep counts hits and guesses under every threshold. A detection pairs with
// events of its class in whose windows it begins, so what the windows of a class
// hold that overlap is settled apart from all else; and there only the thresholds
// matter that leave a detection out. Most such islands are one event.
type sweep struct {
	hits, guesses [thresholds]int
	counter       match.Counter
	order         []int        // of the events of an example, by class and From
	scored        []scored     // detections that some window may hold, by class and time
	events, left  []match.Mark // of one island
}

// scored is a detection with the number of thresholds that it reaches.
type scored struct {
	match.Mark
	reaches int
}

// reaches is how many of the thresholds, which begin with 0, a score reaches.
func reaches(score float64) int {
	n := 0
	for n < thresholds && score >= float64(n)/thresholds {
		n++
	}
	return n
}

// add counts one example.
func (s *sweep) add(truth []match.Span, found []attacks.Burst) {
	number := make(map[string]int32, 16)
	class := make([]int32, len(truth))
	s.order = s.order[:0]
	for i, e := range truth {
		if _, known := number[e.Class]; !known {
			number[e.Class] = int32(len(number))
		}
		class[i] = number[e.Class]
		s.order = append(s.order, i)
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return cmp.Compare(class[a], class[b]) })

	// Of a class that no event has a detection is a wrong guess and nothing more.
	s.scored = s.scored[:0]
	for _, b := range found {
		n := reaches(b.Score)
		for step := range n {
			s.guesses[step]++
		}
		if c, known := number[b.Ranked[0].Class]; known && n > 0 {
			s.scored = append(s.scored, scored{match.Mark{From: b.Start, Class: c}, n})
		}
	}
	slices.SortStableFunc(s.scored, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.From, b.From))
	})

	d := 0
	for i := 0; i < len(s.order); {
		// An island: events of a class each of which begins before one of the others
		// is over, both widened.
		c, end := class[s.order[i]], truth[s.order[i]].To
		s.events = s.events[:0]
		first := truth[s.order[i]].From - match.Tolerance
		for ; i < len(s.order) && class[s.order[i]] == c && truth[s.order[i]].From-match.Tolerance <= end+match.Tolerance; i++ {
			e := truth[s.order[i]]
			s.events = append(s.events, match.Mark{From: e.From, To: e.To, Class: c})
			end = max(end, e.To)
		}
		for d < len(s.scored) && (s.scored[d].Class < c || s.scored[d].Class == c && s.scored[d].From < first) {
			d++
		}
		lo := d
		for d < len(s.scored) && s.scored[d].Class == c && s.scored[d].From <= end+match.Tolerance {
			d++
		}
		s.settle(s.scored[lo:d])
	}
}

// settle counts the hits of one island under every threshold that a detection of
// it reaches.
func (s *sweep) settle(found []scored) {
	most := 0
	for _, f := range found {
		most = max(most, f.reaches)
	}

	// As many as under the threshold before are the same ones.
	hits, last := 0, -1
	for step := range most {
		s.left = s.left[:0]
		for _, f := range found {
			if f.reaches > step {
				s.left = append(s.left, f.Mark)
			}
		}
		if len(s.left) != last {
			hits, last = s.counter.Hits(s.events, s.left, match.Tolerance, false), len(s.left)
		}
		s.hits[step] += hits
	}
}
