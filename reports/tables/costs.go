package tables

import (
	"fmt"
	"math"
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
		Title: fmt.Sprintf("Cost of each defense: %s, %s", reports.DataName(p.Dataset), p.Vantage),
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
	t := table.Table{Title: fmt.Sprintf("Overhead in %s as others define it: %s, %s", o.What, reports.DataName(p.Dataset), p.Vantage), Columns: table.Columns("defense")}
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
	t := table.Table{Title: "Computing cost of each attack: " + p.About(), Columns: table.Columns(
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
