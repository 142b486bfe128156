package bench

import (
	"cmp"
	"slices"

	"veilbench/attacks"
	"veilbench/datasets"
)

// answered is a test trace with what the model said about it.
type answered struct {
	*observed
	answer attacks.Answer
}

// scores collects what a scorer finds; its fields go into the Result.
type scores struct {
	metrics   []Metric
	groups    []GroupScore
	items     []Item
	confusion []Confusion
	curve     []Point
}

func (s *scores) add(name string, v float64) { s.metrics = append(s.metrics, Metric{name, v}) }

// into writes s to r in the orders that Result promises.
func (s *scores) into(r *Result) {
	slices.SortFunc(s.metrics, func(a, b Metric) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.groups, func(a, b GroupScore) int { return cmp.Compare(a.Group, b.Group) })
	slices.SortFunc(s.confusion, func(a, b Confusion) int { return cmp.Compare(a.Group, b.Group) })
	r.Metrics, r.Groups, r.Items, r.Confusion, r.Curve = s.metrics, s.groups, s.items, s.confusion, s.curve
}

// Headline is the metric that speaks for a task.
func Headline(t datasets.Task) string {
	switch t {
	case datasets.Events:
		return "f1"
	case datasets.Gateway:
		return "exact_recovery"
	}
	return "macro_recall"
}

// ratio is a / b, and 0 when b is 0.
func ratio[T int | int64 | float64](a, b T) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// recalls counts clips by true class.
type recalls struct{ right, total map[string]int }

func newRecalls() *recalls { return &recalls{map[string]int{}, map[string]int{}} }

func (c *recalls) add(truth, guess string) {
	c.total[truth]++
	if guess == truth {
		c.right[truth]++
	}
}

// scoreClips scores whole-trace guesses: macro recall over the classes that
// occur, accuracy and counts. Unknown is an error.
func scoreClips(tests []answered) scores {
	var s scores
	all, groups := newRecalls(), map[string]*recalls{}
	correct := 0
	for _, t := range tests {
		truth, guess, p := t.rec.ClipClass(), datasets.Unknown, 0.0
		if len(t.answer.Clip) > 0 {
			guess, p = t.answer.Clip[0].Class, t.answer.Clip[0].P
		}
		s.items = append(s.items, Item{Recording: t.rec.ID, Group: t.rec.Group, Truth: truth, Answer: guess, Score: p})
		if groups[t.rec.Group] == nil {
			groups[t.rec.Group] = newRecalls()
		}
		all.add(truth, guess)
		groups[t.rec.Group].add(truth, guess)
		if guess == truth {
			correct++
		}
	}
	for name, g := range groups {
		n := 0
		for _, k := range g.total {
			n += k
		}
		s.groups = append(s.groups, GroupScore{Group: name, Value: meanRecall(g.right, g.total), N: n})
	}
	s.add("correct", float64(correct))
	s.add("tested", float64(len(tests)))
	s.add("accuracy", ratio(correct, len(tests)))
	s.add("macro_recall", meanRecall(all.right, all.total))
	return s
}

// meanRecall averages right/total over classes, in sorted order so that the
// sum is the same each time.
func meanRecall[T int | int64](right, total map[string]T) float64 {
	classes := make([]string, 0, len(total))
	for c := range total {
		classes = append(classes, c)
	}
	slices.Sort(classes)
	var sum float64
	n := 0
	for _, c := range classes {
		if total[c] > 0 {
			sum += float64(right[c]) / float64(total[c])
			n++
		}
	}
	return ratio(sum, float64(n))
}

// scoreDevices scores per-packet guesses with one confusion matrix per group.
// real_recall and real_accuracy leave the defense's own packets out.
func scoreDevices(classes []string, tests []answered) scores {
	var s scores
	names := slices.Clone(classes)
	for _, extra := range []string{datasets.Cover, datasets.Nobody} {
		if !slices.Contains(names, extra) {
			names = append(names, extra)
		}
	}
	names = append(names, datasets.Unknown)
	index := map[string]int{}
	for i, n := range names {
		index[n] = i
	}
	byGroup := map[string][][]int64{}
	for _, t := range tests {
		m := byGroup[t.rec.Group]
		if m == nil {
			m = square(len(names))
			byGroup[t.rec.Group] = m
		}
		countDevices(m, index, t)
	}
	sum := square(len(names))
	for g, m := range byGroup {
		recall, n := matrixRecall(m)
		s.groups = append(s.groups, GroupScore{Group: g, Value: recall, N: int(n)})
		s.confusion = append(s.confusion, Confusion{Group: g, Classes: names, Counts: m})
		for i := range m {
			for j := range m[i] {
				sum[i][j] += m[i][j]
			}
		}
	}
	recall, n := matrixRecall(sum)
	s.add("macro_recall", recall)
	s.add("accuracy", matrixAccuracy(sum))
	s.add("packets", float64(n))
	clear(sum[index[datasets.Cover]])
	recall, n = matrixRecall(sum)
	s.add("real_recall", recall)
	s.add("real_accuracy", matrixAccuracy(sum))
	s.add("real_packets", float64(n))
	return s
}

func square(n int) [][]int64 {
	m := make([][]int64, n)
	for i := range m {
		m[i] = make([]int64, n)
	}
	return m
}

func countDevices(m [][]int64, index map[string]int, t answered) {
	unknown := len(m) - 1
	of := make([]int, len(t.labels.Devices))
	for i, d := range t.labels.Devices {
		of[i] = index[d]
	}
	for i, o := range t.labels.Owners {
		truth, guess := index[datasets.Nobody], unknown
		if o >= 0 {
			truth = of[o]
		}
		if i < len(t.answer.Devices) && t.answer.Devices[i].Class >= 0 {
			guess = int(t.answer.Devices[i].Class)
		}
		m[truth][guess]++
	}
}

// matrixRecall is the mean recall over the rows that occur, and the number of
// packets.
func matrixRecall(m [][]int64) (recall float64, n int64) {
	rows := 0
	for i, row := range m {
		var sum int64
		for _, c := range row {
			sum += c
		}
		if sum > 0 {
			recall += float64(row[i]) / float64(sum)
			rows++
		}
		n += sum
	}
	return ratio(recall, float64(rows)), n
}

func matrixAccuracy(m [][]int64) float64 {
	var right, n int64
	for i, row := range m {
		right += row[i]
		for _, c := range row {
			n += c
		}
	}
	return ratio(right, n)
}
