// Package morph makes the traffic of one device look like that of another.
package morph

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"

	"veilbench/datasets"
	"veilbench/datasets/cite"
	"veilbench/datasets/params"
	"veilbench/defenses"
	"veilbench/defenses/shaping"
)

// Morph gives packets the sizes of another device or activity, learned in
// training.
//
// dts is direct target sampling (Dyer et al. 2012, countermeasure 8): every
// packet with payload draws a size from the target's packets of that
// direction. morph is traffic morphing (Wright et al. 2009; countermeasure 9):
// the first draw comes from the coupling of source and target sizes that costs
// least; for cost |source - target| that is the monotone one, so no linear
// program is needed: a packet's place among the source's sizes becomes its
// place among the target's. The source is learned for each service name and
// direction, from all traffic where the name is new.
//
// A payload that does not fit the size drawn is cut, and the rest draws again
// from the target, at the same time. Deviations: nothing is added to bring the
// histograms nearer at the end of a trace, since no defense knows the end;
// every device is morphed, the target too (with morph its sizes stay close to
// their own); pure ACKs stay.
type Morph struct {
	Method string `help:"dts or morph"`
	Target string `help:"device, or device/activity, to look like; empty: the first device in training"`

	target [2][]int32            // sizes, sorted
	source map[string][2][]int32 // by host; "" has all
}

var (
	_ defenses.Defense = Morph{}
	_ defenses.Fitter  = Morph{}
)

// Info names the publications of both methods.
func (Morph) Info() defenses.Info {
	return defenses.Info{
		Name: "morph", Doc: "packet sizes of another device or activity",
		Place: defenses.AtDevice, Needs: []defenses.Party{defenses.Cloud}, Cite: "Wright et al. 2009; Dyer et al. 2012, countermeasures 8 and 9", Works: cite.Of("wright2009morphing", "dyer2012peekaboo"),
	}
}

// Validate refuses a method that is neither; a target can only be looked up in
// training.
func (d Morph) Validate() error { return params.OneOf("method", d.Method, "dts", "morph") }

// Fit learns the sizes of the target and of every service in training. It fails
// when the target has no packet with payload there, in either direction.
func (d Morph) Fit(ctx context.Context, _ *rand.Rand, training []datasets.Recording) (defenses.Defense, error) {
	d.target, d.source = [2][]int32{}, map[string][2][]int32{}
	name := d.Target
	for _, r := range training {
		if name == "" && len(r.Labels.Devices) > 0 {
			name = r.Labels.Devices[0]
		}
	}

	for _, r := range training {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d.learn(r, name)
	}

	// The coupling reads ranks off sorted sizes.
	for dir := range d.target {
		if len(d.target[dir]) == 0 {
			return nil, fmt.Errorf("morph: target %q has no packet with payload %v in the training recordings", name, datasets.Dir(dir))
		}
		slices.Sort(d.target[dir])
	}
	for _, s := range d.source {
		slices.Sort(s[0])
		slices.Sort(s[1])
	}
	return d, nil
}

// learn adds the IP sizes of r's packets to those of their service, of all, and,
// where they are the target's, of the target.
func (d *Morph) learn(r datasets.Recording, name string) {
	for i, p := range r.Trace.Packets {
		if p.Payload == 0 || !r.Trace.Flows[p.Flow].Exposed() {
			continue
		}
		n := min(p.Size, defenses.Limit(r.Trace.Flows[p.Flow])) - datasets.EthernetHeader
		if isOf(r.Labels, i, name) {
			d.target[p.Dir] = append(d.target[p.Dir], n)
		}

		// Once under "", which stands for all traffic, and once by name.
		d.source[""] = with(d.source[""], p.Dir, n)
		if host := r.Trace.Flows[p.Flow].Host; host != "" {
			d.source[host] = with(d.source[host], p.Dir, n)
		}
	}
}

// with is sizes and n in direction dir.
func with(sizes [2][]int32, dir datasets.Dir, n int32) [2][]int32 {
	sizes[dir] = append(sizes[dir], n)
	return sizes
}

// isOf tells whether packet i belongs to the device, or to an event of the
// class, called name. Where owners are unknown, all packets of a recording
// whose first event is of it do.
func isOf(l datasets.Labels, i int, name string) bool {
	if l.Cause != nil && l.Cause[i] >= 0 && l.Class(l.Events[l.Cause[i]]) == name {
		return true
	}
	if l.Owners != nil {
		o := l.Owners[i]
		return o >= 0 && l.Devices[o] == name
	}
	return len(l.Events) > 0 && (l.Class(l.Events[0]) == name || l.Devices[l.Events[0].Device] == name)
}

// Apply gives every packet with payload that leaves the home a size of the
// target, cutting it where it does not fit. Pieces leave at the packet's time.
// It fails before Fit.
func (d Morph) Apply(rng *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if d.source == nil {
		return defenses.Defended{}, fmt.Errorf("morph: %w", defenses.ErrNotFitted)
	}

	can := shaping.NewPadder(in, "keep")
	sources := d.sources(in.Flows)
	a := shaping.NewAssembly(in, len(in.Packets)+len(in.Packets)/4)
	for i, p := range in.Packets {
		if !can.Can(&p) || !in.Flows[p.Flow].Exposed() {
			a.Whole(i, p)
			continue
		}

		header := p.Size - p.Payload
		size := d.first(rng, sources[p.Flow][p.Dir], p)
		for rest := p.Payload; ; {
			// Sizes are at the IP layer and may be smaller than this packet's
			// headers alone: then a single byte leaves, so that it ends.
			room := max(1, size+datasets.EthernetHeader-header)
			room = min(room, max(1, can.Limit(&p)-header))
			q := p
			q.Payload, q.Size = room, header+room
			n := min(rest, room) // the rest of room is padding
			a.Piece(q, int32(i), n)
			if rest -= n; rest == 0 {
				break
			}
			size = pick(rng, d.target[p.Dir])
		}
	}
	return a.Defended(in.Flows), nil
}

// sources are the sizes that were learned for the service of each flow, those of
// all traffic where there are none.
func (d Morph) sources(flows []datasets.Flow) [][2][]int32 {
	out := make([][2][]int32, len(flows))
	for i, f := range flows {
		out[i] = d.source[f.Host]
		for dir, sizes := range d.source[""] {
			if len(out[i][dir]) == 0 {
				out[i][dir] = sizes
			}
		}
	}
	return out
}

// first is the first IP size drawn for p, whose service has the sizes source in
// its direction.
func (d Morph) first(rng *rand.Rand, source []int32, p datasets.Packet) int32 {
	if d.Method == "dts" {
		return pick(rng, d.target[p.Dir])
	}
	return couple(rng.Float64(), source, d.target[p.Dir], p.Size-datasets.EthernetHeader)
}

// pick draws one of sizes.
func pick(rng *rand.Rand, sizes []int32) int32 { return sizes[rng.IntN(len(sizes))] }

// couple maps size n by the monotone coupling: sizes equal to n hold a stretch
// of the source's ranks, u in [0, 1) is a point in it, and the target's size of
// that rank is the result.
func couple(u float64, source, target []int32, n int32) int32 {
	if len(source) == 0 {
		return target[int(u*float64(len(target)))]
	}
	lo, _ := slices.BinarySearchFunc(source, n, cmp.Compare[int32])
	hi := lo + sort.Search(len(source)-lo, func(i int) bool { return source[lo+i] > n })
	rank := float64(lo) + u*float64(hi-lo)
	return target[min(len(target)-1, int(rank/float64(len(source))*float64(len(target))))]
}
