package bench

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// matchTolerance is how far from an event a detection still counts.
const matchTolerance = 5 * time.Second

// merger maps a class to the name of the group of classes nobody can tell
// apart (the alphabetically first of them).
type merger map[string]string

func newMerger(same [][]string) merger {
	m := merger{}
	for _, g := range same {
		for _, c := range g {
			m[c] = slices.Min(g)
		}
	}
	return m
}

func (m merger) class(c string) string {
	if to, ok := m[c]; ok {
		return to
	}
	return c
}

// sighting is an event or a detection, reduced to what matching needs.
type sighting struct {
	from, to time.Duration
	class    string
	score    float64
}

// truths lists the events of o as windows: from the trigger to the time when
// the last original byte has left.
func truths(o *observed, m merger) []sighting {
	out := make([]sighting, len(o.labels.Events))
	for i, e := range o.labels.Events {
		out[i] = sighting{from: e.Start, to: max(e.End, e.Start), class: m.class(o.labels.Class(e))}
	}
	return out
}

// detections lists the bursts that name an event, at any score.
func detections(a attacks.Answer, m merger) []sighting {
	var out []sighting
	for _, b := range a.Events {
		if len(b.Ranked) == 0 || b.Ranked[0].Class == datasets.Other || b.Ranked[0].Class == datasets.Unknown {
			continue
		}
		out = append(out, sighting{from: b.Start, to: b.End, class: m.class(b.Ranked[0].Class), score: b.Score})
	}
	return out
}

// match pairs detections with events one to one: a detection may take an event
// of the same key whose window, widened by tol, holds the detection's start.
// It returns, for each event, the index of its detection or -1. Detections are
// taken in order of time, each the open event whose window closes first, which
// gives the largest possible number of pairs. Events are in order of start.
func match(events, found []sighting, tol time.Duration, key func(string) string) []int {
	pair := make([]int, len(events))
	for i := range pair {
		pair[i] = -1
	}
	order := make([]int, len(found))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(found[a].from, found[b].from) })
	lo := 0 // events before lo are over for good
	for _, d := range order {
		at := found[d].from
		for lo < len(events) && events[lo].to+tol < at {
			lo++
		}
		best := -1
		for e := lo; e < len(events) && events[e].from-tol <= at; e++ {
			if pair[e] < 0 && events[e].to+tol >= at && key(events[e].class) == key(found[d].class) &&
				(best < 0 || events[e].to < events[best].to) {
				best = e
			}
		}
		if best >= 0 {
			pair[best] = d
		}
	}
	return pair
}

// counts are the sums behind precision, recall and F1.
type counts struct{ hit, events, found int }

func (c *counts) add(d counts) { c.hit += d.hit; c.events += d.events; c.found += d.found }

func (c counts) precision() float64 { return ratio(c.hit, c.found) }
func (c counts) recall() float64    { return ratio(c.hit, c.events) }
func (c counts) f1() float64        { return ratio(2*float64(c.hit), float64(c.events+c.found)) }

// Ways to compare classes.
func byClass(c string) string { return c }
func byTime(string) string    { return "" }
func byDevice(c string) string {
	for i := range len(c) {
		if c[i] == '/' {
			return c[:i]
		}
	}
	return c
}

// above keeps detections with a score of at least t.
func above(found []sighting, t float64) []sighting {
	var out []sighting
	for _, d := range found {
		if d.score >= t {
			out = append(out, d)
		}
	}
	return out
}

// scoreEvents scores detections: F1 by device and activity within 5 s is the
// headline; other tolerances, time only and device only stand beside it.
func scoreEvents(ds *datasets.Dataset, tests []answered) scores {
	var s scores
	m := newMerger(ds.Same)
	kinds := []struct {
		f1, precision, recall string
		tol                   time.Duration
		key                   func(string) string
	}{
		{F1, Precision, Recall, matchTolerance, byClass},
		{F1In1S, PrecisionIn1S, RecallIn1S, time.Second, byClass},
		{F1In15S, PrecisionIn15S, RecallIn15S, 15 * time.Second, byClass},
		{F1TimeOnly, PrecisionTimeOnly, RecallTimeOnly, matchTolerance, byTime},
		{F1DeviceOnly, PrecisionDeviceOnly, RecallDeviceOnly, matchTolerance, byDevice},
	}
	sums := make([]counts, len(kinds))
	groups := map[string]*counts{}
	alerts := counts{}
	var delays []float64
	var days float64
	var packets int
	for _, t := range tests {
		packets += len(t.trace.Packets)
		events := truths(t.observed, m)
		found := above(detections(t.answer, m), t.answer.Threshold)
		days += t.trace.End.Hours() / 24
		for k, kind := range kinds {
			pair := match(events, found, kind.tol, kind.key)
			c := counts{hits(pair), len(events), len(found)}
			sums[k].add(c)
			if k > 0 {
				continue
			}
			if groups[t.rec.Group] == nil {
				groups[t.rec.Group] = &counts{}
			}
			groups[t.rec.Group].add(c)
			delays = append(delays, detectTimes(events, found, pair)...)
			s.items = append(s.items, eventItems(t, events, found, pair)...)
		}
		alerts.add(alertCounts(t, m))
	}
	for k, kind := range kinds {
		s.add(kind.f1, sums[k].f1())
		s.add(kind.precision, sums[k].precision())
		s.add(kind.recall, sums[k].recall())
	}
	for g, c := range groups {
		s.groups = append(s.groups, GroupScore{Group: g, Value: c.f1(), N: c.events})
	}
	s.add(Tested, float64(sums[0].events))
	s.add(Detections, float64(sums[0].found))
	alarms := float64(sums[0].found - sums[0].hit)
	falsePerDay := ratio(alarms, days)
	s.add(FalseAlarms, alarms)
	s.add(FalsePerHomeDay, falsePerDay)
	s.add(FalsePerMillion, ratio(1e6*alarms, float64(packets)))
	s.add(ObservedDays, days)
	s.add(ObservedPackets, float64(packets))
	if ppv, ok := ppvAtRate(ds, sums[0].recall(), falsePerDay); ok {
		s.add(PPVAtRate, ppv)
	}
	if len(delays) > 0 {
		slices.Sort(delays)
		s.add(TimeToDetect, delays[(len(delays)-1)/2])
	}
	if alerts.found > 0 {
		s.add(Alerts, float64(alerts.found))
		s.add(AlertsRight, float64(alerts.hit))
	}
	s.paperAccuracy(tests, m)
	s.scoreStates(ds, tests, m)
	s.curve = curve(tests, m, days)
	return s
}

func hits(pair []int) int {
	n := 0
	for _, d := range pair {
		if d >= 0 {
			n++
		}
	}
	return n
}

// detectTimes lists, for each event found, the seconds from its start to the
// end of the burst that gave it away.
func detectTimes(events, found []sighting, pair []int) []float64 {
	var out []float64
	for e, d := range pair {
		if d >= 0 {
			out = append(out, max(0, (found[d].to-events[e].from).Seconds()))
		}
	}
	return out
}

// matchRest pairs the events that pair left over with the detections it left
// over, by time alone: what an event was taken for instead.
func matchRest(events, found []sighting, pair []int) []int {
	used := make([]bool, len(found))
	for _, d := range pair {
		if d >= 0 {
			used[d] = true
		}
	}
	var left, free []sighting
	var event, detection []int
	for e, ev := range events {
		if pair[e] < 0 {
			left, event = append(left, ev), append(event, e)
		}
	}
	for d, f := range found {
		if !used[d] {
			free, detection = append(free, f), append(detection, d)
		}
	}
	out := make([]int, len(events))
	for e := range out {
		out[e] = -1
	}
	for i, j := range match(left, free, matchTolerance, byTime) {
		if j >= 0 {
			out[event[i]] = detection[j]
		}
	}
	return out
}

// eventItems lists every event with the class it was given (that of a
// detection within tolerance, the right one first, else Missed) and every
// detection left over as a false alarm (truth Other).
func eventItems(t answered, events, found []sighting, pair []int) []Item {
	rest := matchRest(events, found, pair)
	used := make([]bool, len(found))
	var out []Item
	for e, ev := range events {
		it := Item{Recording: t.rec.ID, Group: t.rec.Group, TimeS: seconds(ev.from), Truth: ev.class, Answer: Missed}
		if d := max(pair[e], rest[e]); d >= 0 {
			it.Answer, it.Score, used[d] = found[d].class, found[d].score, true
		}
		out = append(out, it)
	}
	for d, f := range found {
		if !used[d] {
			out = append(out, Item{Recording: t.rec.ID, Group: t.rec.Group, TimeS: seconds(f.from), Truth: datasets.Other, Answer: f.class, Score: f.score})
		}
	}
	return out
}

// Missed is the answer of an event that no detection stands for.
const Missed = "missed"

// seconds rounds to the microsecond: results are read by people too.
func seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }

// alertCounts counts bursts with an alert and those that stand at an event of
// the class they name.
func alertCounts(t answered, m merger) counts {
	var alerts []sighting
	for _, b := range t.answer.Events {
		if b.Alert && len(b.Ranked) > 0 {
			alerts = append(alerts, sighting{from: b.Start, to: b.End, class: m.class(b.Ranked[0].Class)})
		}
	}
	return counts{hit: hits(match(truths(t.observed, m), alerts, matchTolerance, byClass)), found: len(alerts)}
}

// ppvAtRate is the share of detections that are right in a home where events
// come at the data set's rate per day and false alarms as often as measured.
func ppvAtRate(ds *datasets.Dataset, recall, falsePerDay float64) (float64, bool) {
	var rate float64
	for _, c := range slices.Sorted(maps.Keys(ds.RatePerDay)) {
		if !slices.Contains(ds.Unmonitored, byDevice(c)) {
			rate += ds.RatePerDay[c]
		}
	}
	if rate == 0 || recall*rate+falsePerDay == 0 {
		return 0, false
	}
	return recall * rate / (recall*rate + falsePerDay), true
}

// paperAccuracy adds the accuracy over bursts of the IoTEvent paper: trigger
// bursts named right and other bursts called Other, among all bursts. A burst
// is a trigger burst when it pairs with an event.
func (s *scores) paperAccuracy(tests []answered, m merger) {
	var right, total int
	for _, t := range tests {
		bursts := make([]sighting, len(t.answer.Events))
		for i, b := range t.answer.Events {
			bursts[i] = sighting{from: b.Start, to: b.End, class: datasets.Unknown}
			if len(b.Ranked) > 0 {
				bursts[i].class = m.class(b.Ranked[0].Class)
			}
		}
		events := truths(t.observed, m)
		pair := match(events, bursts, matchTolerance, byClass)
		trigger := make([]bool, len(bursts))
		for e, d := range matchRest(events, bursts, pair) {
			if pair[e] >= 0 {
				trigger[pair[e]] = true
				right++
			} else if d >= 0 {
				trigger[d] = true
			}
		}
		for d, b := range bursts {
			if !trigger[d] && b.class == datasets.Other {
				right++
			}
		}
		total += len(bursts)
	}
	s.add(Bursts, float64(total))
	s.add(BurstAccuracy, ratio(right, total))
}

// curvePoints is how many thresholds an operating curve holds at most.
const curvePoints = 20

// curve walks the threshold over quantiles of the scores.
func curve(tests []answered, m merger, days float64) []Point {
	var all []float64
	found := make([][]sighting, len(tests))
	events := make([][]sighting, len(tests))
	for i, t := range tests {
		found[i], events[i] = detections(t.answer, m), truths(t.observed, m)
		for _, d := range found[i] {
			all = append(all, d.score)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	var out []Point
	last := math.NaN()
	for k := range min(curvePoints, len(all)) {
		th := all[k*len(all)/min(curvePoints, len(all))]
		if th == last {
			continue
		}
		last = th
		var c counts
		for i := range tests {
			f := above(found[i], th)
			c.add(counts{hits(match(events[i], f, matchTolerance, byClass)), len(events[i]), len(f)})
		}
		out = append(out, Point{th, c.recall(), c.precision(), ratio(float64(c.found-c.hit), days)})
	}
	return out
}
