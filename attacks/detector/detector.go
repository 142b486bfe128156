// Package detector tells from an hour of a home's traffic whether a defense is on,
// and which: not what it hides, but that it hides.
//
// Read this file first: it learns and answers. hour.go makes numbers of an hour.
package detector

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/features"
	"veilbench/attacks/forest"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// Forest is a random forest over what an hour looks like: how sizes, gaps and
// volumes are distributed, how even its minutes are, whether it repeats itself. It
// looks at no address and no name, so it works on homes that it never saw.
type Forest struct {
	Trees int `help:"number of trees"`
}

var (
	_ attacks.Attack   = Forest{}
	_ attacks.Featurer = Forest{}
)

// New has 200 trees: hours to learn from are few, and trees cost little.
func New() Forest { return Forest{Trees: 200} }

// Info describes the attack.
func (Forest) Info() attacks.Info {
	return attacks.Info{
		Name: "detect-forest", Doc: "random forest over sizes, gaps and rhythm of an hour",
		Tasks: []datasets.Task{datasets.TaskDetect},
	}
}

// Validate refuses a forest without trees and one that no memory holds.
func (a Forest) Validate() error { return params.Within("trees", a.Trees, 1, 100_000) }

// model is a forest with the classes that it votes for.
type model struct {
	forest  *forest.Forest // nil: nothing to learn from
	classes []string
}

// Train grows the forest on all examples; nothing is left to be chosen.
func (a Forest) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	m := &model{classes: slices.Clone(t.Classes)}
	columns := make([][]float32, width())
	var y []int32
	var row []float32
	for _, e := range t.Examples {
		// Vectors of hours take longer than the trees.
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		class := slices.Index(m.classes, e.Class)
		if class < 0 {
			continue
		}
		row = extract(row[:0], e.Trace)
		for j, x := range row {
			columns[j] = append(columns[j], x)
		}
		y = append(y, int32(class))
	}
	if len(y) == 0 {
		return m, ctx.Err()
	}

	var err error
	m.forest, err = forest.Train(ctx, columns, y, len(m.classes), forest.Options{Trees: a.Trees, Seed: rng.Uint64()})
	return m, err
}

// Guess ranks the classes by the shares of the trees' votes.
func (m *model) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	if m.forest == nil {
		return attacks.Answer{Clip: bursts.UnknownRank()}, ctx.Err()
	}
	p := make([]float64, len(m.classes))
	m.forest.Predict(extract(nil, t), p)
	out := make([]attacks.Ranked, len(p))
	for i, x := range p {
		out[i] = attacks.Ranked{Class: m.classes[i], P: x}
	}
	slices.SortStableFunc(out, func(a, b attacks.Ranked) int {
		return cmp.Or(cmp.Compare(b.P, a.P), cmp.Compare(a.Class, b.Class))
	})
	return attacks.Answer{Clip: out}, ctx.Err()
}

// Vectors shows each hour as one item.
func (Forest) Vectors(task datasets.Task, l attacks.Labeled) attacks.Features {
	if task != datasets.TaskDetect {
		return attacks.Features{}
	}
	return attacks.Features{
		Items: 1, Class: func(int) string { return l.Class },
		Sets: []attacks.FeatureSet{{Name: "hour", Names: names(), Vector: func(int) []float32 { return extract(nil, l.Trace) }}},
	}
}

// sizes is the histogram of sizes that event-forest knows.
func sizes() features.Set { return features.Sets()[0] }
