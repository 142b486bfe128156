package score

import (
	"time"

	"veilbench/attacks"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// The classes of a detect task, sorted.
const (
	Off = "off"
	On  = "on"
)

// DetectFloor is the mean recall of saying one of the two always.
const DetectFloor = 0.5

// Hour is an hour of a home behind a defense, or behind what it is compared with,
// and what was said of it.
type Hour struct {
	Recording *datasets.Recording
	Start     time.Duration
	On        bool
	// Defense is the ID of what was on.
	Defense string
	// Answer names On or Off, Named one of the defenses that it may be.
	Answer, Named attacks.Answer
}

// OfHours scores hours of a detect task: the mean of the shares of hours with and
// without the defense that are told right, and the share of those with it in which
// it is named among others. A group counts where both kinds are there.
func OfHours(hours []Hour) Scores {
	var s Scores
	all, groups := newRecalls(), map[string]*recalls{}
	named, on := 0, 0

	for _, h := range hours {
		truth, guess, p := Off, datasets.Unknown, 0.0
		if h.On {
			truth = On
		}
		if len(h.Answer.Clip) > 0 {
			guess, p = h.Answer.Clip[0].Class, h.Answer.Clip[0].P
		}
		item := results.Item{Recording: h.Recording.ID, Group: h.Recording.Group, TimeS: h.Start.Seconds(), Truth: truth, Answer: guess, Score: p, Named: datasets.Unknown}
		if len(h.Named.Clip) > 0 {
			item.Named = h.Named.Clip[0].Class
		}
		s.Items = append(s.Items, item)

		// Which defense it is is asked where there is one: off is a tunnel that others have
		// too.
		if groups[item.Group] == nil {
			groups[item.Group] = newRecalls()
		}
		all.add(truth, guess)
		groups[item.Group].add(truth, guess)
		if h.On {
			on++
			if item.Named == h.Defense {
				named++
			}
		}
	}

	for name, g := range groups {
		s.Groups = append(s.Groups, results.GroupScore{Group: name, Value: meanRecall(g.right, g.total), N: g.total[Off] + g.total[On]})
	}
	s.add(results.Tested, float64(len(hours)))
	if len(hours) > 0 {
		s.add(results.Detected, meanRecall(all.right, all.total))
	}
	if on > 0 {
		s.add(results.DefenseNamed, results.Ratio(named, on))
	}
	s.sort()
	return s
}
