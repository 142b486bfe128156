package score

import (
	"maps"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/match"
	"veilbench/bench/results"
	"veilbench/datasets"
)

// Classes maps a class to the name of the group of classes nobody can tell
// apart (the alphabetically first of them).
type Classes map[string]string

// NewClasses makes the map of groups of classes, as in datasets.Dataset.Same.
func NewClasses(same [][]string) Classes {
	m := Classes{}
	for _, g := range same {
		for _, c := range g {
			m[c] = slices.Min(g)
		}
	}
	return m
}

// Class is the name that stands for c: c itself unless it is in a group.
func (m Classes) Class(c string) string {
	if to, ok := m[c]; ok {
		return to
	}
	return c
}

// truths lists the events of l as windows, from the trigger to the time when
// the last original byte has left, under the names that m merges classes to.
func truths(l datasets.Labels, m Classes) []match.Span {
	out := match.Truth(l)
	for i := range out {
		out[i].Class = m.Class(out[i].Class)
	}
	return out
}

// detections lists the bursts that name an event, at any score.
func detections(a attacks.Answer, m Classes) []match.Span {
	var out []match.Span
	for _, b := range a.Events {
		if len(b.Ranked) == 0 || b.Ranked[0].Class == datasets.Other || b.Ranked[0].Class == datasets.Unknown {
			continue
		}
		out = append(out, match.Span{From: b.Start, To: b.End, Class: m.Class(b.Ranked[0].Class), Score: b.Score})
	}
	return out
}

// counts are the sums behind precision, recall and F1.
type counts struct{ hit, events, found int }

func (c *counts) add(d counts) { c.hit += d.hit; c.events += d.events; c.found += d.found }

func (c counts) precision() float64 { return results.Ratio(c.hit, c.found) }
func (c counts) recall() float64    { return results.Ratio(c.hit, c.events) }
func (c counts) f1() float64        { return match.F1(c.hit, c.found, c.events) }

// devices counts by device. A detection counts for the device that it names.
type devices map[string]*counts

func (d devices) of(class string) *counts {
	name := match.ByDevice(class)
	if d[name] == nil {
		d[name] = &counts{}
	}
	return d[name]
}

// deviceGroups are devices by test group.
type deviceGroups map[string]devices

func (g deviceGroups) of(group string) devices {
	if g[group] == nil {
		g[group] = devices{}
	}
	return g[group]
}

func (d devices) add(events, found []match.Span, pair []int) {
	for e, ev := range events {
		c := d.of(ev.Class)
		c.events++
		if pair[e] >= 0 {
			c.hit++
		}
	}
	for _, f := range found {
		d.of(f.Class).found++
	}
}

// scores are those of the devices that have an event, sorted by name. What is taken
// for a device without one is a false alarm of the pooled figures alone.
func (d devices) scores() []results.DeviceScore {
	var out []results.DeviceScore
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if c := d[name]; c.events > 0 {
			out = append(out, results.DeviceScore{Device: name, Value: c.f1(), N: c.events})
		}
	}
	return out
}

// scoringAtLeast keeps detections with a score of at least t.
func scoringAtLeast(found []match.Span, t float64) []match.Span {
	var out []match.Span
	for _, d := range found {
		if d.Score >= t {
			out = append(out, d)
		}
	}
	return out
}

// eventful lists the groups of tests that have an event whose traffic is seen.
func eventful(tests []Test) map[string]bool {
	out := map[string]bool{}
	for _, t := range tests {
		if len(t.Labels.Events) > 0 && !t.Unseen {
			out[t.Recording.Group] = true
		}
	}
	return out
}

// eventsOf are the events of a test that count, as truths lists them.
func eventsOf(t Test, m Classes) []match.Span {
	if t.Unseen {
		return nil
	}
	return truths(t.Labels, m)
}

// scoreEvents scores detections: F1 by device and activity within 5 s is the
// first figure, and its mean over devices the headline; other tolerances, time only
// and device only are further metrics. Groups without an event have no share in
// these, and in the false alarms all.
func scoreEvents(ds *datasets.Dataset, tests []Test) Scores {
	var s Scores
	m := NewClasses(ds.Same)
	kinds := []struct {
		f1, precision, recall string
		tol                   time.Duration
		key                   func(string) string
	}{
		{results.F1, results.Precision, results.Recall, match.Tolerance, match.ByClass},
		{results.F1In1S, results.PrecisionIn1S, results.RecallIn1S, time.Second, match.ByClass},
		{results.F1In15S, results.PrecisionIn15S, results.RecallIn15S, 15 * time.Second, match.ByClass},
		{results.F1TimeOnly, results.PrecisionTimeOnly, results.RecallTimeOnly, match.Tolerance, match.ByTime},
		{results.F1DeviceOnly, results.PrecisionDeviceOnly, results.RecallDeviceOnly, match.Tolerance, match.ByDevice},
	}

	full := eventful(tests)
	sums := make([]counts, len(kinds))
	var quiet counts // in groups without an event
	groups := map[string]*counts{}
	every, byGroup := devices{}, deviceGroups{}
	alerts := counts{}
	var delays []float64
	var days float64
	var packets int

	for _, t := range tests {
		packets += len(t.Trace.Packets)
		events := eventsOf(t, m)
		found := scoringAtLeast(detections(t.Answer, m), t.Answer.Threshold)
		days += t.Trace.End.Hours() / 24

		for k, kind := range kinds {
			pair := match.Windows(events, found, kind.tol, kind.key)
			c := counts{match.Hits(pair), len(events), len(found)}
			if full[t.Recording.Group] {
				sums[k].add(c)
			}

			// Groups, times and items are those of the headline, which is the first kind.
			if k > 0 {
				continue
			}
			if !full[t.Recording.Group] {
				quiet.add(c)
			} else if groups[t.Recording.Group] == nil {
				groups[t.Recording.Group] = &c
			} else {
				groups[t.Recording.Group].add(c)
			}
			if full[t.Recording.Group] {
				every.add(events, found, pair)
				byGroup.of(t.Recording.Group).add(events, found, pair)
			}
			delays = append(delays, detectTimes(events, found, pair)...)
			s.Items = append(s.Items, eventItems(t, events, found, pair)...)
		}

		alerts.add(alertCounts(t, m))
	}

	if len(full) > 0 {
		for k, kind := range kinds {
			s.add(kind.f1, sums[k].f1())
			s.add(kind.precision, sums[k].precision())
			s.add(kind.recall, sums[k].recall())
		}
	}

	s.addGroups(groups, every, byGroup)

	s.add(results.Tested, float64(sums[0].events))
	s.add(results.Detections, float64(sums[0].found+quiet.found))
	alarms := float64(sums[0].found - sums[0].hit + quiet.found)
	falsePerDay := results.Ratio(alarms, days)
	s.add(results.FalseAlarms, alarms)
	s.add(results.FalsePerHomeDay, falsePerDay)
	s.add(results.FalsePerMillion, results.Ratio(1e6*alarms, float64(packets)))
	s.add(results.ObservedDays, days)
	s.add(results.ObservedPackets, float64(packets))

	if ppv, ok := ppvAtRate(ds, sums[0].recall(), falsePerDay); ok && len(full) > 0 {
		s.add(results.PPVAtRate, ppv)
	}

	if len(delays) > 0 {
		slices.Sort(delays)
		s.add(results.TimeToDetect, delays[(len(delays)-1)/2])
	}

	if alerts.found > 0 {
		s.add(results.Alerts, float64(alerts.found))
		s.add(results.AlertsRight, float64(alerts.hit))
	}

	s.paperAccuracy(tests, m)
	s.scoreStates(ds, tests, m)
	s.Curve = operatingCurve(tests, m, days)
	return s
}

// addGroups adds the score of each device and group. Floors are not known here: who
// sets them weighs the devices anew.
func (s *Scores) addGroups(groups map[string]*counts, every devices, byGroup deviceGroups) {
	s.Devices = every.scores()
	if len(s.Devices) > 0 {
		mean, _ := results.OverDevices(s.Devices)
		s.add(results.F1DeviceMean, mean)
	}
	for g, c := range groups {
		ds := byGroup[g].scores()
		mean, _ := results.OverDevices(ds)
		s.Groups = append(s.Groups, results.GroupScore{Group: g, Value: mean, N: c.events, Devices: ds, Pooled: c.f1()})
	}
}

// detectTimes lists, for each event found, the seconds from its start to the
// end of the burst that gave it away.
func detectTimes(events, found []match.Span, pair []int) []float64 {
	var out []float64
	for e, d := range pair {
		if d >= 0 {
			out = append(out, max(0, (found[d].To-events[e].From).Seconds()))
		}
	}
	return out
}

// eventItems lists every event with the class it was given (that of a
// detection within tolerance, the right one first, else Missed) and every
// detection left over as a false alarm (truth Other).
func eventItems(t Test, events, found []match.Span, pair []int) []results.Item {
	rest := match.Rest(events, found, pair)
	used := make([]bool, len(found))

	var out []results.Item
	for e, ev := range events {
		it := results.Item{Recording: t.Recording.ID, Group: t.Recording.Group, TimeS: results.Seconds(ev.From), Truth: ev.Class, Answer: results.Missed}
		if d := max(pair[e], rest[e]); d >= 0 {
			it.Answer, it.Score, used[d] = found[d].Class, found[d].Score, true
		}
		out = append(out, it)
	}

	for d, f := range found {
		if !used[d] {
			out = append(out, results.Item{Recording: t.Recording.ID, Group: t.Recording.Group, TimeS: results.Seconds(f.From), Truth: datasets.Other, Answer: f.Class, Score: f.Score})
		}
	}
	return out
}

// alertCounts counts bursts with an alert and those that stand at an event of
// the class they name.
func alertCounts(t Test, m Classes) counts {
	var alerts []match.Span
	for _, b := range t.Answer.Events {
		if b.Alert && len(b.Ranked) > 0 {
			alerts = append(alerts, match.Span{From: b.Start, To: b.End, Class: m.Class(b.Ranked[0].Class)})
		}
	}
	return counts{hit: match.Hits(match.Windows(eventsOf(t, m), alerts, match.Tolerance, match.ByClass)), found: len(alerts)}
}

// ppvAtRate is the share of detections that are right in a home where events
// come at the data set's rate per day and false alarms as often as measured.
func ppvAtRate(ds *datasets.Dataset, recall, falsePerDay float64) (float64, bool) {
	var rate float64
	for _, c := range slices.Sorted(maps.Keys(ds.RatePerDay)) {
		if !slices.Contains(ds.Unmonitored, match.ByDevice(c)) {
			rate += ds.RatePerDay[c]
		}
	}
	if rate == 0 || recall*rate+falsePerDay == 0 {
		return 0, false
	}
	return recall * rate / (recall*rate + falsePerDay), true
}

// paperAccuracy adds the accuracy of the IoTEvent paper (formula 4): bursts at
// events named right and other bursts called Other, among all bursts as the
// attack cut and merged them. A burst whose score is below the attack's threshold
// is called Other, and one is at an event when it pairs with it. An event without
// a burst counts as wrong; bursts that the attack leaves out do not count, nor do
// events that have no others. The floor is what calling every burst Other gives.
//
// Where no answer is Other there is no accuracy: of detections alone it would be
// their precision, at any score.
func (s *Scores) paperAccuracy(tests []Test, m Classes) {
	var right, others int
	var n struct{ bursts, atEvents, without, left, eventsLeft int }
	for _, t := range tests {
		var judged, left []match.Span
		for _, b := range t.Answer.Events {
			span := match.Span{From: b.Start, To: b.End, Class: datasets.Unknown}
			if b.LeftOut {
				left = append(left, span)
				continue
			}
			if len(b.Ranked) > 0 {
				span.Class = m.Class(b.Ranked[0].Class)
			}
			if span.Class == datasets.Other {
				others++
			} else if span.Class != datasets.Unknown && b.Score < t.Answer.Threshold {
				span.Class = datasets.Other
			}
			judged = append(judged, span)
		}

		events := eventsOf(t, m)
		pair := match.Windows(events, judged, match.Tolerance, match.ByClass)
		at := make([]bool, len(judged))
		right += match.Hits(pair)

		// A burst at an event that it does not name is that event's, named wrong: it
		// must not count as right for being called Other.
		var unheard []match.Span
		for e, d := range match.Rest(events, judged, pair) {
			if d = max(d, pair[e]); d >= 0 {
				at[d] = true
				n.atEvents++
			} else {
				unheard = append(unheard, events[e])
			}
		}
		for d, b := range judged {
			if !at[d] && b.Class == datasets.Other {
				right++
			}
		}

		away := match.Hits(match.Windows(unheard, left, match.Tolerance, match.ByTime))
		n.bursts += len(judged)
		n.left += len(left)
		n.eventsLeft += away
		n.without += len(unheard) - away
	}

	s.add(results.Bursts, float64(n.bursts))
	if others == 0 {
		return
	}
	s.add(results.BurstsAtEvents, float64(n.atEvents))
	s.add(results.BurstsLeftOut, float64(n.left))
	s.add(results.EventsLeftOut, float64(n.eventsLeft))
	s.add(results.EventsWithoutBurst, float64(n.without))
	s.add(results.BurstAccuracy, results.Ratio(right, n.bursts+n.without))
	s.add(results.BurstFloor, results.Ratio(n.bursts-n.atEvents, n.bursts+n.without))
}

// curvePoints is how many thresholds an operating curve holds at most.
const curvePoints = 20

// operatingCurve walks the threshold over quantiles of the scores; none where
// there is no event to find.
func operatingCurve(tests []Test, m Classes, days float64) []results.Point {
	var all []float64
	found := make([][]match.Span, len(tests))
	events := make([][]match.Span, len(tests))
	full := eventful(tests)
	if len(full) == 0 {
		return nil
	}
	for i, t := range tests {
		found[i], events[i] = detections(t.Answer, m), eventsOf(t, m)
		for _, d := range found[i] {
			all = append(all, d.Score)
		}
	}

	// Quantiles of the scores that occur, not even steps: each attack has a scale of
	// its own.
	slices.Sort(all)
	all = slices.Compact(all)

	var out []results.Point
	last := math.NaN()
	for k := range min(curvePoints, len(all)) {
		th := all[k*len(all)/min(curvePoints, len(all))]
		if th == last {
			continue
		}
		last = th

		var c, quiet counts
		for i, t := range tests {
			f := scoringAtLeast(found[i], th)
			if full[t.Recording.Group] {
				c.add(counts{match.Hits(match.Windows(events[i], f, match.Tolerance, match.ByClass)), len(events[i]), len(f)})
			} else {
				quiet.found += len(f)
			}
		}

		out = append(out, results.Point{Threshold: th, Recall: c.recall(), Precision: c.precision(), FalsePerDay: results.Ratio(float64(c.found-c.hit+quiet.found), days)})
	}
	return out
}
