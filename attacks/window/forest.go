package window

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"

	"veilbench/attacks"
	"veilbench/attacks/forest"
	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
)

// Forest is the baseline of HomeMole (section 3.4): a random forest over
// single packets. Ports are one-hot, the most frequent in training and one
// place for the rest; protocol is one-hot too; direction, frame length and gap
// are numbers. Windows matter only for the vote.
//
// Deviations: at most max_rows packets, drawn from all, train the forest; ports
// that are nearly one home's own and those that NAPT chose have no column. More
// rows than fit the memory for training, 2 GiB as of window-lstm, are refused
// (see forestFits); lower max_rows, ports or trees then.
type Forest struct {
	Port    string `help:"dst: destination port as published; remote: the remote side's port both ways; none: no port"`
	Ports   int    `help:"ports with a column of their own, the most frequent in training"`
	Trees   int    `help:"trees of the forest"`
	MaxRows int    `help:"largest number of packets to train on, drawn at random from all; more than fit 2 GiB of memory are refused"`
	Window  int    `help:"packets per window, for the vote"`
	Vote    bool   `help:"one device per window, by vote"`
}

// NewForest returns window-forest with its default parameters.
func NewForest() Forest {
	return Forest{Port: string(portDst), Ports: 50, Trees: 100, MaxRows: 300000, Window: 100}
}

var _ attacks.Attack = Forest{}

// Info describes the attack.
func (a Forest) Info() attacks.Info {
	return attacks.Info{
		Name: "window-forest", Doc: "whose packet is this, by a random forest over single packets",
		Tasks: []datasets.Task{datasets.TaskDevice}, Cite: "HomeMole (Dong et al., 2019), section 3.4", Works: cite.Of("dong2020homemole"),
	}
}

// Validate refuses a port rule that is not one, more ports than a vocabulary
// holds and sizes out of range.
func (a Forest) Validate() error {
	return cmp.Or(
		params.OneOf("port", a.Port, string(portDst), string(portRemote), string(portNone)),
		params.Within("ports", a.Ports, 0, maxWindowPorts),
		params.Within("trees", a.Trees, 1, 10000),
		params.Within("max_rows", a.MaxRows, 100, 1e8),
		params.Within("window", a.Window, 1, 10000),
	)
}

// windowForest is the trained model.
type windowForest struct {
	head   windowHead
	forest *forest.Forest // nil: nothing was learned
}

// Train draws the packets and grows the forest. Packets whose owner is unknown or
// no class are not learned from.
func (a Forest) Train(ctx context.Context, rng *rand.Rand, t attacks.Training) (attacks.Model, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := &windowForest{head: windowHead{Window: a.Window, Vote: a.Vote, Classes: len(t.Classes)}}
	if len(t.Classes) == 0 {
		return m, nil
	}

	m.head.Vocab = learnWindowVocab(windowPorts(a.Port), t.Examples, a.Ports)
	left := 0 // packets of a known owner not yet come to
	classes := make([][]int16, len(t.Examples))
	for i := range t.Examples {
		classes[i] = deviceClasses(&t.Examples[i], t.Classes)
		for _, c := range classes[i] {
			if c >= 0 {
				left++
			}
		}
	}
	if left == 0 {
		return m, nil
	}

	columns := m.head.Vocab.newColumns()
	want := min(a.MaxRows, left)
	trees, err := forestFits(want, len(columns))
	if err != nil {
		return nil, fmt.Errorf("window-forest: max_rows=%d, ports=%d: %w", a.MaxRows, a.Ports, err)
	}
	for j := range columns { // at once, so that memory stays what fits was reckoned with
		columns[j] = make([]float32, 0, want)
	}
	y := make([]int32, 0, want)

	// Selection sampling (Knuth, The Art of Computer Programming, volume 2,
	// algorithm S): with want still to be drawn of left, a packet is taken with
	// probability want/left. Every set of rows is equally likely, and rows are
	// in the order of the examples.
	for i := range t.Examples {
		keep := make([]int32, 0, len(classes[i]))
		for p, c := range classes[i] {
			if c < 0 {
				continue
			}
			if want == left || rng.IntN(left) < want {
				keep = append(keep, int32(p))
				y = append(y, int32(c))
				want--
			}
			left--
		}
		m.head.Vocab.appendRows(columns, t.Examples[i].Trace, keep)
	}

	m.forest, err = forest.Train(ctx, columns, y, len(t.Classes), forest.Options{Trees: a.Trees, Seed: rng.Uint64(), Memory: trees})
	if err != nil {
		return nil, fmt.Errorf("window-forest: %w", err)
	}
	return m, nil
}

// forestMemory is the largest memory for training in bytes, that of memory_mb
// of window-lstm. It is no parameter: every parameter is part of the ID.
const forestMemory = 2048 << 20

// forestFits returns the bytes that rows leave for the trees, or refuses them.
// A row is a float and a bin in each column and its class; what each worker
// needs besides is 17 bytes a row.
func forestFits(rows, columns int) (trees int64, err error) {
	per := int64(columns*(4+1) + 4)
	if need := int64(rows) * per; need >= forestMemory {
		return 0, fmt.Errorf("training on %d packets with %d columns needs %d MB, allowed are %d MB: at most %d packets fit",
			rows, columns, need>>20, forestMemory>>20, (forestMemory-1)/per)
	}
	return forestMemory - int64(rows)*per, nil
}

// newColumns returns empty columns: a port each and one for the rest, one per
// protocol, direction, length, gap.
func (v windowVocab) newColumns() [][]float32 {
	return make([][]float32, len(v.Ports)+1+windowServices-1+3)
}

// appendRows appends the given packets of t, ascending, to the columns.
func (v windowVocab) appendRows(columns [][]float32, t datasets.Trace, packets []int32) {
	ports := len(v.Ports) + 1
	hot := make([][2]int, len(t.Flows)) // columns of the flow's ports, by direction
	services := make([]int, len(t.Flows))
	for i, f := range t.Flows {
		for d, port := range v.portValues(f) {
			hot[i][d] = max(0, int(port)-windowPortRanges)
		}
		services[i] = ports + int(serviceValue(f)) - 1
	}

	// Rows are zero at first, so that only the hot columns are written.
	first := len(columns[0])
	for j := range columns {
		columns[j] = append(columns[j], make([]float32, len(packets))...)
	}
	numbers := columns[ports+windowServices-1:]
	for i, at := range packets {
		p, row := t.Packets[at], first+i
		columns[hot[p.Flow][p.Dir]][row] = 1
		columns[services[p.Flow]][row] = 1
		numbers[0][row] = float32(p.Dir)
		numbers[1][row] = float32(p.Size)
		numbers[2][row] = -1 // the first packet has no gap
		if at > 0 {
			numbers[2][row] = float32((p.Time - t.Packets[at-1].Time).Seconds())
		}
	}
}

// forestBlock is how many packets are answered at a time, up to a whole window:
// their columns are in memory at once.
const forestBlock = 1 << 16

// Guess names the likeliest device of every packet or, with vote, that of its
// window; class -1 if nothing was learned.
func (m *windowForest) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	owners := make([]attacks.Owner, len(t.Packets))
	if m.forest == nil {
		for i := range owners {
			owners[i].Class = -1
		}
		return attacks.Answer{Devices: owners}, nil
	}

	// Blocks end where windows do: a vote needs all packets of its window.
	block := (forestBlock + m.head.Window - 1) / m.head.Window * m.head.Window
	for lo := 0; lo < len(owners); lo += block {
		part := owners[lo:min(lo+block, len(owners))]
		rows := make([]int32, len(part))
		for i := range rows {
			rows[i] = int32(lo + i)
		}
		columns := m.head.Vocab.newColumns()
		m.head.Vocab.appendRows(columns, t, rows)
		p, err := m.forest.PredictAll(ctx, columns, 0)
		if err != nil {
			return attacks.Answer{}, err
		}
		m.head.nameOwners(part, p)
	}
	return attacks.Answer{Devices: owners}, nil
}
