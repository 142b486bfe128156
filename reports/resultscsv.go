package reports

import (
	"cmp"
	"encoding/csv"
	"io"
	"maps"
	"slices"
	"strconv"

	"veilbench/bench/results"
)

// resultsHead are the columns of results.csv. The first eleven stay as they
// are; more may follow.
var resultsHead = [...]string{
	"dataset", "task", "vantage", "defense", "attack", "knowledge", "split", "fold", "seed", "metric", "value",
	"draw", "train_defense", "train_draws", "headline", "control", "generated", "oracle", "error",
}

// WriteResults writes results.csv: one row for each cell and metric at full
// precision, in canonical order of cells and by name of metric. Beside the
// attack's scores each cell has the headline's floor and advantage and the
// ledger of cost. A failed cell is one row with the metric "failed", the value
// 1 and its error.
func (s *Set) WriteResults(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(resultsHead[:]); err != nil {
		return err
	}
	row := make([]string, len(resultsHead))
	for i := range s.results {
		r := &s.results[i]
		cell := r.Cell
		copy(row, []string{
			cell.Dataset, string(cell.Task), string(cell.Vantage), cell.Defense, cell.Attack, string(cell.Knowledge),
			string(cell.Split), strconv.Itoa(cell.Fold), strconv.FormatUint(cell.Seed, 10), "", "",
			strconv.Itoa(cell.Draw), cell.TrainDefense, strconv.Itoa(cell.TrainDraws), r.Headline,
			strconv.FormatBool(r.Control), strconv.FormatBool(r.Generated), strconv.FormatBool(r.Oracle), r.Err,
		})
		for _, m := range allMetrics(r) {
			row[9], row[10] = m.Name, full(m.Value)
			if err := c.Write(row); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// WriteGroups writes groups.csv: the headline metric of each test group.
func (s *Set) WriteGroups(w io.Writer) error {
	c := csv.NewWriter(w)
	head := append(slices.Clone(resultsHead[:9]), "draw", "train_defense", "train_draws", "group", "metric", "value", "floor", "n")
	if err := c.Write(head); err != nil {
		return err
	}
	for i := range s.results {
		r := &s.results[i]
		cell := r.Cell
		for _, g := range r.Groups {
			if err := c.Write([]string{
				cell.Dataset, string(cell.Task), string(cell.Vantage), cell.Defense, cell.Attack, string(cell.Knowledge),
				string(cell.Split), strconv.Itoa(cell.Fold), strconv.FormatUint(cell.Seed, 10),
				strconv.Itoa(cell.Draw), cell.TrainDefense, strconv.Itoa(cell.TrainDraws),
				g.Group, r.Headline, full(g.Value), full(g.Floor), strconv.Itoa(g.N),
			}); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// WriteClasses writes classes.csv: for each cell and class of the truth, how
// many items or packets of it were tested and how many were named right.
func (s *Set) WriteClasses(w io.Writer) error {
	c := csv.NewWriter(w)
	head := append(slices.Clone(resultsHead[:9]), "draw", "train_defense", "train_draws", "class", "right", "n")
	if err := c.Write(head); err != nil {
		return err
	}
	for i := range s.results {
		r := &s.results[i]
		cell := r.Cell
		counts := classTallies(r)
		for _, class := range slices.Sorted(maps.Keys(counts)) {
			t := counts[class]
			if err := c.Write([]string{
				cell.Dataset, string(cell.Task), string(cell.Vantage), cell.Defense, cell.Attack, string(cell.Knowledge),
				string(cell.Split), strconv.Itoa(cell.Fold), strconv.FormatUint(cell.Seed, 10),
				strconv.Itoa(cell.Draw), cell.TrainDefense, strconv.Itoa(cell.TrainDraws),
				class, strconv.FormatInt(t.right, 10), strconv.FormatInt(t.n, 10),
			}); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// allMetrics are the figures of a cell: its scores and its ledger, by name.
func allMetrics(r *results.Result) []results.Metric {
	if r.Err != "" {
		return []results.Metric{{Name: "failed", Value: 1}}
	}
	ms := slices.Clone(r.Metrics)
	if v, ok := r.Metric(r.Headline); ok {
		ms = append(ms, results.Metric{Name: "advantage", Value: results.Advantage(v, r.Floor)})
	}
	ms = append(ms, results.Metric{Name: "floor", Value: r.Floor})
	ms = append(ms, costMetrics(r.Cost)...)
	for _, b := range r.Bounds {
		ms = append(ms,
			results.Metric{Name: "bound_wrong:" + b.Set, Value: float64(b.Wrong)},
			results.Metric{Name: "bound_tested:" + b.Set, Value: float64(b.Tested)},
			results.Metric{Name: "bound_classes:" + b.Set, Value: float64(b.Classes)},
			results.Metric{Name: "bound_class_bits:" + b.Set, Value: b.ClassBits},
			results.Metric{Name: "bound_chance_bits:" + b.Set, Value: b.ChanceBits})
	}
	slices.SortStableFunc(ms, func(a, b results.Metric) int { return cmp.Compare(a.Name, b.Name) })
	return ms
}

// costMetrics are the figures of the ledger under the names that results.csv
// and tables share.
func costMetrics(c results.Cost) []results.Metric {
	n := func(v [2]int64) float64 { return float64(v[0] + v[1]) }
	return append([]results.Metric{
		{Name: "overhead", Value: c.Overhead()},
		{Name: "in_bytes", Value: n(c.InBytes)},
		{Name: "out_bytes", Value: n(c.OutBytes)},
		{Name: "in_bytes_up", Value: float64(c.InBytes[0])},
		{Name: "out_bytes_up", Value: float64(c.OutBytes[0])},
		{Name: "in_packets", Value: n(c.InPackets)},
		{Name: "out_packets", Value: n(c.OutPackets)},
		{Name: "cover_bytes", Value: float64(c.CoverBytes)},
		{Name: "observed_s", Value: c.Seconds},
		{Name: "delay_mean_s", Value: c.DelayMean},
		{Name: "delay_median_s", Value: c.DelayMedian},
		{Name: "delay_p95_s", Value: c.DelayP95},
		{Name: "delay_p99_s", Value: c.DelayP99},
		{Name: "delay_max_s", Value: c.DelayMax},
	}, c.More...)
}

// metricOf is the figure that results.csv has for r under name.
func metricOf(r *results.Result, name string) (float64, bool) {
	if v, ok := r.Metric(name); ok {
		return v, true
	}
	switch name {
	case "floor":
		return r.Floor, true
	case "advantage":
		v, ok := r.Metric(r.Headline)
		return results.Advantage(v, r.Floor), ok
	}
	for _, m := range costMetrics(r.Cost) {
		if m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}
