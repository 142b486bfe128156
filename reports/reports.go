// Package reports draws tables and figures from results.
package reports

import (
	"fmt"
	"strings"
	"veilbench/bench"
)

type Options struct{}

func WriteAll(dir string, rs []bench.Result, o Options) (string, error) {
	var b strings.Builder
	for _, r := range rs {
		v, _ := r.Metric(r.Headline)
		ba, _ := r.Metric("burst_accuracy")
		acc, _ := r.Metric("accuracy")
		fmt.Fprintf(&b, "%-20s %-40s %-24s %-9s f%d %.3f floor %.3f acc %.3f %.3f over %.2f %s\n", r.Cell.Dataset, r.Cell.Defense, r.Cell.Attack, r.Cell.Knowledge, r.Cell.Fold, v, r.Floor, ba, acc, r.Cost.Overhead(), r.Err)
	}
	return b.String(), nil
}
