package routine

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/diary"
	"veilbench/attacks/match"
	"veilbench/datasets"
)

// eventReader sees what an event model detects.
type eventReader struct{ member attacks.Model }

// read counts detections by slot: how many, of how many classes and devices, how sure
// the surest is; their classes are what may be raised.
func (r eventReader) read(ctx context.Context, t datasets.Trace) (sheet, error) {
	out := sheet{rows: make([][]float32, diary.Slots(t.End))}
	for i := range out.rows {
		out.rows[i] = make([]float32, 4)
	}
	a, err := r.member.Guess(ctx, t)
	if err != nil {
		return out, err
	}

	// In order of start, as tally wants them; an answer may have bursts that overlap.
	names := tally{map[string][]count{}}
	classes, devices := map[string]bool{}, map[string]bool{}
	at := -1
	for _, b := range a.Events {
		c := b.Ranked[0].Class
		i := int(b.Start / diary.Slot)
		if c == datasets.Other || c == datasets.Unknown || b.Score < a.Threshold || i < 0 || i >= len(out.rows) {
			continue
		}
		if i != at {
			at = i
			clear(classes)
			clear(devices)
		}
		classes[c], devices[match.ByDevice(c)] = true, true
		names.add(c, int32(i), 1)
		row := out.rows[i]
		row[0], row[1], row[2], row[3] = row[0]+1, float32(len(classes)), float32(len(devices)), max(row[3], float32(b.Score))
	}
	for _, row := range out.rows {
		out.busy = append(out.busy, row[0] > 0)
		row[0] = log1p(float64(row[0]))
	}
	out.raised = names.raised(len(out.rows))
	return out, ctx.Err()
}

// heardFor is how much of each recording teaches the event attack: days are alike,
// and its training is what costs.
const heardFor = 2 * 24 * time.Hour

// hear trains the event attack on the beginnings of one half of the groups and returns
// it with the rest of the training. One group teaches both.
func (a Events) hear(ctx context.Context, rng *rand.Rand, t attacks.Training) (eventReader, attacks.Training, error) {
	fold, folds := bursts.Folds(t, 2)
	rest, mine := t, attacks.Training{Task: datasets.TaskEvent, Within: t.Within}
	rest.Examples = nil
	classes := map[string]bool{}
	for i, e := range t.Examples {
		if folds < 2 || fold[i] == 1 {
			rest.Examples = append(rest.Examples, e)
		}
		if folds == 2 && fold[i] == 1 {
			continue
		}
		// The rest of a recording is not lost to the diary where there is one group only:
		// rest has it whole.
		if e.Trace.End > heardFor {
			piece := datasets.Recording{Trace: e.Trace, Labels: e.Labels}.Cut([]time.Duration{heardFor})[0]
			e.Trace, e.Labels = piece.Trace, piece.Labels
		}
		for _, ev := range e.Labels.Events {
			classes[e.Labels.Class(ev)] = true
		}
		mine.Examples = append(mine.Examples, e)
	}
	mine.Classes = slices.Sorted(maps.Keys(classes))

	m, err := a.member.Train(ctx, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())), mine)
	return eventReader{m}, rest, err
}
