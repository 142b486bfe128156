package attacks

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"veilbench/datasets"
)

// GuessClock learns from the training events at what times of day, of the
// hour, or since the beginning each class happens, and names the class at
// those times again. It never looks at the traffic, so no defense can hide
// what it knows: on a lock driven by a timetable that is nearly everything.
type GuessClock struct{}

var _ Attack = GuessClock{}

// Info describes the attack.
func (GuessClock) Info() Info {
	return Info{
		Name: "guess-clock", Doc: "time of day and period of the training events, without a look at the traffic",
		Tasks: []datasets.Task{datasets.Events}, Control: true,
	}
}

// clockPeak is a time of the cycle at which a class happens.
type clockPeak struct {
	phase time.Duration
	p     float64 // share of cycles in which it happened
}

// timetable is how one class recurs.
type timetable struct {
	class  string
	period time.Duration
	wall   bool // phases count from midnight UTC, else from the trace's start
	peaks  []clockPeak
}

// maxPeaks bounds a timetable; a class with more times than that has none.
const maxPeaks = 500

// Train picks for every class the period and the precision below which a time
// is left out that score best on groups held out of the training set.
func (GuessClock) Train(ctx context.Context, _ *rand.Rand, t Training) (Model, error) {
	fold, n := folds(t.Examples, 5)
	var m clockModel
	for _, class := range t.Classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if tt, ok := learnClass(t.Examples, fold, n, class); ok {
			m = append(m, tt)
		}
	}
	return m, ctx.Err()
}

func learnClass(ex []Labeled, fold []int, n int, class string) (timetable, bool) {
	var best timetable
	score, bestFloor := 0.0, 0.0
	for _, period := range clockPeriods(ex, class) {
		for _, wall := range []bool{true, false} {
			for _, floor := range []float64{0.8, 0.5, 0.2} {
				s := validateClock(ex, fold, n, timetable{class: class, period: period, wall: wall}, floor)
				if s > score {
					best, score, bestFloor = timetable{class: class, period: period, wall: wall}, s, floor
				}
			}
		}
	}
	if score == 0 {
		return best, false
	}
	best.learn(ex, bestFloor)
	return best, len(best.peaks) > 0
}

// clockPeriods lists the periods to try: those of clocks, and the median gap
// between events of the class, in whole seconds.
func clockPeriods(ex []Labeled, class string) []time.Duration {
	out := []time.Duration{
		24 * time.Hour, 7 * 24 * time.Hour, 12 * time.Hour, 8 * time.Hour, 6 * time.Hour, 4 * time.Hour, 3 * time.Hour,
		2 * time.Hour, time.Hour, 30 * time.Minute, 20 * time.Minute, 15 * time.Minute, 10 * time.Minute, 5 * time.Minute,
		2 * time.Minute, time.Minute,
	}
	var gaps []time.Duration
	for _, e := range ex {
		at := byClass(trueEvents(e))[class]
		for i := 1; i < len(at); i++ {
			gaps = append(gaps, at[i]-at[i-1])
		}
	}
	if len(gaps) > 0 {
		slices.Sort(gaps)
		if g := gaps[len(gaps)/2].Round(time.Second); g >= 20*time.Second && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// validateClock is the F1 of one class over examples, each guessed from the
// other folds; with a single fold from all examples.
func validateClock(ex []Labeled, fold []int, n int, t timetable, floor float64) float64 {
	tp, guesses, truths := 0, 0, 0
	for f := range n {
		var train, test []Labeled
		for i, e := range ex {
			if n == 1 || fold[i] != f {
				train = append(train, e)
			}
			if fold[i] == f {
				test = append(test, e)
			}
		}
		t.learn(train, floor)
		for _, e := range test {
			truth := byClass(trueEvents(e))[t.class]
			guess := t.times(e.Trace)
			at := make([]time.Duration, len(guess))
			for i, g := range guess {
				at[i] = g.At
			}
			tp += matched(truth, at, matchTolerance)
			guesses += len(guess)
			truths += len(truth)
		}
	}
	return f1(tp, guesses, truths)
}

// phase is the time within the cycle of the trace's time 0.
func (t *timetable) phase(tr datasets.Trace) time.Duration {
	if !t.wall || tr.Start.IsZero() {
		return 0
	}
	d := tr.Start.Sub(time.Unix(0, 0)) % t.period
	return (d + t.period) % t.period
}

// learn finds the times of the cycle around which most events lie, commonest
// first, until one happens in less than the given share of cycles. A time must
// have been seen at least twice.
func (t *timetable) learn(ex []Labeled, floor float64) {
	t.peaks = nil
	var at []time.Duration
	var observed time.Duration
	for _, e := range ex {
		observed += e.Trace.End
		for _, s := range byClass(trueEvents(e))[t.class] {
			at = append(at, (s+t.phase(e.Trace))%t.period)
		}
	}
	slices.Sort(at)
	cycles := max(float64(observed)/float64(t.period), 1)
	for len(at) >= 2 && len(t.peaks) < maxPeaks {
		lo, hi := densest(at, matchTolerance)
		p := float64(hi-lo) / cycles
		if hi-lo < 2 || p < floor {
			return
		}
		t.peaks = append(t.peaks, clockPeak{at[(lo+hi)/2], min(p, 1)})
		at = slices.Delete(at, lo, hi)
	}
}

// densest returns the stretch of sorted at, at most 2 tol long, that holds
// most; the first of equals.
func densest(at []time.Duration, tol time.Duration) (lo, hi int) {
	a := 0
	for b := range at {
		for at[b]-at[a] > 2*tol {
			a++
		}
		if b+1-a > hi-lo {
			lo, hi = a, b+1
		}
	}
	return lo, hi
}

// times lists when the class is guessed to happen in a trace.
func (t *timetable) times(tr datasets.Trace) []timed {
	var out []timed
	for _, p := range t.peaks {
		first := (p.phase - t.phase(tr) + t.period) % t.period
		for at := first; at <= tr.End; at += t.period {
			out = append(out, timed{t.class, at, p.p})
		}
	}
	slices.SortFunc(out, func(a, b timed) int { return cmp.Compare(a.At, b.At) })
	return out
}

// clockModel is a list of timetables, in order of class.
type clockModel []timetable

// Guess names each class at its times.
func (m clockModel) Guess(ctx context.Context, t datasets.Trace) (Answer, error) {
	var all []timed
	for i := range m {
		all = append(all, m[i].times(t)...)
	}
	return Answer{Events: pointBursts(all)}, ctx.Err()
}

// pointBursts turns guessed times into bursts, in order of time and class.
func pointBursts(ts []timed) []Burst {
	slices.SortFunc(ts, func(a, b timed) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Class, b.Class))
	})
	out := make([]Burst, len(ts))
	for i, t := range ts {
		out[i] = Burst{Start: t.At, End: t.At, Ranked: []Ranked{{t.Class, t.Score}}, Score: t.Score}
	}
	return out
}

// periodic names one class again and again.
type periodic struct {
	class  string
	period time.Duration
}

// majorityPeriod picks the commonest class and the period that scores best on
// the training examples.
func majorityPeriod(t Training) periodic {
	n := map[string]int{}
	for _, e := range t.Examples {
		for _, ev := range e.Labels.Events {
			n[e.Labels.Class(ev)]++
		}
	}
	m := periodic{class: tally(n)[0].Class}
	if m.class == datasets.Unknown {
		return m
	}
	best := -1.0
	for _, s := range []int{10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600} {
		c := periodic{m.class, time.Duration(s) * time.Second}
		tp, guesses, truths := 0, 0, 0
		for _, e := range t.Examples {
			at := c.times(e.Trace.End)
			tp += matched(byClass(trueEvents(e))[m.class], at, matchTolerance)
			guesses += len(at)
			truths += len(e.Labels.Events)
		}
		if s := f1(tp, guesses, truths); s > best {
			best, m = s, c
		}
	}
	return m
}

func (m periodic) times(end time.Duration) []time.Duration {
	var out []time.Duration
	if m.period > 0 {
		for at := m.period; at <= end; at += m.period {
			out = append(out, at)
		}
	}
	return out
}

// Guess names the class at every multiple of the period.
func (m periodic) Guess(ctx context.Context, t datasets.Trace) (Answer, error) {
	var all []timed
	for _, at := range m.times(t.End) {
		all = append(all, timed{m.class, at, 0.5})
	}
	return Answer{Events: pointBursts(all)}, ctx.Err()
}
