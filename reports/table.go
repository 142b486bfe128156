package reports

import (
	"fmt"
	"io"
	"strings"

	"veilbench/bench/results"
)

// Table is rows of values with what must be known to read them.
type Table struct {
	// Name is the name on the command line, Title the heading.
	Name, Title string
	// Columns head the values of each row; there are as many of both.
	Columns []Column
	Rows    [][]Value
	// Notes stand under the table, in order: what is estimated, stamps,
	// warnings.
	Notes []string
}

// Column is the head of a column.
type Column struct {
	Head string
	// Num aligns to the right and sorts by number.
	Num bool
	// Interval adds columns for lower and upper bound to CSV.
	Interval bool
}

// Value is a cell of a table.
type Value struct {
	// Text is what is printed.
	Text string
	// Num is the number behind Text at full precision, if OK.
	Num float64
	OK  bool
	// Lo and Hi bound Num if HasInterval.
	Lo, Hi      float64
	HasInterval bool
	// Of says how Num follows from what is stored beside the tables; nil for
	// text.
	Of *Origin
}

// Origin says how a number follows from rows of results.csv, groups.csv or
// classes.csv: those of the selected cells with the given metric or class,
// taken together by Op.
type Origin struct {
	Op Op
	// Metric is a metric, or the class of ClassRecall and ClassCount.
	Metric string
	Panel  Panel
	// Defense and Attacker select rows; empty ones select all.
	Defense  string
	Attacker Attacker
	// Against and Rival select the rows that Difference and SignFlip compare
	// with.
	Against string
	Rival   Attacker
}

// Op takes several cells together.
type Op string

// How cells are taken together. Cost is counted once for each fold, draw and
// seed, however many attacks saw the same traces.
const (
	Mean      Op = "mean"      // of the metric over cells
	Gain      Op = "advantage" // of the mean score over the mean floor
	Overhead  Op = "overhead"  // sum of out_bytes over sum of in_bytes, minus 1
	CostMean  Op = "cost mean" // of the metric over distinct traces
	CostWorst Op = "cost max"  // largest over distinct traces
	Count     Op = "count"     // number of cells that did not fail
	Cells     Op = "cells"     // number of cells

	ClassRecall Op = "recall of a class" // sum of right over sum of n
	ClassCount  Op = "size of a class"   // sum of n, the largest over attackers

	Groups     Op = "groups"         // number of test groups of one or of both
	Chosen     Op = "chosen score"   // mean over groups, each by the attack that is best on the others
	Headline   Op = "headline"       // the same of the advantage
	Difference Op = "difference"     // mean over groups of the difference of advantages
	SignFlip   Op = "sign-flip test" // p-value of Difference
	// Others beside it.
	McNemar     Op = "McNemar's test"   // of groups of one item each
	SignedRanks Op = "signed-rank test" // Wilcoxon's
	CliffDelta  Op = "Cliff's delta"

	// Over the cells of the first draw and seed.
	Total       Op = "total"          // of the metric
	PerDay      Op = "a home-day"     // Total of the metric over that of observed_days
	PerMillion  Op = "a million"      // the same over observed_packets, times a million
	MostDay     Op = "most a day"     // upper Poisson limit of PerDay
	MostMillion Op = "most a million" // upper Poisson limit of PerMillion
	Right       Op = "right"          // alerts_right over alerts
	RightLow    Op = "right, low"     // lower limit of Right
	RightHigh   Op = "right, high"    // upper limit of Right

	// Of the bound by the vectors of one feature set, which Metric names:
	// distinct folds, seeds and training draws, however many attacks share it.
	NearestError Op = "1-NN error"  // sum of bound_wrong over sum of bound_tested
	LeastError   Op = "bound"       // the bound that follows from it
	ClassBits    Op = "class bits"  // mean of bound_class_bits
	ChanceBits   Op = "chance bits" // mean of bound_chance_bits
	BestError    Op = "best error"  // 1 minus the lowest share of things named right
)

func word(s string) Value { return Value{Text: s} }

func number(v float64, format func(float64) string) Value {
	return Value{Text: format(v), Num: v, OK: true}
}

// of says what v follows from.
func (v Value) of(o Origin) Value {
	v.Of = &o
	return v
}

// missing marks what was not computed.
func missing() Value { return word("–") }

// compute takes the cells of o together. failed says how many of n failed: a
// number is only given when none did.
func (s *Set) compute(o Origin) (v float64, n, failed int, ok bool) {
	var rs []*results.Result
	if o.Attacker.Attack == "" {
		rs = distinctCosts(s.byDefense[subject{o.Panel, o.Defense}])
		n = len(rs)
	} else {
		all := s.byPair[pair{o.Panel, o.Defense, o.Attacker}]
		rs, failed = good(all)
		if n = len(all); failed > 0 {
			return 0, n, failed, false
		}
	}
	if len(rs) == 0 {
		return 0, n, failed, false
	}
	switch o.Op {
	case Count:
		return float64(len(rs)), n, failed, true
	case Overhead:
		in, inOK := total(rs, "in_bytes")
		out, outOK := total(rs, "out_bytes")
		if in == 0 {
			return 0, n, failed, inOK && outOK
		}
		return (out - in) / in, n, failed, inOK && outOK
	case Gain:
		sum, ok := total(rs, rs[0].Headline)
		floor, _ := total(rs, "floor")
		c := float64(len(rs))
		return results.Advantage(sum/c, floor/c), n, failed, ok
	case CostWorst:
		v, ok = largest(rs, o.Metric)
		return v, n, failed, ok
	}
	sum, ok := total(rs, o.Metric)
	return sum / float64(len(rs)), n, failed, ok
}

// total sums a metric over results; ok is false unless all have it.
func total(rs []*results.Result, metric string) (sum float64, ok bool) {
	for _, r := range rs {
		v, has := metricOf(r, metric)
		if !has {
			return 0, false
		}
		sum += v
	}
	return sum, true
}

func largest(rs []*results.Result, metric string) (top float64, ok bool) {
	for i, r := range rs {
		v, has := metricOf(r, metric)
		if !has {
			return 0, false
		}
		if i == 0 || v > top {
			top = v
		}
	}
	return top, true
}

// value computes o and formats it. Failed cells are said to have failed.
func (s *Set) value(o Origin, format func(float64) string) Value {
	v, n, failed, ok := s.compute(o)
	switch {
	case failed > 0:
		return word(failedText(failed, n))
	case n == 0:
		return missing()
	case !ok:
		return word("n/a")
	}
	out := number(v, format)
	out.Of = &o
	return out
}

func failedText(failed, n int) string {
	if failed == n {
		return "failed"
	}
	return fmt.Sprintf("failed %d/%d", failed, n)
}

// Format is a file format of a table or figure.
type Format string

// Formats of tables (the first five) and figures.
const (
	Text     Format = "text"
	Markdown Format = "markdown"
	LaTeX    Format = "latex"
	CSV      Format = "csv"
	HTML     Format = "html"
	SVG      Format = "svg"
	PDF      Format = "pdf"
	PNG      Format = "png"
	PGF      Format = "pgf"
)

// WriteTables writes tables one after the other in a format of tables; HTML
// gives fragments without a page around them.
func WriteTables(w io.Writer, f Format, ts []Table) error {
	switch f {
	case Text:
		return writeText(w, ts)
	case Markdown:
		return writeMarkdown(w, ts)
	case LaTeX:
		return writeLaTeX(w, ts)
	case CSV:
		return writeCSV(w, ts)
	}
	return fmt.Errorf("no table in format %q: want %s", f, strings.Join([]string{string(Text), string(Markdown), string(LaTeX), string(CSV)}, ", "))
}
