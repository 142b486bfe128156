package routine

import (
	"context"
	"math"
	"slices"

	"veilbench/attacks/diary"
	"veilbench/datasets"
)

// reader makes sheets of traces.
type reader interface {
	// read returns the sheet of t, whose slots are those of diary.Slots.
	read(ctx context.Context, t datasets.Trace) (sheet, error)
}

// sheet is what was seen of each slot of a trace.
type sheet struct {
	// rows[i] are numbers of slot i, as many in every sheet of a reader.
	rows [][]float32
	// raised[name] are the slots, ascending, in which something that the trace shows
	// at times (a service, a size, a class of events) occurs more than it mostly does.
	raised map[string][]int32
	// busy are the slots in which somebody seems to do something.
	busy []bool
}

// tally counts things by slot, one slot after the other.
type tally struct {
	counts map[string][]count
}

// count is how often something occurred in a slot in which it did.
type count struct{ slot, n int32 }

// add adds n of a name in a slot, which is not before that of the last call for it.
func (t *tally) add(name string, slot, n int32) {
	cs := t.counts[name]
	if k := len(cs) - 1; k >= 0 && cs[k].slot == slot {
		cs[k].n += n
		return
	}
	t.counts[name] = append(cs, count{slot, n})
}

// raised lists the slots of each name in which it occurs more than twice as often as
// in the median slot of so many. The median is the home's own, so that what a device
// does all day by itself, however often, tells nothing.
func (t *tally) raised(slots int) map[string][]int32 {
	out := map[string][]int32{}
	var ns []int32
	for name, cs := range t.counts {
		ns = ns[:0]
		for _, c := range cs {
			ns = append(ns, c.n)
		}
		slices.Sort(ns)

		// Slots without it are not listed: they are the zeros before all others.
		median := int32(0)
		if at := (slots-1)/2 - (slots - len(ns)); at >= 0 {
			median = ns[at]
		}
		var on []int32
		for _, c := range cs {
			if c.n > 2*median {
				on = append(on, c.slot)
			}
		}
		if len(on) > 0 {
			out[name] = on
		}
	}
	return out
}

// log1p is the logarithm that counts are taken by: what doubles matters, not how many
// more.
func log1p(v float64) float32 { return float32(math.Log1p(v)) }

// center subtracts from the columns of rows their medians over the trace: homes differ
// in how much they send whoever is there.
func center(rows [][]float32, columns ...int) {
	values := make([]float32, len(rows))
	for _, j := range columns {
		for i, r := range rows {
			values[i] = r[j]
		}
		slices.Sort(values)
		if len(values) == 0 {
			return
		}
		median := values[(len(values)-1)/2]
		for _, r := range rows {
			r[j] -= median
		}
	}
}

// context widths, in slots to each side: the hour around a slot and half a night.
const (
	near = diary.PerHour
	far  = 3 * diary.PerHour
)

// quiet are two columns: for how long nobody has seemed to do anything, and for how
// long nobody will, as logarithms of slots. A night is as long as a night, which the
// steps of a chain, that forget how long they stayed, cannot say.
func (s sheet) quiet() [][]float32 {
	since, until := make([]float32, len(s.busy)), make([]float32, len(s.busy))
	n := 0
	for i, b := range s.busy {
		if n++; b {
			n = 0
		}
		since[i] = log1p(float64(n))
	}
	n = 0
	for i := len(s.busy) - 1; i >= 0; i-- {
		if n++; s.busy[i] {
			n = 0
		}
		until[i] = log1p(float64(n))
	}
	return [][]float32{since, until}
}

// columnsOf are rows as columns for a forest: each number itself, its means over the
// hour before and after, and over three hours around. extra are further columns.
func columnsOf(rows [][]float32, extra [][]float32) [][]float32 {
	width := 0
	if len(rows) > 0 {
		width = len(rows[0])
	}
	base := make([][]float32, 0, width+len(extra))
	for j := range width {
		c := make([]float32, len(rows))
		for i, r := range rows {
			c[i] = r[j]
		}
		base = append(base, c)
	}
	base = append(base, extra...)

	var out [][]float32
	for _, c := range base {
		// sums[i] is the sum of the first i, so that every mean is a difference of two.
		sums := make([]float64, len(c)+1)
		for i, v := range c {
			sums[i+1] = sums[i] + float64(v)
		}
		mean := func(lo, hi int) float32 {
			if lo, hi = max(lo, 0), min(hi, len(c)); lo < hi {
				return float32((sums[hi] - sums[lo]) / float64(hi-lo))
			}
			return 0
		}
		before, after, around := make([]float32, len(c)), make([]float32, len(c)), make([]float32, len(c))
		for i := range c {
			before[i], after[i], around[i] = mean(i-near, i), mean(i+1, i+1+near), mean(i-far, i+far+1)
		}
		out = append(out, c, before, after, around)
	}
	return out
}
