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

// Costs is one table for each data set, vantage and split.
var Costs = reports.TableKind{
	Name: "costs", Doc: "bytes, packets, delay and rate of every defense",
	Draw: reports.PerCost(costTable),
}

func costTable(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{
		Title: fmt.Sprintf("Cost of each defense: %s, %s", s.DataName(p.Dataset), p.Vantage),
		Columns: table.Columns("defense", "#bytes", "#packets out", "#cover bytes", "#delay mean", "#median", "#p95", "#p99", "#max",
			"#peak B/s", "#GB/month"),
	}
	for _, d := range s.Defenses[p] {
		c := s.Costs(reports.Subject{Panel: p, Defense: d})
		mean := func(m string, f func(float64) string) table.Value { return c.Mean(m).Value(f) }
		worst := func(m string, f func(float64) string) table.Value { return c.Worst(m).Value(f) }

		// A mean of tails says little: the worst fold is what a home must bear.
		t.Rows = append(t.Rows, []table.Value{
			defense(s, d), c.Bytes(), mean(results.OutPackets, table.Amount), mean(results.CoverBytes, table.Amount),
			mean(results.DelayMean, table.Seconds), mean(results.DelayMedian, table.Seconds), c.Delay(),
			worst(results.DelayP99, table.Seconds), worst(results.DelayMax, table.Seconds),
			worst(results.PeakOut, table.Amount), c.Traffic(),
		})
	}
	t.Notes = append(t.Notes, "Bytes: sum over folds and draws of (out - in) / in at the IP layer, behind the same link queue. Packets, cover, mean and median delay, GB/month: mean over folds and draws; p95, p99, max and peak: the largest of them. GB/month only from continuous recordings of an hour or more.")
	t.Notes = append(t.Notes, s.PanelNotes(p)...)
	return []table.Table{t}
}

// PublishedOverheads prints the ledger as other publications define overhead,
// what is sent apart from what is delayed.
var PublishedOverheads = reports.TableKind{
	Name: "dialects", Doc: "overheads as other publications define them",
	Draw: reports.PerCost(func(s *reports.Set, p reports.Panel) []table.Table {
		var out []table.Table
		for _, o := range reports.PublishedOverheads() {
			out = append(out, overheadTable(s, p, o))
		}
		return out
	}),
}

func overheadTable(s *reports.Set, p reports.Panel, o reports.Overheads) table.Table {
	t := table.Table{Title: fmt.Sprintf("Overhead in %s as others define it: %s, %s", o.What, s.DataName(p.Dataset), p.Vantage), Columns: table.Columns("defense")}
	var defined []string
	for _, m := range o.Of {
		t.Columns = append(t.Columns, table.Column{Head: m.By, Num: true})
		defined = append(defined, m.By+": "+m.Definition)
	}
	for _, d := range s.Defenses[p] {
		row := []table.Value{defense(s, d)}
		for _, m := range o.Of {
			row = append(row, s.Costs(reports.Subject{Panel: p, Defense: d}).Mean(m.Metric).Value(table.Ratio))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = append([]string{strings.Join(defined, "; ") + ". Mean over folds and draws. " + o.Free}, s.Stamps(p)...)
	return t
}

// AttackCost is what attacks took on this machine, when that is known.
var AttackCost = reports.TableKind{
	Name: "attack-cost", Doc: "what training and guessing took",
	Draw: reports.PerPanel(attackCostTable),
}

func attackCostTable(s *reports.Set, p reports.Panel) []table.Table {
	t := table.Table{Title: "Computing cost of each attack: " + s.About(p), Columns: table.Columns(
		"attack", "#cells", "#training, s a cell", "#guessing, s a cell", "#packets guessed a second", "#model in memory, kB")}
	for _, attack := range s.Attacks(p) {
		if row := attackCostRow(s, p, attack); row != nil {
			t.Rows = append(t.Rows, row)
		}
	}
	t.Notes = []string{"Measured where the cells were computed; models that several cells share are counted where they were trained; the largest model. Differs from machine to machine."}
	return unlessEmpty(t)
}

// attackCostRow adds up the cells of an attack that were timed, nil for none.
func attackCostRow(s *reports.Set, p reports.Panel, attack string) []table.Value {
	if s.Options.Timing == nil {
		return nil
	}
	var train, guess, packets, model, n float64
	for _, d := range s.Defenses[p] {
		for _, r := range s.BySubject[reports.Subject{Panel: p, Defense: d}] {
			if tm, ok := s.Options.Timing(*r); ok && r.Cell.Attack == attack {
				model = max(model, float64(tm.ModelBytes)/1000)
				train, guess, packets, n = train+tm.TrainSeconds, guess+tm.GuessSeconds, packets+float64(tm.GuessPackets), n+1
			}
		}
	}
	if n == 0 {
		return nil
	}

	// Clocks are coarse, and old runs did not measure models: 0 is not known.
	rate, size := table.Missing(), table.Missing()
	if guess > 0 {
		rate = table.Number(math.Round(packets/guess), table.Amount)
	}
	if model > 0 {
		size = table.Number(model, table.Ratio)
	}
	return []table.Value{label(s, attack), table.Number(n, table.Amount), table.Number(train/n, table.Ratio), table.Number(guess/n, table.Ratio), rate, size}
}

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
		Title: fmt.Sprintf("Captured on both sides: %s, %s", s.DataName(p.Dataset), p.Vantage),
		Columns: table.Columns("device", "#matched", "#look-alikes", "#lost up", "#lost down", "#out of order", "#own packets",
			"#delay up", "#p95", "#delay down", "#p95", "#clock off", "#drift, ppm"),
	}
	for _, d := range s.Defenses[p] {
		c := s.Costs(reports.Subject{Panel: p, Defense: d})
		if !c.Mean(results.PairMatched).OK {
			continue // computed, or sessions
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
		Title:   fmt.Sprintf("Sessions without and with a device: %s, %s", s.DataName(p.Dataset), p.Vantage),
		Columns: table.Columns("device", "#kB/h before", "#after", "#added", "#kB/event before", "#after", "#added"),
	}
	for _, d := range s.Defenses[p] {
		c := s.Costs(reports.Subject{Panel: p, Defense: d})
		if !c.Mean(results.SessionHour).OK {
			continue
		}
		mean := func(m string) table.Value { return c.Mean(m).Value(kilobytes) }
		added := func(m, lo, hi string) table.Value {
			// Costs may go down as well: limits are not cut.
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
