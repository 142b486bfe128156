package score

import (
	"fmt"
	"strings"

	"veilbench/attacks"
	"veilbench/attacks/match"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// scoreCommands scores candidate lists. A command pairs with the first free
// message within match.Tolerance of it; a command without one counts as not
// found in every metric. methods: in_candidates and in_candidates_bounded as
// published by Junges, Francois and Festor, and the mean number of candidates in
// each, of messages that were found: bounding buys shorter lists with commands
// lost, and a list that it empties is 0 long as it is wrong. exact_recovery
// expects a draw among the candidates of the last stage.
func scoreCommands(actions []string, tests []Test) Scores {
	var s Scores
	groups := map[string]*results.GroupScore{}
	var sum struct {
		n, listed, in, bounded, unique, named int
		candidates, left                      int
		recovery                              float64
	}

	for _, t := range tests {
		g := groups[t.Recording.Group]
		if g == nil {
			g = &results.GroupScore{Group: t.Recording.Group}
			groups[t.Recording.Group] = g
		}

		pair := matchCommands(t.Labels.Commands, t.Answer.Commands)
		for i, cmd := range t.Labels.Commands {
			truth := countsOf(actions, cmd.Actions)
			it := results.Item{Recording: t.Recording.ID, Group: t.Recording.Group, TimeS: results.Seconds(cmd.Time), Truth: CommandName(cmd.Actions), Answer: datasets.Unknown}

			sum.n++
			g.N++

			// A command without a message stays wrong in every share; the mean number of
			// candidates is over those that have one.
			if d := pair[i]; d >= 0 {
				m := t.Answer.Commands[d]
				v := judgeMessage(truth, m)
				sum.listed++
				sum.candidates += len(m.Candidates)
				sum.left += len(m.Bounded)
				sum.in += v.in
				sum.bounded += v.bounded
				sum.unique += v.unique
				sum.named += v.named
				sum.recovery += v.recovery
				g.Value += v.recovery
				it.Score = v.recovery
				if m.Best >= 0 {
					it.Answer = CommandName(actionsOf(actions, m.Candidates[m.Best]))
				}
			}

			s.Items = append(s.Items, it)
		}
	}

	// A group without a command has no score, and no command at all no share.
	for _, g := range groups {
		if g.N == 0 {
			continue
		}
		g.Value = results.Ratio(g.Value, float64(g.N))
		s.Groups = append(s.Groups, *g)
	}

	s.add(results.Tested, float64(sum.n))
	if sum.n == 0 {
		return s
	}
	s.add(results.MessagesFound, results.Ratio(sum.listed, sum.n))
	s.add(results.InCandidates, results.Ratio(sum.in, sum.n))
	s.add(results.InCandidatesBounded, results.Ratio(sum.bounded, sum.n))
	s.add(results.Unique, results.Ratio(sum.unique, sum.n))
	s.add(results.NamedRight, results.Ratio(sum.named, sum.n))
	s.add(results.CandidatesMean, results.Ratio(sum.candidates, sum.listed))
	s.add(results.CandidatesBounded, results.Ratio(sum.left, sum.listed))
	s.add(results.ExactRecovery, results.Ratio(sum.recovery, float64(sum.n)))
	return s
}

// messageVerdict is what one message says of one command, to be summed; recovery
// is the chance that one of the candidates, drawn at random, is right.
type messageVerdict struct {
	in, bounded, unique, named int
	recovery                   float64
}

// judgeMessage compares the candidates of a message with the actions that it
// really carried, both as counts by action.
func judgeMessage(truth []uint8, m attacks.Message) messageVerdict {
	var v messageVerdict
	if len(m.Candidates) == 1 {
		v.unique = 1
	}

	at := -1
	for i, c := range m.Candidates {
		if string(c) == string(truth) {
			at, v.in = i, 1
		}
	}
	if at < 0 {
		return v
	}

	if m.Best == at {
		v.named = 1
	}
	v.recovery = 1 / float64(len(m.Candidates))
	for _, b := range m.Bounded {
		if b == at {
			v.bounded = 1
		}
	}
	if len(m.Bounded) > 0 {
		// The second stage replaces the list, right or wrong.
		v.recovery = float64(v.bounded) / float64(len(m.Bounded))
	}
	return v
}

// matchCommands gives each command the first free message that is not earlier
// than match.Tolerance before and not later than match.Tolerance after it.
func matchCommands(cmds []datasets.Command, msgs []attacks.Message) []int {
	out := make([]int, len(cmds))
	next := 0

	for i, c := range cmds {
		out[i] = -1
		for next < len(msgs) && msgs[next].Time < c.Time-match.Tolerance {
			next++
		}
		if next < len(msgs) && msgs[next].Time <= c.Time+match.Tolerance {
			out[i] = next
			next++
		}
	}
	return out
}

// countsOf counts each of actions in a, at most 255, as candidates do.
func countsOf(actions []string, a []datasets.ActionCount) []uint8 {
	out := make([]uint8, len(actions))
	for i, name := range actions {
		for _, x := range a {
			if x.Action == name {
				out[i] = uint8(min(x.Count, 255))
			}
		}
	}
	return out
}

// actionsOf is the inverse of countsOf.
func actionsOf(actions []string, counts []uint8) []datasets.ActionCount {
	var out []datasets.ActionCount
	for i, n := range counts {
		if n > 0 {
			out = append(out, datasets.ActionCount{Action: actions[i], Count: int(n)})
		}
	}
	return out
}

// CommandName writes actions as "2 x switch_on + dim_level".
func CommandName(a []datasets.ActionCount) string {
	var parts []string
	for _, x := range a {
		if x.Count > 1 {
			parts = append(parts, fmt.Sprintf("%d x %s", x.Count, x.Action))
		} else {
			parts = append(parts, x.Action)
		}
	}
	return strings.Join(parts, " + ")
}
