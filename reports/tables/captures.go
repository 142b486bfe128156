package tables

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"veilbench/bench/results"
	"veilbench/reports"
	"veilbench/reports/table"
)

// Captures are what captures before and after real devices say of them beside the
// costs of all defenses: of those captured on both sides at once packet by packet, of
// sessions by the hour and by the event.
var Captures = reports.TableKind{
	Name: "captures", Doc: "real devices by captures before and after them: what was matched, lost, delayed and added, and what is not known",
	Draw: reports.PerCost(func(s *reports.Set, p reports.Panel) []table.Table {
		return append(unlessEmpty(pairsTable(s, p)), unlessEmpty(sessionsTable(s, p))...)
	}),
}

func pairsTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{
		Title: fmt.Sprintf("Captured on both sides: %s, %s", reports.DataName(p.Dataset), p.Vantage),
		Columns: table.Columns("device", "#matched", "#look-alikes", "#lost up", "#lost down", "#out of order", "#own packets",
			"#delay up", "#p95", "#delay down", "#p95", "#clock off", "#drift, ppm"),
	}
	for _, d := range s.Defenses[p] {
		c := s.Costs(reports.Subject{Panel: p, Defense: d})
		if !c.Mean(results.PairMatched).OK {
			continue
		}
		mean := func(m string, f func(float64) string) table.Value { return c.Mean(m).Value(f) }
		t.Rows = append(t.Rows, []table.Value{
			defense(s, d), mean(results.PairMatched, ofAll), mean(results.PairAmbiguous, ofAll),
			mean(results.PairLostUp, ofAll), mean(results.PairLostDown, ofAll), mean(results.PairReordered, ofAll), mean(results.PairOwn, ofAll),
			mean(results.PairUpMedian, millis), mean(results.PairUpP95, millis), mean(results.PairDownMedian, millis), mean(results.PairDownP95, millis),
			mean(results.PairOffset, millis), mean(results.PairDrift, table.Ratio),
		})
		t.Notes = append(t.Notes, unknown(s, d, c)...)
	}
	t.Notes = append(t.Notes, "Packets that leave the home. Matched, lost: of those before the device; look-alikes, out of order: of the matched; own packets: of those after it, that carry nothing known. Delay: from before the device to after it, median and the one that 19 of 20 stay within, below 0 where packets down are seen after the device first. Mean over folds.")
	t.Notes = append(t.Notes, s.Stamps(p)...)
	return t
}

func sessionsTable(s *reports.Set, p reports.Panel) table.Table {
	t := table.Table{
		Title:   fmt.Sprintf("Sessions without and with a device: %s, %s", reports.DataName(p.Dataset), p.Vantage),
		Columns: table.Columns("device", "#kB/h before", "#after", "#added", "#kB/event before", "#after", "#added"),
	}
	for _, d := range s.Defenses[p] {
		c := s.Costs(reports.Subject{Panel: p, Defense: d})
		if !c.Mean(results.SessionHour).OK {
			continue
		}
		mean := func(m string) table.Value { return c.Mean(m).Value(kilobytes) }
		added := func(m, lo, hi string) table.Value {
			v, l, h := mean(m), c.Mean(lo), c.Mean(hi)
			if !l.OK || !h.OK {
				return v
			}
			return v.Within(l.Num, h.Num, "["+kilobytes(l.Num)+" "+kilobytes(h.Num)+"]")
		}
		t.Rows = append(t.Rows, []table.Value{
			defense(s, d), mean(results.SessionHourBefore), mean(results.SessionHourAfter), added(results.SessionHour, results.SessionHourLo, results.SessionHourHi),
			mean(results.SessionEventBefore), mean(results.SessionEventAfter), added(results.SessionEvent, results.SessionEventLo, results.SessionEventHi),
		})
		t.Notes = append(t.Notes, unknown(s, d, c)...)
	}
	t.Notes = append(t.Notes, "Traffic that leaves the home, mean over sessions; of an event the 10 s from its start. Interval: 95 % over sessions by Welch's t, from five on each side.")
	t.Notes = append(t.Notes, s.Stamps(p)...)
	return t
}

// unknown says what captures cannot tell of a device, in a line.
func unknown(s *reports.Set, d string, c reports.Costs) []string {
	var all []string
	for _, r := range c {
		for _, x := range r.Cost.Unknown {
			if !slices.Contains(all, x) {
				all = append(all, x)
			}
		}
	}
	if all == nil {
		return nil
	}
	return []string{"Not known of " + s.DefenseLabel(d) + ": " + strings.Join(all, "; ")}
}

// ofAll writes a part of a whole in percent, without a sign.
func ofAll(v float64) string { return table.Fixed(100*v, 1) + " %" }

// millis writes a time that may be below 0 and a few microseconds.
func millis(v float64) string {
	if math.Abs(v) < 0.1 {
		return table.Fixed(1000*v, 3) + " ms"
	}
	return table.Seconds(v)
}

// kilobytes writes an amount with three digits that count.
func kilobytes(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return table.Group(table.Fixed(v, 0))
	case a >= 10:
		return table.Fixed(v, 1)
	}
	return table.Fixed(v, 2)
}
