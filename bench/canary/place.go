package canary

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/datasets"
)

// Carrier is the flow that a canary of a device goes by: the one with most packets
// of that device, else of all; -1 in an empty trace. What never leaves the home is
// taken only where there is nothing else.
func Carrier(l attacks.Labeled, device string) int32 {
	of := int32(slices.Index(l.Labels.Devices, device))
	count := make([][4]int, len(l.Trace.Flows))
	for i, p := range l.Trace.Packets {
		// In order of preference: out of the home before inside, the device's before
		// any other's.
		k := 0
		if of < 0 || l.Labels.Owners == nil || l.Labels.Owners[i] != of {
			k = 1
		}
		if l.Trace.Flows[p.Flow].LAN {
			k += 2
		}
		count[p.Flow][k]++
	}
	for k := range 4 {
		best := -1
		for f := range count {
			if count[f][k] > 0 && (best < 0 || count[f][k] > count[best][k]) {
				best = f
			}
		}
		if best >= 0 {
			return int32(best)
		}
	}
	return -1
}

// Choice says which of the frames that are let out a canary is made of.
type Choice int

// The choices. Of events a pair is taken that nothing else sends: an attack that
// knows sizes alone looks for such pairs.
const (
	Commonest Choice = iota // with payload, if any has
	Unpaired                // up and down with payload, that follow each other least often
	Largest                 // with the most payload: what a message is made of
)

// most is how many frames by direction are tried as parts of a pair.
const most = 64

// tally is how often one frame was seen.
type tally struct {
	Frame
	packets, examples int
}

// FramesOf are frames, by direction, of the flows that carry the canaries of device
// in the examples; of several equally good ones the smallest.
func FramesOf(examples []attacks.Labeled, device string, choice Choice) Frames {
	seen := [2]map[Frame]*tally{{}, {}}
	pairs := map[Frames]int{}
	for _, l := range examples {
		carrier, first := Carrier(l, device), map[*tally]bool{}
		var up Frame
		for _, p := range l.Trace.Packets {
			if p.Flow != carrier {
				continue
			}
			f := Frame{p.Size, p.Payload}
			x := seen[p.Dir][f]
			if x == nil {
				x = &tally{Frame: f}
				seen[p.Dir][f] = x
			}
			x.packets++
			if !first[x] {
				first[x] = true
				x.examples++
			}
			switch {
			case p.Payload == 0:
			case p.Dir == datasets.Up:
				up = f
			case up.Size > 0:
				pairs[Frames{up, f}]++
				up = Frame{}
			}
		}
	}

	// Sorted, so that maps decide nothing.
	var out Frames
	var all [2][]tally
	for d := range seen {
		for _, x := range seen[d] {
			all[d] = append(all[d], *x)
		}
		slices.SortFunc(all[d], func(a, b tally) int {
			return cmp.Or(choice.compare(a, b), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Payload, b.Payload))
		})
		if len(all[d]) > 0 {
			out[d] = all[d][0].Frame
		}
	}
	if choice != Unpaired || len(all[datasets.Up]) == 0 || len(all[datasets.Down]) == 0 {
		return out
	}

	// The first pair of those that follow each other least often, both rare.
	fewest := pairs[out]
	for _, u := range all[datasets.Up][:min(most, len(all[datasets.Up]))] {
		for _, d := range all[datasets.Down][:min(most, len(all[datasets.Down]))] {
			if x := (Frames{u.Frame, d.Frame}); pairs[x] < fewest && u.Payload > 0 && d.Payload > 0 {
				out, fewest = x, pairs[x]
			}
		}
	}
	return out
}

// compare puts the better frame for a choice first.
func (c Choice) compare(a, b tally) int {
	// Some attacks do not look at packets without payload.
	payload := cmp.Compare(min(b.Payload, 1), min(a.Payload, 1))
	switch c {
	case Unpaired:
		return cmp.Or(payload, cmp.Compare(b.examples, a.examples), cmp.Compare(a.packets, b.packets))
	case Largest:
		return cmp.Compare(b.Payload, a.Payload)
	}
	return cmp.Or(payload, cmp.Compare(b.packets, a.packets))
}

// Times chooses at most n moments, spacing apart and in order: those in which the
// carrier is silent and no event happens first, for a canary in the middle of other
// traffic says less.
func Times(rng *rand.Rand, l attacks.Labeled, carrier int32, n int) []time.Duration {
	var busy []time.Duration
	for _, p := range l.Trace.Packets {
		if p.Flow == carrier {
			busy = append(busy, p.Time)
		}
	}
	within := func(lo, hi time.Duration) int {
		i, _ := slices.BinarySearch(busy, lo)
		j, _ := slices.BinarySearch(busy, hi)
		return j - i
	}

	type moment struct {
		at   time.Duration
		cost int
	}
	const step = spacing / 4
	var all []moment
	for at := step; at+step < l.Trace.End; at += step {
		m := moment{at + time.Duration(rng.Int64N(int64(step/2))), 0}
		m.cost = within(m.at-spacing/4, m.at+spacing/2)
		for _, e := range l.Labels.Events {
			if e.Start > m.at-spacing && e.Start < m.at+spacing {
				m.cost += 1 << 20
			}
		}
		all = append(all, m)
	}

	// Of equally quiet moments chance decides, or all canaries would come first.
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.cost, b.cost) })
	var out []time.Duration
	for _, m := range all {
		near := slices.ContainsFunc(out, func(t time.Duration) bool { return (t - m.at).Abs() < spacing })
		if !near && len(out) < n {
			out = append(out, m.at)
		}
	}
	slices.Sort(out)
	return out
}

// portAfter is the first port after that of a that no flow has at its address.
func portAfter(flows []datasets.Flow, a netip.AddrPort) netip.AddrPort {
	for port := a.Port() + 1; port != a.Port(); port++ {
		next := netip.AddrPortFrom(a.Addr(), port)
		if port > 1023 && !slices.ContainsFunc(flows, func(f datasets.Flow) bool { return f.Local == next }) {
			return next
		}
	}
	return a
}

// downFlow is the flow with most payload from the Internet, -1 if none has any.
func downFlow(l attacks.Labeled) int32 {
	bytes := make([]int64, len(l.Trace.Flows))
	for _, p := range l.Trace.Packets {
		if p.Dir == datasets.Down && !l.Trace.Flows[p.Flow].LAN {
			bytes[p.Flow] += int64(p.Payload)
		}
	}
	best := int32(-1)
	for f, n := range bytes {
		if n > 0 && (best < 0 || n > bytes[best]) {
			best = int32(f)
		}
	}
	return best
}

// Busiest cuts out of rec the stretch, at most longest and of at most packets
// packets unless that is below spacing * 12, in which most events and commands
// begin. rec is not modified.
func Busiest(rec datasets.Recording, longest time.Duration, packets int) datasets.Recording {
	var starts []time.Duration
	for _, e := range rec.Labels.Events {
		starts = append(starts, e.Start)
	}
	for _, c := range rec.Labels.Commands {
		starts = append(starts, c.Time)
	}
	slices.Sort(starts)

	// Long stretches hold too many packets where traffic is dense.
	for length := longest; ; length /= 2 {
		from, most := time.Duration(0), -1
		for i, s := range starts {
			// A little before the first, or its traffic would begin with the stretch.
			lo := min(max(s-spacing, 0), max(rec.Trace.End-length, 0))
			j, _ := slices.BinarySearch(starts, lo+length)
			if n := j - i; n > most {
				from, most = lo, n
			}
		}
		out := rec
		if from+length < rec.Trace.End {
			out = rec.Cut([]time.Duration{from, from + length})[1]
		} else if from > 0 {
			out = rec.Cut([]time.Duration{from})[1]
		}
		if len(out.Trace.Packets) <= packets || length/2 < 12*spacing {
			return out
		}
	}
}
