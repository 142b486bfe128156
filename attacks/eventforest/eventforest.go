// Package eventforest tells what happened with random forests over features of
// bursts.
package eventforest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/features"
	"veilbench/attacks/forest"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Attack is the strong classical companion of event-knn: a random forest
// over features of a whole clip or of a burst, which forgives other numbers of
// packets, other lengths and other gaps. The feature set and the gap that
// closes a burst are chosen by validation inside training, by groups.
//
// In the event task a burst of a stream that was met in training is judged by
// a forest that also knows which stream it is, any other by a forest that does
// not: nothing goes unheard because its address is new.
type Attack struct {
	Trees    int     `help:"number of trees" zero:"400 for clips, 100 for bursts"`
	Features string  `help:"hist, kfp or cumul; auto: chosen inside training"`
	GapS     float64 `help:"gap between packets that closes a burst, in seconds" zero:"chosen inside training"`
	PairS    float64 `help:"how far a burst may be from its event in the log, in seconds"`
}

var _ attacks.Attack = Attack{}

// Info describes the attack.
func (Attack) Info() attacks.Info {
	return attacks.Info{
		Name: "event-forest", Doc: "random forest over sizes, counts and times of a burst",
		Tasks: []datasets.Task{datasets.TaskEvent, datasets.TaskClip},
		Cite:  "features: Hayes and Danezis, k-fingerprinting, USENIX Security 2016; Panchenko et al., CUMUL, NDSS 2016",
		Works: cite.Of("hayes2016kfp", "panchenko2016cumul"),
	}
}

// Validate refuses a feature set that is not one and numbers out of range.
func (a Attack) Validate() error {
	return cmp.Or(
		params.OneOf("features", a.Features, "auto", "hist", "kfp", "cumul"),
		params.Within("trees", a.Trees, 0, 10000),
		params.Within("gap_s", a.GapS, 0, 3600),
		params.Within("pair_s", a.PairS, 0.001, 3600),
	)
}

// sets lists the feature sets to choose from, in order of preference.
func (a Attack) sets() []features.Set {
	all := features.Sets()
	if a.Features == "auto" {
		return all
	}
	return slices.DeleteFunc(all, func(s features.Set) bool { return s.Name != a.Features })
}

// tuneTrees is the size of the forests that validation compares.
const tuneTrees = 12

// Train extracts features, chooses what is left open and grows the forest. One
// number is all it draws from rng; forests make theirs of that.
func (a Attack) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	seed := rng.Uint64()
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	// Clips come in hundreds and of many classes, where more trees still help
	// (spoken commands across sessions: 0.21 with 100, 0.24 with 400).
	if a.Trees == 0 && t.Task == datasets.TaskClip {
		a.Trees = 400
	} else if a.Trees == 0 {
		a.Trees = 100
	}

	if t.Task == datasets.TaskClip {
		return a.trainClips(ctx, seed, t)
	}
	return a.trainEvents(ctx, seed, t)
}

// featureTable holds feature vectors, one per row, as columns.
type featureTable struct {
	columns [][]float32
	class   []int32
}

// newFeatureTable has room for so many rows.
func newFeatureTable(width, rows int) *featureTable {
	t := &featureTable{columns: make([][]float32, width), class: make([]int32, 0, rows)}
	room := make([]float32, width*rows)
	for j := range t.columns {
		t.columns[j], room = room[:0:rows], room[rows:]
	}
	return t
}

// add appends a row, of which v may be only the first part; the rest is 0.
func (f *featureTable) add(v []float32, class int32) {
	for j := range f.columns {
		x := float32(0)
		if j < len(v) {
			x = v[j]
		}
		f.columns[j] = append(f.columns[j], x)
	}
	f.class = append(f.class, class)
}

// clipModel is a forest over whole clips. A class is its place in classes.
type clipModel struct {
	classes []string
	set     features.Set
	forest  *forest.Forest // nil without training examples
}

// trainClips chooses the feature set by cross-validation over three folds, of
// groups where there are several (Training.Within: recordings), and grows the forest on all examples.
func (a Attack) trainClips(ctx context.Context, seed uint64, t attacks.Training) (attacks.Model, error) {
	fold, n := bursts.Folds(t, clipFolds)
	if n < 2 {
		for i := range fold {
			fold[i] = i % clipFolds
		}
	}

	m := &clipModel{classes: slices.Clone(t.Classes)}
	var best *featureTable
	score := -1.0
	sets := a.sets()
	for _, set := range sets {
		table := newFeatureTable(set.Width, len(t.Examples))
		var rowFold []int
		for i, e := range t.Examples {
			if c, ok := slices.BinarySearch(m.classes, e.Class); ok {
				table.add(set.Extract(nil, e.Trace, bursts.AllPackets(e.Trace)), int32(c))
				rowFold = append(rowFold, fold[i])
			}
		}

		// The first of equal ones is taken: sets are in order of preference. One
		// alone needs no forests to be chosen.
		s := 0.0
		if len(sets) > 1 {
			var err error
			if s, err = validateTable(ctx, table, rowFold, len(m.classes), seed); err != nil {
				return nil, err
			}
		}
		if s > score {
			best, score, m.set = table, s, set
		}
	}

	if len(best.class) == 0 {
		return m, ctx.Err()
	}
	var err error
	m.forest, err = forest.Train(ctx, best.columns, best.class, len(m.classes), forest.Options{Trees: a.Trees, Seed: seed})
	return m, err
}

// clipFolds is how many folds the validation of clips makes.
const clipFolds = 3

// validateTable is the accuracy of small forests over rows of folds they were
// not grown on.
func validateTable(ctx context.Context, table *featureTable, fold []int, classes int, seed uint64) (float64, error) {
	right, rows := 0, 0
	for f := range clipFolds {
		held := 0
		for _, x := range fold {
			if x == f {
				held++
			}
		}
		train, test := newFeatureTable(len(table.columns), len(fold)-held), newFeatureTable(len(table.columns), held)
		row := make([]float32, len(table.columns))
		for i, c := range table.class {
			for j := range row {
				row[j] = table.columns[j][i]
			}
			if fold[i] == f {
				test.add(row, c)
			} else {
				train.add(row, c)
			}
		}
		if len(train.class) == 0 || len(test.class) == 0 {
			continue
		}

		forest, err := forest.Train(ctx, train.columns, train.class, classes, forest.Options{Trees: 2 * tuneTrees, Seed: seed})
		if err != nil {
			return 0, err
		}
		p, err := forest.PredictAll(ctx, test.columns, 0)
		if err != nil {
			return 0, err
		}

		// A tie for the first place counts as right, in every set alike.
		for i, c := range test.class {
			rows++
			if row := p[i*classes : (i+1)*classes]; row[c] == slices.Max(row) {
				right++
			}
		}
	}
	return float64(right) / float64(max(rows, 1)), nil
}

// Guess ranks the classes of a clip by the share of the forest's votes; without
// training examples it answers Unknown.
func (m *clipModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	if m.forest == nil {
		return attacks.Answer{Clip: bursts.UnknownRank()}, ctx.Err()
	}
	p := make([]float64, len(m.classes))
	m.forest.Predict(m.set.Extract(nil, t, bursts.AllPackets(t)), p)
	return attacks.Answer{Clip: rankClasses(m.classes, p)}, ctx.Err()
}

// rankClasses lists classes of a probability above 0, best first, ties
// alphabetically.
func rankClasses[F float32 | float64](classes []string, p []F) []attacks.Ranked {
	var out []attacks.Ranked
	for c, x := range p {
		if x > 0 {
			out = append(out, attacks.Ranked{Class: classes[c], P: float64(x)})
		}
	}
	slices.SortStableFunc(out, func(a, b attacks.Ranked) int {
		return cmp.Or(cmp.Compare(b.P, a.P), cmp.Compare(a.Class, b.Class))
	})
	return out
}

// burstRow is a burst with its features.
type burstRow struct {
	start, end time.Duration
	key        bursts.StreamKey
	example    int
	fold       int
	class      int32 // an event's, or Other
	features   []float32
}
