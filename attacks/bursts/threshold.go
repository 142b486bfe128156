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
	return NewTruths(truth).BestThreshold(found)
}

// Truths is the events of several examples, for who holds several lists of
// detections against them.
type Truths struct {
	examples []numbered
	events   int
}

// numbered is the events of an example by class and From, and the numbers of their
// classes.
type numbered struct {
	number map[string]int32
	events []match.Mark
}

// NewTruths takes the events of each example in order of From.
func NewTruths(truth [][]match.Span) Truths {
	var t Truths
	for _, events := range truth {
		n := numbered{map[string]int32{}, make([]match.Mark, 0, len(events))}
		for _, e := range events {
			c, known := n.number[e.Class]
			if !known {
				c = int32(len(n.number))
				n.number[e.Class] = c
			}
			n.events = append(n.events, match.Mark{From: e.From, To: e.To, Class: c})
		}
		slices.SortStableFunc(n.events, func(a, b match.Mark) int { return cmp.Compare(a.Class, b.Class) })
		t.examples, t.events = append(t.examples, n), t.events+len(events)
	}
	return t
}

// BestThreshold is the function of that name; found is by example.
func (t Truths) BestThreshold(found [][]attacks.Burst) (score, threshold float64) {
	var s sweep
	for i, bs := range found {
		s.add(t.examples[i], bs)
	}

	// A threshold has to beat an F1 of 0: where nothing is ever right it stays at
	// 0, and every burst is a detection.
	var best Choice[float64]
	guesses := 0
	for _, n := range s.reaching {
		guesses += n
	}
	for step := range thresholds {
		guesses -= s.reaching[step]
		best.Offer(float64(step)/thresholds, match.F1(s.hits[step], guesses, t.events))
	}
	return best.Score, best.Value
}

// sweep counts hits and guesses under every threshold. A detection pairs with
// events of its class in whose windows it begins, so what the windows of a class
// hold that overlap is settled apart from all else; and there only the thresholds
// matter that leave a detection out. Most such islands are one event.
type sweep struct {
	hits     [thresholds]int
	reaching [thresholds + 1]int // detections that reach so many thresholds
	counter  match.Counter
	all      []scored     // detections of the classes that an example has
	scored   []scored     // all, by class and time
	left     []match.Mark // of one island
}

// scored is a detection with the number of thresholds that it reaches.
type scored struct {
	match.Mark
	reaches int
}

// reaches is how many of the thresholds, which begin with 0, a score reaches.
func reaches(score float64) int {
	n := 0
	if score > 0 {
		n = max(0, int(min(score, 1)*thresholds)-1) // as far as rounding cannot matter
	}
	for n < thresholds && score >= float64(n)/thresholds {
		n++
	}
	return n
}

// add counts one example.
func (s *sweep) add(truth numbered, found []attacks.Burst) {
	s.sort(truth.number, found)

	d := 0
	for i := 0; i < len(truth.events); {
		// An island: events of a class each of which begins before one of the others
		// is over, both widened.
		first, end := truth.events[i], truth.events[i].To
		lo := i
		for ; i < len(truth.events) && truth.events[i].Class == first.Class && truth.events[i].From-match.Tolerance <= end+match.Tolerance; i++ {
			end = max(end, truth.events[i].To)
		}

		for d < len(s.scored) && (s.scored[d].Class < first.Class || s.scored[d].Class == first.Class && s.scored[d].From < first.From-match.Tolerance) {
			d++
		}
		from := d
		for d < len(s.scored) && s.scored[d].Class == first.Class && s.scored[d].From <= end+match.Tolerance {
			d++
		}
		s.settle(truth.events[lo:i], s.scored[from:d])
	}
}

// sort puts the detections of the classes numbered into scored, by class and time.
// Of a class that no event has a detection is a wrong guess and nothing more.
func (s *sweep) sort(number map[string]int32, found []attacks.Burst) {
	s.all = s.all[:0]
	ends := make([]int, len(number)+1) // of the places of each class in scored
	name, class, sorted := "", int32(-1), true
	for i, b := range found {
		n := reaches(b.Score)
		s.reaching[n]++
		if c := b.Ranked[0].Class; i == 0 || c != name { // many in a row are of one class
			known := false
			if class, known = number[c]; !known {
				class = -1
			}
			name = c
		}
		sorted = sorted && (i == 0 || found[i-1].Start <= b.Start)
		if class >= 0 && n > 0 {
			s.all = append(s.all, scored{match.Mark{From: b.Start, Class: class}, n})
			ends[class+1]++
		}
	}
	if !sorted { // merged bursts are in order of time
		slices.SortStableFunc(s.all, func(a, b scored) int { return cmp.Compare(a.From, b.From) })
	}

	// A counting sort keeps the order within each class.
	for c := 1; c < len(ends); c++ {
		ends[c] += ends[c-1]
	}
	s.scored = slices.Grow(s.scored[:0], len(s.all))[:len(s.all)]
	for _, x := range s.all {
		s.scored[ends[x.Class]] = x
		ends[x.Class]++
	}
}

// settle counts the hits of one island under every threshold that a detection of
// it reaches.
func (s *sweep) settle(events []match.Mark, found []scored) {
	most := 0
	for _, f := range found {
		most = max(most, f.reaches)
	}
	if len(events) == 1 { // one of the detections left takes it
		for step := range most {
			s.hits[step]++
		}
		return
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
			hits, last = s.counter.Hits(events, s.left, match.Tolerance, false), len(s.left)
		}
		s.hits[step] += hits
	}
}
