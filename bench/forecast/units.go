package forecast

import (
	"maps"
	"slices"
	"strings"

	"veilbench/bench"
	"veilbench/bench/results"
)

// Unit is what is computed in one process in any case, a defense on a data set, and
// what that is expected to take.
type Unit struct {
	Dataset, Defense string
	Cells            int
	// Seconds are those of one worker, without Models.
	Seconds float64
	// Models are the seconds of each training on undefended traffic, by a cell that
	// stands for it: a process that computes several units does it once.
	Models                 map[results.Cell]float64
	MemoryBytes, DiskBytes int64
}

// Units are those of a plan, in its order. What they take comes from shapes and
// rates alone: with Rates{} and the shapes of Constant it is the same on every
// machine.
func Units(plan []bench.Planned, shapes map[ShapeKey]Shape, r Rates) []Unit {
	type key struct{ dataset, defense string }
	var order []key
	of := map[key][]bench.Planned{}
	for _, p := range plan {
		k := key{p.Cell.Dataset, p.Cell.Defense}
		if of[k] == nil {
			order = append(order, k)
		}
		of[k] = append(of[k], p)
	}

	// All data sets are in the memory of each process.
	data := packetsOf(plan)
	out := make([]Unit, 0, len(order))
	for _, k := range order {
		w := newWork(shapes, r)
		for _, p := range of[k] {
			w.add(p)
		}
		u := Unit{Dataset: k.dataset, Defense: k.defense, Cells: len(of[k]), Seconds: w.seconds, Models: map[results.Cell]float64{}}

		// In an order of their own: a sum in that of a map differs in the last bit from
		// one process to the next, which then deal units that take alike otherwise.
		cells := slices.Collect(maps.Keys(w.models))
		results.SortCells(cells)
		for _, c := range cells {
			if c.TrainDefense == results.NoDefense && c.Defense == "" {
				u.Models[c] = w.models[c]
			} else {
				u.Seconds += w.models[c]
			}
		}
		u.MemoryBytes, u.DiskBytes = memory(u.Cells, data, w.held), int64(u.Cells)*cellDisk
		out = append(out, u)
	}
	return out
}

// Constant is s, of a defense by its ID, with the time that it takes from a table
// instead of from a clock. How many packets it makes is the same on every machine.
func (s Shape) Constant(defense string) Shape {
	// Seconds of a packet in and of one out, checked and observed. What is recorded and
	// played again is looked up for each.
	const each, made, played = 0.45e-6, 0.25e-6, 0.75e-6
	out := made
	if strings.Contains(defense, "cover-decoy") {
		out = played
	}
	return Shape{s.Ratio, each + out*max(s.Ratio, 1)}
}
