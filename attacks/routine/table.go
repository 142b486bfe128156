package routine

import (
	"math"

	"veilbench/attacks/diary"
)

// table is what it says about a slot that something is raised in it: naive Bayes over
// all that a trace shows at times, each raised or not. What a trace never shows says
// nothing: its home does not have that device.
type table struct {
	classes int
	// on and off are, by name, the logarithms of how likely it is raised, or not, in
	// each class, in homes that have it.
	on, off map[string][]float64
}

// fewHomes is in how many examples something must be shown to be learned: what one
// home alone has stands for that home and not for what its people do.
const fewHomes = 2

// newTable learns from examples. With fewer than fewHomes of them all is learned that
// there is.
func newTable(all []example, classes int, answer func(diary.Truth) int) table {
	t := table{classes, map[string][]float64{}, map[string][]float64{}}
	homes := map[string]int{}
	raised, of := map[string][]float64{}, map[string][]float64{}
	for _, x := range all {
		n := make([]float64, classes)
		for _, truth := range x.truth {
			if c := answer(truth); c >= 0 {
				n[c]++
			}
		}
		for name, on := range x.raised {
			if homes[name]++; homes[name] == 1 {
				raised[name], of[name] = make([]float64, classes), make([]float64, classes)
			}
			for c := range n {
				of[name][c] += n[c]
			}
			for _, i := range on {
				if c := answer(x.truth[i]); c >= 0 {
					raised[name][c]++
				}
			}
		}
	}

	for name, n := range homes {
		if n < min(fewHomes, len(all)) {
			continue
		}

		// Drawn to the share over all classes by ten slots: what is rare differs between
		// classes by chance.
		var r, o float64
		for c := range classes {
			r, o = r+raised[name][c], o+of[name][c]
		}
		mean := (r + 0.5) / (o + 1)
		on, off := make([]float64, classes), make([]float64, classes)
		for c := range classes {
			p := (raised[name][c] + 10*mean) / (of[name][c] + 10)
			on[c], off[c] = math.Log(p), math.Log(1-p)
		}
		t.on[name], t.off[name] = on, off
	}
	return t
}

// columns are the scores of all classes but the last against the last, by slot, over
// their medians in the trace.
func (t table) columns(s sheet) [][]float32 {
	if t.classes < 2 {
		return nil
	}
	last := t.classes - 1
	sums := make([][]float64, last) // over what nothing raised would say
	for c := range sums {
		sums[c] = make([]float64, len(s.rows))
	}
	for _, name := range sortedNames(s.raised) {
		on, off := t.on[name], t.off[name]
		if on == nil {
			continue
		}
		for c := range last {
			gain := on[c] - on[last] - (off[c] - off[last])
			for _, i := range s.raised[name] {
				sums[c][i] += gain
			}
		}
	}

	// Sums of hundreds of dependent things are far too sure of themselves. Their order
	// counts for a forest, whose cuts are the same for any rising function; and how much
	// a home has that is silent now shifts all of its slots alike, which centering undoes.
	rows := make([][]float32, len(s.rows))
	for i := range rows {
		rows[i] = make([]float32, last)
		for c := range last {
			rows[i][c] = float32(sums[c][i])
		}
	}
	out := make([][]float32, last)
	for c := range last {
		center(rows, c)
		out[c] = make([]float32, len(rows))
		for i := range rows {
			out[c][i] = rows[i][c]
		}
	}
	return out
}
