package reports

import (
	"fmt"
	"maps"
	"slices"

	"veilbench/bench/results"
	"veilbench/bench/stats"
	"veilbench/datasets"
	"veilbench/reports/table"
)

// Estimate is a number over several cells, or why there is none.
type Estimate struct {
	// Num is the number, if OK. It is never over fewer cells than were run: one
	// that failed takes it away, or failing would look like hiding.
	Num float64
	OK  bool
	// Cells is how many there are, Failed how many of them failed.
	Cells, Failed int
	// Unearned is set of an advantage that nothing says of the defense.
	Unearned bool
}

// Value is e as format prints it. Failed cells are said to have failed.
func (e Estimate) Value(format func(float64) string) table.Value {
	switch {
	case e.Failed == e.Cells && e.Failed > 0:
		return table.Failed("failed")
	case e.Failed > 0:
		return table.Failed(fmt.Sprintf("failed %d/%d", e.Failed, e.Cells))
	case e.Cells == 0:
		return table.Missing()
	case e.Unearned:
		return table.Word(NoEvidence)
	case !e.OK:
		return table.NotApplicable()
	}
	return table.Number(e.Num, format)
}

// estimate takes the results of a pair together by take, which says whether
// all of them have what it needs.
func estimate(all []*results.Result, take func([]*results.Result) (float64, bool)) Estimate {
	rs, failed := Good(all)
	e := Estimate{Cells: len(all), Failed: failed}
	if failed == 0 && len(rs) > 0 {
		e.Num, e.OK = take(rs)
	}
	return e
}

// Mean is the mean of a metric over the cells of a pair.
func (s *Set) Mean(k Pair, metric string) Estimate {
	e := estimate(s.ByPair[k], func(rs []*results.Result) (float64, bool) { return meanOf(rs, metric) })
	if metric == results.AdvantageMetric && s.Unearned(k) {
		e.OK, e.Unearned = false, true
	}
	return e
}

// Gain is the advantage of the mean score over the mean floor.
func (s *Set) Gain(k Pair) Estimate {
	e := estimate(s.ByPair[k], func(rs []*results.Result) (float64, bool) {
		score, ok := meanOf(rs, rs[0].Headline)
		floor, _ := meanOf(rs, results.Floor)
		return results.Advantage(score, floor), ok
	})
	if s.Unearned(k) {
		e.OK, e.Unearned = false, true
	}
	return e
}

// Scored is Mean as a share with its interval over test groups.
func (s *Set) Scored(k Pair, metric string) table.Value {
	v := s.Mean(k, metric).Value(table.Score)
	return WithGroups(v, k.Panel, s.ByPair[k], IsShare(metric), func(r *results.Result) (float64, bool) { return MetricOf(r, metric) })
}

// Costs are results of one defense, one for each fold, draw and seed: attacks
// share the defended traces, so counting the ledger once for each attack would
// count the same bytes again.
type Costs []*results.Result

// Costs are what a defense costs; cells that failed have no ledger.
func (s *Set) Costs(at Subject) Costs {
	type key struct {
		fold, draw int
		seed       uint64
	}
	seen := map[key]bool{}
	var out Costs
	for _, r := range s.BySubject[at] {
		k := key{r.Cell.Fold, r.Cell.Draw, r.Cell.Seed}
		if r.Err == "" && !seen[k] {
			seen[k] = true
			out = append(out, r)
		}
	}
	return out
}

// Mean is the mean of a figure of the ledger.
func (c Costs) Mean(metric string) Estimate {
	v, ok := meanOf(c, metric)
	return Estimate{Num: v, OK: ok, Cells: len(c)}
}

// Worst is the largest of a figure of the ledger.
func (c Costs) Worst(metric string) Estimate {
	v, ok := metricsOf(c, metric)
	if !ok {
		return Estimate{Cells: len(c)}
	}
	return Estimate{Num: slices.Max(v), OK: true, Cells: len(c)}
}

// Overhead is what a defense adds to the bytes: of the sums over folds and
// draws, so that long recordings count for more than short ones.
func (c Costs) Overhead() Estimate {
	in, inOK := sumOf(c, results.InBytes)
	out, outOK := sumOf(c, results.OutBytes)
	e := Estimate{OK: inOK && outOK, Cells: len(c)}
	if in > 0 {
		e.Num = (out - in) / in
	}
	return e
}

// The three columns of cost that tables of scores share.

// Bytes prints the overhead of a defense.
func (c Costs) Bytes() table.Value { return c.Overhead().Value(table.Percent) }

// Delay prints the delay that 19 of 20 packets stay within, in the worst fold.
func (c Costs) Delay() table.Value { return c.Worst(results.DelayP95).Value(table.Seconds) }

// Traffic prints the gigabytes that a defense adds to a home's month.
func (c Costs) Traffic() table.Value { return c.Mean(results.GBPerMonth).Value(table.Volume) }

// metricsOf are the values of a metric; ok is false unless all scored results have it,
// and there are some.
func metricsOf(rs []*results.Result, metric string) (v []float64, ok bool) {
	for _, r := range rs {
		x, has := MetricOf(r, metric)
		if !has {
			// A fold in which there was nothing to find has no score, and says
			// nothing about the others.
			if _, scored := r.Metric(r.Headline); !scored {
				continue
			}
			return nil, false
		}
		v = append(v, x)
	}
	return v, len(v) > 0
}

// sumOf adds up in the order of the results: the sums of gonum's floats take
// several at once, whose last digit differs between processors.
func sumOf(rs []*results.Result, metric string) (sum float64, ok bool) {
	v, ok := metricsOf(rs, metric)
	for _, x := range v {
		sum += x
	}
	return sum, ok
}

// meanOf is over the results that metricsOf has a value of: one in which there was
// nothing to find must not count as a 0.
func meanOf(rs []*results.Result, metric string) (float64, bool) {
	v, _ := metricsOf(rs, metric)
	sum, ok := sumOf(rs, metric)
	return sum / float64(max(len(v), 1)), ok
}

// MetricOf is the figure that results.csv has for r under name.
func MetricOf(r *results.Result, name string) (float64, bool) {
	if v, ok := r.Metric(name); ok {
		return v, true
	}
	switch name {
	case results.Floor:
		return r.Floor, true
	case results.AdvantageMetric:
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

// GroupsOf is what value says of each test group, of those of which it says
// anything, as the headline counts them: the mean over results, which are of
// several draws and seeds, with items counted once.
func GroupsOf(rs []*results.Result, value func(*results.Result, results.GroupScore) (v float64, ok bool)) map[string]stats.Group {
	out, cells := map[string]stats.Group{}, map[string]int{}
	for _, r := range rs {
		for _, g := range r.Groups {
			if v, ok := value(r, g); ok {
				x := out[g.Group]
				out[g.Group] = stats.Group{Score: x.Score + v, Floor: x.Floor + g.Floor, N: x.N + g.N}
				cells[g.Group]++
			}
		}
	}
	for g, x := range out {
		n := cells[g]
		out[g] = stats.Group{Score: x.Score / float64(n), Floor: x.Floor / float64(n), N: (x.N + n - 1) / n}
	}
	return out
}

// Interval is that of the mean of a figure over test groups, at results.Level:
// of a share with the limits of the headline, which are never of zero width; of
// other figures by Student's t. ok is false below stats.MinGroups, and for
// figures other than shares that are the same in all groups, which says nothing
// of other groups.
func Interval(groups map[string]stats.Group, share bool) (lo, hi float64, ok bool) {
	var gs []stats.Group
	var v []float64
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		// The floor of a task is that of its headline metric, not of every figure.
		g := groups[name]
		g.Floor = 0
		gs, v = append(gs, g), append(v, g.Score)
		share = share && g.Score >= 0 && g.Score <= 1
	}
	if share {
		h := stats.Best([][]stats.Group{gs}, results.Level)
		return max(h.Lo, 0), min(h.Hi, 1), h.OK
	}
	lo, hi, ok = stats.Interval(v, results.Level)
	return lo, hi, ok && lo < hi
}

// BoundsOf writes the interval of an advantage. Limits are cut to 0 to 1: an upper one
// that is 0 was below the floor before, and [0 0] would look like certainty of exactly 0.
func BoundsOf(m results.Summary) string {
	if m.Hi == 0 {
		return "[≤0]"
	}
	return table.Bounds(m.Lo, m.Hi, 2, table.Short)
}

// IsShare says whether a metric is a figure between 0 and 1.
func IsShare(metric string) bool {
	info, _ := results.Describe(metric)
	return info.Unit == "share"
}

// WithGroups gives v the interval of a figure over the test groups, if there
// are enough of them and each cell tests one alone. A split within groups has
// none: its groups are no samples of homes.
func WithGroups(v table.Value, p Panel, rs []*results.Result, share bool, figure func(*results.Result) (float64, bool)) table.Value {
	if !v.OK || p.Split.Within() || slices.ContainsFunc(rs, func(r *results.Result) bool { return len(r.Groups) != 1 }) {
		return v
	}
	lo, hi, ok := Interval(GroupsOf(rs, func(r *results.Result, _ results.GroupScore) (float64, bool) { return figure(r) }), share)
	if !ok {
		return v
	}

	// A share has no bounds outside 0 to 1; other figures have none below 0.
	lo = max(lo, 0)
	if v.Num <= 1 {
		hi = min(hi, 1)
	}
	if hi > 1 {
		digits := 3
		if lo >= 10 {
			digits = 1 // as the figure itself has three that count
		}
		return v.Within(lo, hi, table.Bounds(lo, hi, digits, func(x float64) string { return table.Group(table.Fixed(x, digits)) }))
	}
	return v.Within(lo, hi, table.Bounds(lo, hi, 2, table.Short))
}

// Tally counts the test items or answers of a class, and those that were right.
type Tally struct{ Right, N int64 }

// ClassTallies counts packets of each device, or else items of each activity.
// Without tested items of a class there is no entry.
func ClassTallies(r *results.Result) map[string]Tally {
	out := tallies(r, func(truth, _ string) string { return truth })
	for _, nothing := range []string{"", datasets.Other} { // the truth of a false alarm
		if len(r.Confusion) == 0 {
			delete(out, nothing)
		}
	}
	return out
}

// AnswerTallies counts what was named of each class, false alarms among it:
// packets, or else items, those that were missed under results.Missed. Without an
// answer of a class there is no entry.
func AnswerTallies(r *results.Result) map[string]Tally {
	return tallies(r, func(_, answer string) string { return answer })
}

// tallies counts packets or items by a class of theirs.
func tallies(r *results.Result, class func(truth, answer string) string) map[string]Tally {
	out := map[string]Tally{}
	add := func(truth, answer string, n int64) {
		c := class(truth, answer)
		t := out[c]
		if t.N += n; truth == answer {
			t.Right += n
		}
		if t.N > 0 {
			out[c] = t
		}
	}
	for _, c := range r.Confusion {
		for i, row := range c.Counts {
			for j, n := range row {
				add(c.Classes[i], c.Classes[j], n)
			}
		}
	}

	// A matrix counts everything that was tested; items would count it again.
	if len(r.Confusion) == 0 {
		for _, it := range r.Items {
			add(it.Truth, it.Answer, 1)
		}
	}
	return out
}
