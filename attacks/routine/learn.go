package routine

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/diary"
	"veilbench/attacks/forest"
	"veilbench/attacks/hmm"
)

// example is a training trace as a reader saw it, with its truth.
type example struct {
	sheet
	truth []diary.Truth
	phase []int
	fold  int
}

// phases is how many kinds of hours steps are told apart by: hours of the day, of
// working days and of weekends.
const phases = 24 * diary.Days

// Activity is learned in classes of counts: at least so many events begin in a slot.
var activityFrom = [...]int{0, 1, 2, 4, 8}

// activityClass is the class of a number of events.
func activityClass(events int) int {
	c := 0
	for c+1 < len(activityFrom) && events >= activityFrom[c+1] {
		c++
	}
	return c
}

// learn reads all examples and learns the diary from them.
func (s settings) learn(ctx context.Context, rng *rand.Rand, t attacks.Training, r reader) (attacks.Model, error) {
	m := &model{settings: s, reader: r, classes: len(t.Classes)}
	fold, folds := bursts.Folds(t, 2)
	var all []example
	for i, e := range t.Examples {
		read, err := r.read(ctx, e.Trace)
		if err != nil {
			return nil, err
		}
		x := example{sheet: read, truth: diary.Of(e.Labels, e.Trace.End, t.Classes), fold: fold[i]}
		for k := range x.truth {
			x.phase = append(x.phase, phaseOf(e.Trace.Start, k))
		}
		all = append(all, x)
	}

	// What one half of the groups teaches is tried on the other: how much a slot may
	// say is nothing that its own training could tell.
	trust := bursts.Choice[float64]{Value: 0.5, Score: math.Inf(-1)}
	seeds := [3]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64()}
	if folds == 2 {
		right := make([]float64, len(trusts))
		for f := range 2 {
			apart := func(held bool) []example {
				return slices.DeleteFunc(slices.Clone(all), func(x example) bool { return (x.fold == f) != held })
			}
			half, err := s.state(ctx, apart(false), len(t.Classes), seeds[f])
			if err != nil {
				return nil, err
			}
			if err := half.tryTrusts(ctx, apart(true), right); err != nil {
				return nil, err
			}
		}
		for k, v := range right {
			trust.Offer(trusts[k], v)
		}
	}

	var err error
	if m.state, err = s.state(ctx, all, len(t.Classes), seeds[2]); err != nil {
		return nil, err
	}
	if m.several, err = s.question(ctx, all, 2, seeds[2]+1, func(t diary.Truth) int { return t.Several }); err != nil {
		return nil, err
	}
	for _, q := range []*question{m.state, m.several} {
		if q != nil {
			q.trust = trust.Value
		}
	}
	m.activity, err = s.activityOf(ctx, all, seeds[2]+2)
	return m, err
}

// trusts are the powers that the likelihood of a slot may be taken to. Neighboring
// slots show the same doings, so each says less than if it stood alone.
var trusts = [...]float64{0.2, 0.35, 0.5, 0.75, 1}

// tryTrusts adds to right how many slots of held-out examples each trust gets right;
// none where nothing was learned.
func (q *question) tryTrusts(ctx context.Context, held []example, right []float64) error {
	if q == nil {
		return nil
	}
	for _, x := range held {
		emit, err := q.emit(ctx, x.sheet)
		if err != nil {
			return err
		}
		for k, trust := range trusts {
			for i, p := range q.chain.Posterior(q.habits(scaled(emit, trust), x.phase), x.phase) {
				if x.truth[i].State >= 0 && argmax(p) == x.truth[i].State {
					right[k]++
				}
			}
		}
	}
	return nil
}

// state learns the states.
func (s settings) state(ctx context.Context, all []example, classes int, seed uint64) (*question, error) {
	return s.question(ctx, all, classes, seed, func(t diary.Truth) int { return t.State })
}

// question learns one thing to be asked of each slot: answer is the class of a slot,
// below 0 where nobody knows it. Nil where no slot is known.
func (s settings) question(ctx context.Context, all []example, classes int, seed uint64, answer func(diary.Truth) int) (*question, error) {
	q := &question{table: newTable(all, classes, answer), prior: make([]float64, classes)}
	seen := hmm.NewCounts(classes, phases)
	var columns [][]float32
	var y []int32
	for _, x := range all {
		path := make([]int, len(x.truth))
		var known []int
		for i, t := range x.truth {
			if path[i] = answer(t); path[i] >= 0 {
				known = append(known, i)
				y = append(y, int32(path[i]))
				q.prior[path[i]]++
			}
		}
		seen.Add(path, x.phase)
		columns = appendRows(columns, q.columns(x.sheet), known)
	}
	if len(y) == 0 || len(columns) == 0 {
		return nil, ctx.Err()
	}

	// One step in twenty of those of all hours together: an hour of which a few days
	// are known must not be sure of itself.
	q.chain = seen.Chain(20)
	for i, n := range q.prior {
		q.prior[i] = (n + 1) / float64(len(y)+classes)
	}
	var err error
	q.forest, err = forest.Train(ctx, columns, y, classes, forest.Options{Trees: s.Trees, Seed: seed})
	return q, err
}

// appendRows appends the rows listed of from to columns.
func appendRows(columns, from [][]float32, rows []int) [][]float32 {
	if columns == nil {
		columns = make([][]float32, len(from))
	}
	for j, c := range from {
		for _, i := range rows {
			columns[j] = append(columns[j], c[i])
		}
	}
	return columns
}

// activityOf learns how many events begin in a slot. Slots of traces without labels
// of events teach that nothing happens, which they cannot know: they are left out.
func (s settings) activityOf(ctx context.Context, all []example, seed uint64) (*activity, error) {
	a := &activity{}
	var n [len(activityFrom)]float64
	var some []example
	for _, x := range all {
		if !slices.ContainsFunc(x.truth, func(t diary.Truth) bool { return t.Events > 0 }) {
			continue
		}
		some = append(some, x)
		for _, t := range x.truth {
			c := activityClass(t.Events)
			a.mean[c] += float64(t.Events)
			n[c]++
		}
	}
	// What a class stands for is its own mean: the last one has no upper end.
	for c := range n {
		a.mean[c] /= max(n[c], 1)
	}
	var err error
	a.question, err = s.question(ctx, some, len(n), seed, func(t diary.Truth) int { return activityClass(t.Events) })
	return a, err
}
