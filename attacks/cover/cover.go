// Package cover lets an attack look past the packets that a defense made up.
package cover

import (
	"context"
	"math/rand/v2"
	"slices"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
)

// Attack is another attack behind a filter: in training the labels say which
// packets are a defense's own (datasets.Cover), so an attacker that knows the
// defense learns what these look like, each packet by itself with its neighbors in
// the flow (packetFeatures), and leaves out what looks like them. Sums of sizes
// and sequences of packets, which one dummy packet spoils, are then again those of
// the device.
//
// Whether the filter helps is decided inside training, by validation over groups:
// where dummy packets look like others it would take away as much of the signal as
// of the noise, and is left out. Without any in training the attack is the other
// one to the byte.
type Attack struct{ of attacks.Attack }

var _ attacks.Attack = Attack{}

// Without returns a behind the filter, under the name uncover-NAME; it has no
// parameters of its own, and those of a stay as they are.
func Without(a attacks.Attack) Attack { return Attack{a} }

// Info is that of the other attack but for the name and what is said of it.
func (a Attack) Info() attacks.Info {
	i := a.of.Info()
	i.Name = "uncover-" + i.Name
	i.Doc += ", packets that look like cover left out"
	return i
}

// Train learns the filter and the other attack. Each example is filtered by what
// the other groups teach, so that the other attack learns from traces as the
// filter leaves unseen ones, with its errors.
func (a Attack) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	fold, n := bursts.Folds(t, 3)
	if n < 2 || !slices.ContainsFunc(t.Examples, hasCover) {
		return a.of.Train(ctx, rng, t)
	}

	seed := rng.Uint64()
	bare := t
	bare.Examples = slices.Clone(t.Examples)
	for f := range n {
		filter, err := learnFilter(ctx, seed, pick(t.Examples, fold, func(x int) bool { return x != f }))
		if err != nil {
			return nil, err
		}
		for i, e := range t.Examples {
			if fold[i] != f {
				continue
			}
			if bare.Examples[i], err = filter.strip(ctx, e); err != nil {
				return nil, err
			}
		}
	}

	// By a margin: the other attack as it is has no filter that may fail it on
	// traffic unlike that of training.
	plain, err := a.validate(ctx, seed, t, t, fold)
	if err != nil {
		return nil, err
	}
	filtered, err := a.validate(ctx, seed, bare, t, fold)
	if err != nil {
		return nil, err
	}
	if filtered <= plain+margin {
		return a.of.Train(ctx, rng, t)
	}

	m := &model{cover: slices.Index(t.Classes, datasets.Cover)}
	if m.filter, err = learnFilter(ctx, seed, t.Examples); err != nil {
		return nil, err
	}
	m.of, err = a.of.Train(ctx, rng, bare)
	return m, err
}

// By so much must the filter be better in validation.
const margin = 0.02

// validate trains on what is not of fold 0 and scores the answers about fold 0.
// whole holds the examples of t before any were filtered: what is left out must be
// found all the same.
func (a Attack) validate(ctx context.Context, seed uint64, t, whole attacks.Training, fold []int) (float64, error) {
	train := t
	train.Examples = pick(t.Examples, fold, func(f int) bool { return f != 0 })
	m, err := a.of.Train(ctx, rand.New(rand.NewPCG(seed, 1)), train)
	if err != nil {
		return 0, err
	}

	var s tally
	for i, e := range t.Examples {
		if fold[i] != 0 {
			continue
		}
		answer, err := m.Guess(ctx, e.Trace)
		if err != nil {
			return 0, err
		}
		s.add(t.Task, t.Classes, e, whole.Examples[i], answer)
	}
	return s.score(), nil
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

// model is the other attack's, asked about filtered traces.
type model struct {
	filter *filter
	of     attacks.Model
	cover  int // class of cover, -1 where the task has none
}

// Guess asks the other model about what is left of t. Of packets left out it says
// that they are cover.
func (m *model) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	kept, err := m.filter.keep(ctx, t)
	if err != nil {
		return attacks.Answer{}, err
	}
	a, err := m.of.Guess(ctx, only(t, kept))
	if err != nil || a.Devices == nil {
		return a, err
	}

	owners := slices.Repeat([]attacks.Owner{{Class: int32(m.cover), P: 1}}, len(t.Packets))
	for i, k := range kept {
		owners[k] = a.Devices[i]
	}
	a.Devices = owners
	return a, nil
}

// only is t with some of its packets. Its flows stay, though nothing may be left on
// some: packets index them.
func only(t datasets.Trace, kept []int32) datasets.Trace {
	packets := make([]datasets.Packet, len(kept))
	for i, k := range kept {
		packets[i] = t.Packets[k]
	}
	t.Packets = packets
	return t
}
