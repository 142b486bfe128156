// Package fusion joins what several event attacks say, at one vantage point or two.
package fusion

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// Attack is late fusion: each member looks for events by itself, detections of one
// class that begin within match.Tolerance of each other are joined to a candidate,
// and a logistic regression over the members' scores says how likely it is an
// event. Members err in their own ways (sizes, rates, sequences), so what two of
// them see is rarely a false alarm, and what only one can see behind a defense is
// not lost.
//
// Where an observer sees the home at two places, each member looks for events at
// each of them, and all that they say is weighed together: what a defense or the
// view hides at one place may show at the other. Both views have one clock, so what
// is one event to the members at one place is one across places, too.
//
// The weights are learned from detections in traffic that the members were not
// trained on: on their own training traffic those that overfit most would weigh
// most.
type Attack struct{ members []attacks.Attack }

var _ attacks.Attack = Attack{}

// Of joins the members that answer the event task and are no controls. It has no
// parameters of its own.
func Of(all ...attacks.Attack) Attack {
	return Attack{slices.DeleteFunc(slices.Clone(all), func(a attacks.Attack) bool {
		return a.Info().Control || !slices.Contains(a.Info().Tasks, datasets.TaskEvent)
	})}
}

// Info names the one task; late fusion is common practice.
func (Attack) Info() attacks.Info {
	return attacks.Info{Name: "fusion", Doc: "scores of all event attacks, weighed by a logistic regression", Tasks: []datasets.Task{datasets.TaskEvent}, Pairs: true}
}

// folds is in how many parts training is cut for the weights; each member is
// trained once for each part and once on all.
const folds = 2

// Train trains the members on each fold's rest, learns the weights from what they
// say of the fold, and trains them again on everything.
func (a Attack) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	fold, n := bursts.Folds(t, folds)
	if n < 2 {
		for i := range fold { // one group: recordings stand for groups
			fold[i] = i % folds
		}
	}

	var found [][]candidate
	var truth [][]match.Span
	for f := range folds {
		rest := t
		rest.Examples = pick(t.Examples, fold, func(x int) bool { return x != f })
		held := pick(t.Examples, fold, func(x int) bool { return x == f })
		if len(rest.Examples) == 0 || len(held) == 0 {
			continue
		}
		members, err := a.train(ctx, rng, rest)
		if err != nil {
			return nil, err
		}
		for _, e := range held {
			c, err := members.candidates(ctx, views(e))
			if err != nil {
				return nil, err
			}
			found, truth = append(found, c), append(truth, match.Truth(e.Labels))
		}
	}

	m := &model{weights: weigh(found, truth, len(a.members)*len(places(t)))}
	scored := make([][]attacks.Burst, len(found))
	for i, cs := range found {
		scored[i] = m.weights.bursts(cs)
	}
	_, m.threshold = bursts.BestThreshold(truth, scored)

	var err error
	m.members, err = a.train(ctx, rng, t)
	return m, err
}

// pick returns the examples of the folds wanted.
func pick(all []attacks.Labeled, fold []int, want func(fold int) bool) []attacks.Labeled {
	var out []attacks.Labeled
	for i, e := range all {
		if want(fold[i]) {
			out = append(out, e)
		}
	}
	return out
}

// places are the trainings at each of the observer's places, the inner one first.
func places(t attacks.Training) []attacks.Training {
	if len(t.Examples) == 0 || t.Examples[0].Second == nil {
		return []attacks.Training{t}
	}
	outer := t
	outer.Examples = slices.Clone(t.Examples)
	for i, e := range t.Examples {
		outer.Examples[i].Trace, outer.Examples[i].Labels = e.Second.Trace, e.Second.Labels
	}
	return []attacks.Training{t, outer}
}

// views are what e shows at each place.
func views(e attacks.Labeled) []datasets.Trace {
	if e.Second == nil {
		return []datasets.Trace{e.Trace}
	}
	return []datasets.Trace{e.Trace, e.Second.Trace}
}

// members are trained attacks: all of one place, then all of the next.
type members []member

// member is an attack that was trained on what one place shows.
type member struct {
	attacks.Model
	place int
}

// train trains every member at every place, each with draws of its own: how many
// one of them takes must not change the next.
func (a Attack) train(ctx context.Context, rng *rand.Rand, t attacks.Training) (members, error) {
	var out members
	for place, t := range places(t) {
		for _, one := range a.members {
			m, err := one.Train(ctx, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())), t)
			if err != nil {
				return nil, err
			}
			out = append(out, member{m, place})
		}
	}
	return out, ctx.Err()
}

// candidate is detections of one class that begin close to each other.
type candidate struct {
	start, end time.Duration
	class      string
	alert      bool
	// score is the best of each member, 0 of one that saw nothing; called says that
	// it reached the member's own threshold.
	score  []float64
	called []bool
	// rivals is how many members call another class at that time.
	rivals int
}

// candidates asks every member about the view of its place, in order of time, then
// class. A member whose place has no view says nothing.
func (ms members) candidates(ctx context.Context, views []datasets.Trace) ([]candidate, error) {
	var all []candidate // of one burst each
	for i, m := range ms {
		if m.place >= len(views) {
			continue
		}
		a, err := m.Guess(ctx, views[m.place])
		if err != nil {
			return nil, err
		}
		for _, b := range a.Events {
			if c := b.Ranked[0].Class; c == datasets.Other || c == datasets.Unknown {
				continue
			}
			one := candidate{b.Start, b.End, b.Ranked[0].Class, b.Alert, make([]float64, len(ms)), make([]bool, len(ms)), 0}
			one.score[i], one.called[i] = b.Score, b.Score >= a.Threshold
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.class, b.class))
	})
	return countRivals(join(all, match.Tolerance)), nil
}

// join joins candidates of one class that begin within the given time of the first
// of them. all is in order of start, and so is the result.
func join(all []candidate, within time.Duration) []candidate {
	var out []candidate
	open := map[string]int{} // the newest of a class in out
	for _, c := range all {
		at, ok := open[c.class]
		if !ok || c.start-out[at].start > within {
			open[c.class] = len(out)
			out = append(out, c)
			continue
		}

		// Time is measured from the first, as bursts.MergeBursts does and for the same
		// reason.
		o := &out[at]
		o.end, o.alert = max(o.end, c.end), o.alert || c.alert
		for i := range c.score {
			o.score[i] = max(o.score[i], c.score[i])
			o.called[i] = o.called[i] || c.called[i]
		}
	}
	return out
}

// countRivals sets how many members call something else near each candidate.
func countRivals(all []candidate) []candidate {
	from := 0
	for i := range all {
		for all[i].start-all[from].start > match.Tolerance {
			from++
		}
		// By members, not by candidates: one that calls several things at once knows no
		// more than one that calls one.
		rival := make([]bool, len(all[i].called))
		for j := from; j < len(all) && all[j].start-all[i].start <= match.Tolerance; j++ {
			if all[j].class == all[i].class {
				continue
			}
			for k, called := range all[j].called {
				rival[k] = rival[k] || called
			}
		}
		for _, r := range rival {
			if r {
				all[i].rivals++
			}
		}
	}
	return all
}

// model is the members with what their scores are worth.
type model struct {
	members   members
	weights   weights
	threshold float64
}

var _ attacks.PairModel = &model{}

// Guess lists the candidates with the probability that they are events.
func (m *model) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	return m.answer(ctx, t)
}

// GuessPair is Guess with the members at both places.
func (m *model) GuessPair(ctx context.Context, inner, outer datasets.Trace) (attacks.Answer, error) {
	return m.answer(ctx, inner, outer)
}

func (m *model) answer(ctx context.Context, views ...datasets.Trace) (attacks.Answer, error) {
	found, err := m.members.candidates(ctx, views)
	if err != nil {
		return attacks.Answer{}, err
	}
	return attacks.Answer{Events: m.weights.bursts(found), Threshold: m.threshold}, ctx.Err()
}
