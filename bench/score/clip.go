package score

import (
	"slices"

	"veilbench/bench/results"
	"veilbench/datasets"
)

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
// occur, accuracy and counts. Unknown is an error; classes that nobody can tell
// apart are one.
func scoreClips(ds *datasets.Dataset, tests []Test) Scores {
	var s Scores
	merge := NewClasses(ds.Same)
	all, groups := newRecalls(), map[string]*recalls{}
	correct := 0

	for _, t := range tests {
		// No answer is Unknown, which is no class: silence scores as an error.
		truth, guess, p := merge.Class(t.Recording.ClipClass()), datasets.Unknown, 0.0
		if len(t.Answer.Clip) > 0 {
			guess, p = merge.Class(t.Answer.Clip[0].Class), t.Answer.Clip[0].P
		}

		s.Items = append(s.Items, results.Item{Recording: t.Recording.ID, Group: t.Recording.Group, Truth: truth, Answer: guess, Score: p})
		if groups[t.Recording.Group] == nil {
			groups[t.Recording.Group] = newRecalls()
		}
		all.add(truth, guess)
		groups[t.Recording.Group].add(truth, guess)
		if guess == truth {
			correct++
		}
	}

	for name, g := range groups {
		n := 0
		for _, k := range g.total {
			n += k
		}
		s.Groups = append(s.Groups, results.GroupScore{Group: name, Value: meanRecall(g.right, g.total), N: n})
	}

	s.add(results.Correct, float64(correct))
	s.add(results.Tested, float64(len(tests)))
	if len(tests) == 0 {
		return s
	}
	s.add(results.Accuracy, results.Ratio(correct, len(tests)))
	s.add(results.MacroRecall, meanRecall(all.right, all.total))
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
	return results.Ratio(sum, float64(n))
}
