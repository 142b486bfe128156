package reports

import (
	"encoding/csv"
	"io"
	"strconv"

	"veilbench/bench"
)

// csvHeader names the columns of results.csv. The first eleven are fixed; more
// may follow in later versions.
func csvHeader() []string {
	return []string{
		"dataset", "task", "vantage", "defense", "attack", "knowledge", "split", "fold", "seed", "metric", "value",
		"draw", "train_defense", "train_draws", "error",
	}
}

// WriteCSV writes one row per cell and metric, in the order of rs, with values
// that read back as the same numbers. Beside the scores there are the floor and
// the ledger: byte_overhead, out_bytes and so on. A failed cell is one row with
// the metric "failed" and the error.
func WriteCSV(w io.Writer, rs []bench.Result) error {
	c := csv.NewWriter(w)
	if err := c.Write(csvHeader()); err != nil {
		return err
	}
	for _, r := range rs {
		row := func(metric, value string) error {
			k := r.Cell
			return c.Write([]string{
				k.Dataset, string(k.Task), string(k.Vantage), k.Defense, k.Attack, string(k.Knowledge), string(k.Split),
				strconv.Itoa(k.Fold), strconv.FormatUint(k.Seed, 10), metric, value,
				strconv.Itoa(k.Draw), k.TrainDefense, strconv.Itoa(k.TrainDraws), r.Err,
			})
		}
		if r.Err != "" {
			if err := row("failed", "1"); err != nil {
				return err
			}
			continue
		}
		for _, m := range metricsOf(r) {
			if err := row(m.Name, strconv.FormatFloat(m.Value, 'g', -1, 64)); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// metricsOf lists everything numeric that a result holds.
func metricsOf(r bench.Result) []bench.Metric {
	c := r.Cost
	out := append([]bench.Metric{}, r.Metrics...)
	out = append(out,
		bench.Metric{Name: "floor", Value: r.Floor},
		bench.Metric{Name: "byte_overhead", Value: c.Overhead()},
		bench.Metric{Name: "in_bytes", Value: float64(c.InBytes[0] + c.InBytes[1])},
		bench.Metric{Name: "out_bytes", Value: float64(c.OutBytes[0] + c.OutBytes[1])},
		bench.Metric{Name: "in_packets", Value: float64(c.InPackets[0] + c.InPackets[1])},
		bench.Metric{Name: "out_packets", Value: float64(c.OutPackets[0] + c.OutPackets[1])},
		bench.Metric{Name: "cover_bytes", Value: float64(c.CoverBytes)},
		bench.Metric{Name: "delay_mean_s", Value: c.DelayMean},
		bench.Metric{Name: "delay_median_s", Value: c.DelayMedian},
		bench.Metric{Name: "delay_p95_s", Value: c.DelayP95},
		bench.Metric{Name: "delay_p99_s", Value: c.DelayP99},
		bench.Metric{Name: "delay_max_s", Value: c.DelayMax},
	)
	return append(out, c.More...)
}
