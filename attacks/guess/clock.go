package guess

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

// Clock learns from the training events at what times of day, of the
// hour, or since the beginning each class happens, and names the class at
// those times again. It never looks at the traffic, so no defense can hide
// what it knows: on a lock driven by a timetable that is nearly everything.
type Clock struct{}

var _ attacks.Attack = Clock{}

// Info marks the attack as a control: it sets a floor and is never the best.
func (Clock) Info() attacks.Info {
	return attacks.Info{
		Name: "guess-clock", Doc: "time of day and period of the training events, without a look at the traffic",
		Tasks: []datasets.Task{datasets.TaskEvent}, Control: true,
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

// maxPeaks bounds a timetable: of a class with more times the commonest are kept.
const maxPeaks = 500

// maxTimes bounds how often one class is guessed in a trace. A clock that jumps by
// decades would else ask for hundreds of millions of guesses, and so many say
// nothing: a period that needs more is not tried.
const maxTimes = 1 << 17

// tooOften says whether n times a period take more than maxTimes up to end.
func tooOften(n int, period, end time.Duration) bool {
	return period > 0 && int64(end/period) > maxTimes/int64(max(n, 1))
}

// Train picks for every class the period and the precision below which a time
// is left out that score best on groups held out of the training set.
func (Clock) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	fold, n := bursts.Folds(t, 5)
	events := make([]map[string][]match.Span, len(t.Examples))
	for i, e := range t.Examples {
		events[i] = map[string][]match.Span{}
		for _, s := range match.Truth(e.Labels) {
			events[i][s.Class] = append(events[i][s.Class], s)
		}
	}

	var m clockModel
	for _, class := range t.Classes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// Examples without the class are kept: that it did not happen there is
		// what makes a time of day unsure.
		days := make([]clockDay, len(t.Examples))
		for i, e := range t.Examples {
			days[i] = clockDay{e.Trace.Start, e.Trace.End, events[i][class], fold[i]}
		}
		if tt := learnTimetable(days, n, class); len(tt.peaks) > 0 {
			m = append(m, tt)
		}
	}
	return m, ctx.Err()
}

// learnTimetable tries every period by the clock on the wall and by that of the
// trace. A timetable without peaks says that nothing held-out was guessed right.
func learnTimetable(days []clockDay, n int, class string) timetable {
	type candidate struct {
		timetable
		floor float64
	}
	var best bursts.Choice[candidate]
	floors := []float64{0.8, 0.5, 0.2}
	for _, period := range clockPeriods(days) {
		for _, wall := range []bool{true, false} {
			t := timetable{class: class, period: period, wall: wall}
			for i, s := range validateClock(days, n, t, floors) {
				best.Offer(candidate{t, floors[i]}, s)
			}
		}
	}

	// The choice made on held-out days, the timetable itself is that of all days.
	if best.Score > 0 {
		best.Value.setPeaks(days, best.Value.floor)
	}
	return best.Value.timetable
}

// clockDay is when one class happened in one example.
type clockDay struct {
	start time.Time
	end   time.Duration
	at    []match.Span // in order of From
	fold  int
}

// clockPeriods lists the periods to try: those of clocks, and the median gap
// between events of the class, in whole seconds.
func clockPeriods(days []clockDay) []time.Duration {
	out := []time.Duration{
		24 * time.Hour, 7 * 24 * time.Hour, 12 * time.Hour, 8 * time.Hour, 6 * time.Hour, 4 * time.Hour, 3 * time.Hour,
		2 * time.Hour, time.Hour, 30 * time.Minute, 20 * time.Minute, 15 * time.Minute, 10 * time.Minute, 5 * time.Minute,
		2 * time.Minute, time.Minute,
	}

	var gaps []time.Duration
	for _, d := range days {
		for i := 1; i < len(d.at); i++ {
			gaps = append(gaps, d.at[i].From-d.at[i-1].From)
		}
	}

	// Below 20 s the tolerance of 5 s on both sides covers half of the cycle, and
	// naming the class all the time would look like knowing when.
	if len(gaps) > 0 {
		slices.Sort(gaps)
		if g := gaps[len(gaps)/2].Round(time.Second); g >= 20*time.Second && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// validateClock is, for every floor, the F1 of one class over days, each
// guessed from the other folds; with a single fold from all days.
func validateClock(days []clockDay, n int, t timetable, floors []float64) []float64 {
	type count struct{ hits, guesses int }
	counts := make([]count, len(floors))
	truths := 0
	lowest := slices.Min(floors)
	for f := range n {
		var train, test []clockDay
		for _, d := range days {
			if n == 1 || d.fold != f {
				train = append(train, d)
			}
			if d.fold == f {
				test = append(test, d)
				truths += len(d.at)
			}
		}

		// Peaks come with falling share, so those of a higher floor are some of
		// those of the lowest: one search serves all floors.
		t.setPeaks(train, lowest)
		all := t.peaks
		for i, floor := range floors {
			t.peaks = slices.DeleteFunc(slices.Clone(all), func(p clockPeak) bool { return p.p < floor })
			for _, d := range test {
				guess := t.times(d.start, d.end)
				counts[i].hits += match.Hits(match.Windows(d.at, guess, match.Tolerance, match.ByClass))
				counts[i].guesses += len(guess)
			}
		}
	}

	out := make([]float64, len(floors))
	for i, c := range counts {
		out[i] = match.F1(c.hits, c.guesses, truths)
	}
	return out
}

// phase is the time within the cycle of a trace's time 0. A trace whose start
// nobody knows begins at phase 0, as all do by the clock of the trace.
func (t *timetable) phase(start time.Time) time.Duration {
	if !t.wall || start.IsZero() {
		return 0
	}
	d := start.Sub(time.Unix(0, 0)) % t.period
	return (d + t.period) % t.period // before 1970 d is negative
}

// setPeaks finds the times of the cycle around which most events lie, commonest
// first, until one happens in less than the given share of cycles. A time must
// have been seen at least twice.
func (t *timetable) setPeaks(days []clockDay, floor float64) {
	t.peaks = nil
	var at []time.Duration
	var observed time.Duration
	for _, d := range days {
		observed += d.end
		for _, s := range d.at {
			at = append(at, (s.From+t.phase(d.start))%t.period)
		}
	}
	slices.Sort(at)

	// A cycle at least: in a trace shorter than the period everything happens
	// once, and would else happen more often than always.
	cycles := max(float64(observed)/float64(t.period), 1)
	for len(at) >= 2 && len(t.peaks) < maxPeaks {
		lo, hi := densest(at, match.Tolerance)
		p := float64(hi-lo) / cycles
		if hi-lo < 2 || p < floor {
			return
		}
		t.peaks = append(t.peaks, clockPeak{at[(lo+hi)/2], min(p, 1)})
		at = slices.Delete(at, lo, hi)
	}
}

// densest returns the stretch of sorted at, at most 2 tol long, that holds
// most; the first of equals. A stretch over the end of the cycle is not seen.
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

// times lists when the class is guessed to happen in a trace that begins at
// start and lasts to end.
func (t *timetable) times(start time.Time, end time.Duration) []match.Span {
	var out []match.Span
	if tooOften(len(t.peaks), t.period, end) {
		return nil
	}
	for _, p := range t.peaks {
		first := (p.phase - t.phase(start) + t.period) % t.period
		for at := first; at <= end; at += t.period {
			out = append(out, match.Span{From: at, To: at, Class: t.class, Score: p.p})
		}
	}
	slices.SortFunc(out, func(a, b match.Span) int { return cmp.Compare(a.From, b.From) })
	return out
}

// clockModel is a list of timetables, in order of class.
type clockModel []timetable

// Guess names each class at its times.
func (m clockModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	var all []match.Span
	for i := range m {
		all = append(all, m[i].times(t.Start, t.End)...)
	}
	return attacks.Answer{Events: pointBursts(all)}, ctx.Err()
}

// pointBursts turns guessed times into bursts, in order of time and class.
func pointBursts(ts []match.Span) []attacks.Burst {
	slices.SortFunc(ts, func(a, b match.Span) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Class, b.Class))
	})
	out := make([]attacks.Burst, len(ts))
	for i, t := range ts {
		out[i] = attacks.Burst{Start: t.From, End: t.To, Ranked: []attacks.Ranked{{Class: t.Class, P: t.Score}}, Score: t.Score}
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
func majorityPeriod(t attacks.Training) periodic {
	n := map[string]int{}
	for _, e := range t.Examples {
		for _, ev := range e.Labels.Events {
			n[e.Labels.Class(ev)]++
		}
	}
	class := bursts.Counts(n)[0].Class
	if class == datasets.Unknown {
		return periodic{class: class}
	}

	// F1 is over all events though one class alone is named: this is the floor
	// of the task, not of the class. Not held out, as nothing but one of a few
	// periods could be learned by heart.
	best := bursts.Choice[periodic]{Score: -1}
	for _, s := range []int{10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600} {
		if slices.ContainsFunc(t.Examples, func(e attacks.Labeled) bool { return tooOften(1, time.Duration(s)*time.Second, e.Trace.End) }) {
			continue
		}
		c := periodic{class, time.Duration(s) * time.Second}
		hits, guesses, truths := 0, 0, 0
		for _, e := range t.Examples {
			calls := c.times(e.Trace.End)
			hits += match.Hits(match.Windows(match.Truth(e.Labels), calls, match.Tolerance, match.ByClass))
			guesses += len(calls)
			truths += len(e.Labels.Events)
		}
		best.Offer(c, match.F1(hits, guesses, truths))
	}
	return best.Value
}

// times names the class at every multiple of the period up to end.
func (m periodic) times(end time.Duration) []match.Span {
	var out []match.Span
	if m.period > 0 && !tooOften(1, m.period, end) {
		for at := m.period; at <= end; at += m.period {
			out = append(out, match.Span{From: at, To: at, Class: m.class, Score: 0.5})
		}
	}
	return out
}

// Guess names the class at every multiple of the period.
func (m periodic) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	return attacks.Answer{Events: pointBursts(m.times(t.End))}, ctx.Err()
}
