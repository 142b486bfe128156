package reports

import (
	"cmp"
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"

	"veilbench/bench/results"
	"veilbench/reports/table"
)

// Columns that say which cell a row is of, in groups.csv and classes.csv one
// after the other. results.csv has its own between and behind them: its first
// eleven columns stay as they are, more may follow.
var (
	cellHead  = [...]string{"dataset", "task", "vantage", "defense", "attack", "knowledge", "split", "fold", "seed"}
	drawsHead = [...]string{"draw", "train_defense", "train_draws"}
)

func cellColumns(c results.Cell) []string {
	return []string{
		c.Dataset, string(c.Task), string(c.Vantage), c.Defense, c.Attack, string(c.Knowledge),
		string(c.Split), strconv.Itoa(c.Fold), strconv.FormatUint(c.Seed, 10),
	}
}

func drawsColumns(c results.Cell) []string {
	return []string{strconv.Itoa(c.Draw), c.TrainDefense, strconv.Itoa(c.TrainDraws)}
}

// writeRows writes a head and what rows gives for each result.
func writeRows(w io.Writer, rs []results.Result, head []string, rows func(r *results.Result) [][]string) error {
	c := csv.NewWriter(w)
	if err := c.Write(head); err != nil {
		return err
	}
	for i := range rs {
		for _, row := range rows(&rs[i]) {
			if err := c.Write(table.GuardCSV(row)); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// WriteResults writes results.csv: one row for each cell and metric at full
// precision, in canonical order of cells and by name of metric. Beside the
// attack's scores each cell has the headline's floor and advantage and the
// ledger of cost; an advantage without evidence is left out. A failed cell is one row with the metric "failed", the value
// 1 and its error.
func (s *Set) WriteResults(w io.Writer) error {
	head := slices.Concat(cellHead[:], []string{"metric", "value"}, drawsHead[:], []string{"headline", "control", "generated", "oracle", "error", "evidence"})
	return writeRows(w, s.Results, head, func(r *results.Result) (out [][]string) {
		cell, draws := cellColumns(r.Cell), drawsColumns(r.Cell)
		e, known := s.Evidence(pairOf(r.Cell))
		state := ""
		switch {
		case r.Control:
			state = "control"
		case known && r.Err == "":
			state = State(e)
		}
		about := []string{r.Headline, strconv.FormatBool(r.Control), strconv.FormatBool(r.Generated), strconv.FormatBool(r.Oracle), r.Err, state}
		for _, m := range allMetrics(r) {
			if m.Name == results.AdvantageMetric && known && !e.OK() {
				continue // nobody knows it
			}
			out = append(out, slices.Concat(cell, []string{m.Name, table.Full(m.Value)}, draws, about))
		}
		return out
	})
}

// writeGroups writes groups.csv: the headline metric of each test group. Of
// events it is the mean over devices; pooled is F1 over all of them at once. Of
// diaries the further figures of a group follow, each over that of the clock, for
// their intervals rest on groups as well.
func (s *Set) writeGroups(w io.Writer) error {
	head := slices.Concat(cellHead[:], drawsHead[:], []string{"group", "metric", "value", "floor", "n", "pooled", "pooled_floor"})
	return writeRows(w, s.Results, head, func(r *results.Result) (out [][]string) {
		for _, g := range r.Groups {
			pooled, floor := "", ""
			if len(g.Devices) > 0 {
				pooled, floor = table.Full(g.Pooled), table.Full(g.PooledFloor)
			}
			out = append(out, slices.Concat(cellColumns(r.Cell), drawsColumns(r.Cell),
				[]string{g.Group, r.Headline, table.Full(g.Value), table.Full(g.Floor), strconv.Itoa(g.N), pooled, floor}))
			for _, p := range g.Parts {
				out = append(out, slices.Concat(cellColumns(r.Cell), drawsColumns(r.Cell),
					[]string{g.Group, p.Name, table.Full(p.Value), table.Full(p.Floor), "", "", ""}))
			}
		}
		return out
	})
}

// writeDevices writes devices.csv: F1 of each device with an event in each test
// group of an event task, and what a control reaches on it.
func (s *Set) writeDevices(w io.Writer) error {
	head := slices.Concat(cellHead[:], drawsHead[:], []string{"group", "device", results.F1, "floor", "n"})
	return writeRows(w, s.Results, head, func(r *results.Result) (out [][]string) {
		for _, g := range r.Groups {
			for _, d := range g.Devices {
				out = append(out, slices.Concat(cellColumns(r.Cell), drawsColumns(r.Cell),
					[]string{g.Group, d.Device, table.Full(d.Value), table.Full(d.Floor), strconv.Itoa(d.N)}))
			}
		}
		return out
	})
}

// writeCanaries writes canaries.csv: what each planted cell found, in the columns
// of results.csv.
func (s *Set) writeCanaries(w io.Writer) error {
	head := slices.Concat(cellHead[:], []string{"metric", "value"}, drawsHead[:], []string{"error"})
	return writeRows(w, s.Planted, head, func(r *results.Result) (out [][]string) {
		ms := r.Metrics
		if r.Err != "" {
			ms = []results.Metric{{Name: results.Failed, Value: 1}}
		}
		for _, m := range ms {
			out = append(out, slices.Concat(cellColumns(r.Cell), []string{m.Name, table.Full(m.Value)}, drawsColumns(r.Cell), []string{r.Err}))
		}
		return out
	})
}

// writeClasses writes classes.csv: for each cell and class of the truth, how
// many items or packets of it were tested and how many were named right.
func (s *Set) writeClasses(w io.Writer) error {
	head := slices.Concat(cellHead[:], drawsHead[:], []string{"class", "right", "n"})
	return writeRows(w, s.Results, head, func(r *results.Result) (out [][]string) {
		counts := ClassTallies(r)
		for _, class := range slices.Sorted(maps.Keys(counts)) {
			t := counts[class]
			out = append(out, slices.Concat(cellColumns(r.Cell), drawsColumns(r.Cell),
				[]string{class, strconv.FormatInt(t.Right, 10), strconv.FormatInt(t.N, 10)}))
		}
		return out
	})
}

// allMetrics are the figures of a cell: its scores and its ledger, by name.
func allMetrics(r *results.Result) []results.Metric {
	if r.Err != "" {
		return []results.Metric{{Name: results.Failed, Value: 1}}
	}
	ms := slices.Clone(r.Metrics)
	if v, ok := r.Metric(r.Headline); ok {
		ms = append(ms, results.Metric{Name: results.AdvantageMetric, Value: results.Advantage(v, r.Floor)})
	}
	ms = append(ms, results.Metric{Name: results.Floor, Value: r.Floor})
	ms = append(ms, costMetrics(r.Cost)...)
	for _, b := range r.Bounds {
		ms = append(ms,
			results.Metric{Name: results.BoundWrong + ":" + b.Set, Value: float64(b.Wrong)},
			results.Metric{Name: results.BoundTested + ":" + b.Set, Value: float64(b.Tested)},
			results.Metric{Name: results.BoundClasses + ":" + b.Set, Value: float64(b.Classes)},
			results.Metric{Name: results.BoundClassBits + ":" + b.Set, Value: b.ClassBits},
			results.Metric{Name: results.BoundChanceBits + ":" + b.Set, Value: b.ChanceBits})
	}

	// Stable, so that of two figures of one name the score stands first.
	slices.SortStableFunc(ms, func(a, b results.Metric) int { return cmp.Compare(a.Name, b.Name) })
	return ms
}

// costMetrics are the figures of the ledger under the names that results.csv
// and tables share.
func costMetrics(c results.Cost) []results.Metric {
	n := func(v [2]int64) float64 { return float64(v[0] + v[1]) }
	ms := []results.Metric{
		{Name: results.Overhead, Value: c.Overhead()},
		{Name: results.InBytes, Value: n(c.InBytes)},
		{Name: results.OutBytes, Value: n(c.OutBytes)},
		{Name: results.InBytesUp, Value: float64(c.InBytes[0])},
		{Name: results.OutBytesUp, Value: float64(c.OutBytes[0])},
		{Name: results.InPackets, Value: n(c.InPackets)},
		{Name: results.OutPackets, Value: n(c.OutPackets)},
		{Name: results.CoverBytes, Value: float64(c.CoverBytes)},
		{Name: results.ObservedS, Value: c.Seconds},
	}
	if !c.NoDelay {
		ms = append(ms, delayMetrics(c)...)
	}
	return append(ms, c.More...)
}

// delayMetrics are those of c that are about delays.
func delayMetrics(c results.Cost) []results.Metric {
	return []results.Metric{
		{Name: results.DelayMean, Value: c.DelayMean},
		{Name: results.DelayMedian, Value: c.DelayMedian},
		{Name: results.DelayP95, Value: c.DelayP95},
		{Name: results.DelayP99, Value: c.DelayP99},
		{Name: results.DelayMax, Value: c.DelayMax},
	}
}
