package routine

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"

	"veilbench/attacks"
	"veilbench/attacks/diary"
	"veilbench/attacks/forest"
	"veilbench/attacks/hmm"
	"veilbench/datasets"
)

// question is something that was learned to be asked of each slot: a forest says how
// likely what is seen is in each class, a chain how classes follow each other.
type question struct {
	table
	forest *forest.Forest
	chain  hmm.Chain
	prior  []float64 // share of each class in training
	trust  float64
}

// columns are what the forest sees of a sheet.
func (q *question) columns(s sheet) [][]float32 {
	return append(columnsOf(s.rows, q.table.columns(s)), s.quiet()...)
}

// shares are, by slot and class, the forest's probabilities.
func (q *question) shares(ctx context.Context, s sheet) ([][]float64, error) {
	out := make([][]float64, len(s.rows))
	if len(out) == 0 {
		return out, ctx.Err()
	}
	p, err := q.forest.PredictAll(ctx, q.columns(s), 1)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = make([]float64, len(q.prior))
		for c := range out[i] {
			out[i][c] = float64(p[i*len(q.prior)+c])
		}
	}
	return out, nil
}

// leastShare keeps a slot from ruling out a state: no tree having met a case is no
// proof that there is none.
const leastShare = 0.02

// emit is how likely what is seen of each slot is in each class, as logarithms up to a
// constant: what a forest says over how common the class was (Bourlard and Morgan
// 1994, hybrids of classifiers and Markov models).
func (q *question) emit(ctx context.Context, s sheet) ([][]float64, error) {
	out, err := q.shares(ctx, s)
	for _, p := range out {
		for c, v := range p {
			p[c] = math.Log((v+leastShare)/(1+leastShare*float64(len(p)))) - math.Log(q.prior[c])
		}
	}
	return out, err
}

// scaled is emit to the power of trust.
func scaled(emit [][]float64, trust float64) [][]float64 {
	out := make([][]float64, len(emit))
	for i, row := range emit {
		out[i] = make([]float64, len(row))
		for c, v := range row {
			out[i][c] = trust * v
		}
	}
	return out
}

// activity is a question whose classes stand for a mean number of events each.
type activity struct {
	*question
	mean [len(activityFrom)]float64
}

// model answers for diaries.
type model struct {
	settings settings
	reader   reader
	classes  int
	state    *question // nil: nothing was learned, as of the others
	several  *question
	activity *activity
}

// Guess reads a trace. What was not learned is unknown, or 0.
func (m *model) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	out := make([]attacks.Slot, diary.Slots(t.End))
	for i := range out {
		out[i].State = -1
	}
	if m.state == nil || len(out) == 0 {
		return attacks.Answer{Slots: out}, ctx.Err()
	}
	s, err := m.reader.read(ctx, t)
	if err != nil {
		return attacks.Answer{}, err
	}
	phase := make([]int, len(out))
	for i := range phase {
		phase[i] = phaseOf(t.Start, i)
	}

	p, path, err := m.state.days(ctx, s, phase, m.settings.Decode)
	if err != nil {
		return attacks.Answer{}, err
	}
	for i := range out {
		out[i].State, out[i].P = int32(path[i]), float32(p[i][path[i]])
	}
	if m.several != nil {
		if p, _, err = m.several.days(ctx, s, phase, posterior); err != nil {
			return attacks.Answer{}, err
		}
		for i := range out {
			out[i].Several = float32(p[i][1])
		}
	}
	if m.activity.question != nil {
		// No chain here: how much happens now is no matter of what happened before once it
		// is seen.
		if p, err = m.activity.shares(ctx, s); err != nil {
			return attacks.Answer{}, err
		}
		for i := range out {
			for c, v := range p[i] {
				out[i].Events += float32(v * m.activity.mean[c])
			}
		}
	}
	return attacks.Answer{Slots: out}, ctx.Err()
}

// days are the probabilities of each slot given all, and the path of classes.
func (q *question) days(ctx context.Context, s sheet, phase []int, decode string) (p [][]float64, path []int, err error) {
	emit, err := q.emit(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	emit = q.habits(scaled(emit, q.trust), phase)
	p = q.chain.Posterior(emit, phase)
	if decode == viterbi {
		path, _ = q.chain.Viterbi(emit, phase)
		return p, path, nil
	}
	path = make([]int, len(p))
	for i := range p {
		path[i] = argmax(p[i])
	}
	return p, path, nil
}

// What a home's own hours count for: habitRounds times its timetable is read off its
// days as they are read so far, drawn to that of training homes by habitPrior slots, and
// what it says of an hour beyond theirs enters with the power habitTrust. It is small
// since the days it comes from say it already.
const (
	habitRounds = 3
	habitPrior  = 12
	habitTrust  = 0.25
)

// habits adds to emit what the days of the trace, taken together, tell of its hours: an
// absence that shows a little every working day is no noise. The longer a home is
// watched, the more they weigh. emit is not modified.
func (q *question) habits(emit [][]float64, phase []int) [][]float64 {
	silent := make([][]float64, len(emit))
	for i := range silent {
		silent[i] = make([]float64, len(q.prior))
	}

	// What the chain says without a look at the traffic is what training homes do.
	usual := timetable(q.chain.Posterior(silent, phase), phase)
	out := emit
	for range habitRounds {
		own := timetable(q.chain.Posterior(out, phase), phase)
		out = make([][]float64, len(emit))
		for i, row := range emit {
			out[i] = make([]float64, len(row))
			mine, theirs := own[phase[i]], usual[phase[i]]
			n, all := floats.Sum(mine), floats.Sum(theirs)
			for c, v := range row {
				before := theirs[c] / all
				after := (mine[c] + habitPrior*before) / (n + habitPrior)
				out[i][c] = v + habitTrust*math.Log(after/before)
			}
		}
	}
	return out
}

// timetable sums probabilities by phase, all a little above 0.
func timetable(p [][]float64, phase []int) [phases][]float64 {
	var out [phases][]float64
	for i, row := range p {
		if out[phase[i]] == nil {
			out[phase[i]] = make([]float64, len(row))
			for c := range row {
				out[phase[i]][c] = 1e-6
			}
		}
		floats.Add(out[phase[i]], row)
	}
	return out
}

// argmax is the index of the largest, the first of several.
func argmax(p []float64) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}

// phaseOf is the kind of hour in which slot i of a trace lies.
func phaseOf(start time.Time, i int) int {
	slot, day := diary.Phase(start, i)
	return day*24 + slot/diary.PerHour
}

// sortedNames keeps sums of floats the same each time.
func sortedNames(m map[string][]int32) []string { return slices.Sorted(maps.Keys(m)) }
