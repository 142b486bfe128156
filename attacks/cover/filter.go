package cover

import (
	"context"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/forest"
	"veilbench/datasets"
)

// filter says which packets look like a defense's own.
type filter struct{ forest *forest.Forest }

// Settings of the filter. The trees need not be many: each packet is judged by
// itself, and a few wrong ones do no harm. Rows are taken evenly from all packets,
// as many as keep training short beside that of any attack.
const (
	filterTrees = 30
	filterRows  = 30000
)

// coverOf is the index of cover among the devices of l, -1 if l names none.
func coverOf(l datasets.Labels) int32 { return int32(slices.Index(l.Devices, datasets.Cover)) }

// hasCover says whether e has a packet that is known to be a defense's own.
func hasCover(e attacks.Labeled) bool {
	c := coverOf(e.Labels)
	return c >= 0 && slices.Contains(e.Labels.Owners, c)
}

// learnFilter learns from the owners of packets; examples without owners teach
// nothing. Without any example of them nothing is filtered.
func learnFilter(ctx context.Context, seed uint64, examples []attacks.Labeled) (*filter, error) {
	total := 0
	for _, e := range examples {
		total += len(e.Labels.Owners)
	}
	step := max(1, (total+filterRows-1)/filterRows)

	columns := make([][]float32, packetColumns)
	var y []int32
	at := 0 // in all examples together, so that short ones are drawn from, too
	for _, e := range examples {
		if e.Labels.Owners == nil {
			continue
		}
		var rows []int32
		for i, o := range e.Labels.Owners {
			if at++; at%step != 0 {
				continue
			}
			rows = append(rows, int32(i))
			if c := coverOf(e.Labels); c >= 0 && o == c {
				y = append(y, 1)
			} else {
				y = append(y, 0)
			}
		}
		packetFeatures(columns, e.Trace, rows)
	}

	if len(y) == 0 {
		return &filter{}, ctx.Err()
	}
	f, err := forest.Train(ctx, columns, y, 2, forest.Options{Trees: filterTrees, Seed: seed})
	return &filter{f}, err
}

// keep lists the packets of t that do not look like cover, ascending.
func (f *filter) keep(ctx context.Context, t datasets.Trace) ([]int32, error) {
	all := bursts.AllPackets(t)
	if f.forest == nil || len(all) == 0 {
		return all, ctx.Err()
	}
	columns := make([][]float32, packetColumns)
	packetFeatures(columns, t, all)
	p, err := f.forest.PredictAll(ctx, columns, 0)
	if err != nil {
		return nil, err
	}

	// In doubt a packet stays: what is lost the attack cannot find any more.
	return slices.DeleteFunc(all, func(i int32) bool { return p[2*i+1] > 0.5 }), nil
}

// strip is e without the packets that look like cover.
func (f *filter) strip(ctx context.Context, e attacks.Labeled) (attacks.Labeled, error) {
	kept, err := f.keep(ctx, e.Trace)
	if err != nil {
		return e, err
	}
	e.Trace, e.Labels = only(e.Trace, kept), e.Labels.Keep(kept)
	return e, nil
}

// The features of a packet, in order.
const (
	colSize = iota
	colPayload
	colDir
	colProto
	colNamed     // the flow has a name
	colSince     // logarithm of the time since the packet before in the flow
	colUntil     // and until the next one
	colSinceSame // since the last of the same direction and size in the flow
	colBefore    // signed size of the packet before in the flow
	colAfter     // and of the next one
	colCommon    // share of the flow's packets that have this direction and size
	colPlace     // logarithm of the packet's number in the flow
	colLength    // and of the flow's packets
	packetColumns
)

// packetFeatures appends the rows of some packets of t, ascending, to the columns.
// A defense's dummies give themselves away by a size that is theirs alone or the
// last one again (colSinceSame, colCommon), by coming at a period or without an
// answer (colSince, colUntil, colAfter), or by a flow that the device does not have
// (colNamed, colLength).
func packetFeatures(columns [][]float32, t datasets.Trace, rows []int32) {
	type kind struct {
		flow int32
		size int32 // signed
	}
	before, after := make([]int32, len(t.Packets)), make([]int32, len(t.Packets))
	same, place := make([]int32, len(t.Packets)), make([]int32, len(t.Packets))
	length, count := make([]int32, len(t.Flows)), map[kind]int32{}
	last, lastSame := slices.Repeat([]int32{-1}, len(t.Flows)), map[kind]int32{}
	for i, p := range t.Packets {
		k := kind{p.Flow, bursts.SignedSize(p)}
		before[i], after[i], same[i] = last[p.Flow], -1, -1
		if b := last[p.Flow]; b >= 0 {
			after[b] = int32(i)
		}
		if s, ok := lastSame[k]; ok {
			same[i] = s
		}
		last[p.Flow], lastSame[k] = int32(i), int32(i)
		length[p.Flow]++
		place[i] = length[p.Flow]
		count[k]++
	}

	// The logarithm of milliseconds; what there is none of is far away.
	apart := func(i, j int32) float32 {
		if j < 0 {
			return float32(math.Log1p(1e9))
		}
		d := (t.Packets[i].Time - t.Packets[j].Time).Abs()
		return float32(math.Log1p(float64(d) / float64(time.Millisecond)))
	}
	size := func(j int32) float32 {
		if j < 0 {
			return 0
		}
		return float32(bursts.SignedSize(t.Packets[j]))
	}
	for _, i := range rows {
		p := t.Packets[i]
		f := &t.Flows[p.Flow]
		named := float32(0)
		if f.Host != "" {
			named = 1
		}
		row := [packetColumns]float32{
			colSize: float32(p.Size), colPayload: float32(p.Payload), colDir: float32(p.Dir), colProto: float32(f.Proto), colNamed: named,
			colSince: apart(i, before[i]), colUntil: apart(i, after[i]), colSinceSame: apart(i, same[i]),
			colBefore: size(before[i]), colAfter: size(after[i]),
			colCommon: float32(count[kind{p.Flow, bursts.SignedSize(p)}]) / float32(length[p.Flow]),
			colPlace:  float32(math.Log1p(float64(place[i]))), colLength: float32(math.Log1p(float64(length[p.Flow]))),
		}
		for j, x := range row {
			columns[j] = append(columns[j], x)
		}
	}
}
