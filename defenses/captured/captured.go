// Package captured makes a defense of what a real device did: captures from before
// and after it, in place of a computation. So a device that nobody has the code of
// stands in the same tables as every other defense.
//
// There are two kinds. Paired ones were captured on both sides at the same time:
// what left is known, packet by packet as far as package tunnel of datasets can
// tell. Of sessions, recorded at other times, only what was seen behind the device
// is known, and nothing is compared packet by packet.
package captured

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"time"

	"veilbench/datasets"
	"veilbench/datasets/tunnel"
	"veilbench/defenses"
)

// Defense is a device that was captured. It has no parameters: its ID is its name.
type Defense struct {
	name  string
	pairs []pair // by recording; nil of sessions
}

var _ defenses.Defense = Defense{}

// pair is a recording before the device, and what left instead.
type pair struct {
	inner datasets.Trace
	out   defenses.Defended
}

// Paired is a device by captures on both sides of it: before are recordings, after
// what was captured outside of each, by ID; where there is one of each, they belong
// together whatever they are called. With oneClock all were made on one machine. It
// is an error where a recording has no counterpart.
func Paired(name string, before, after []datasets.Recording, oneClock bool) (Defense, error) {
	d := Defense{name: name}
	before = whole(before)
	for i := range before {
		k := counterpart(before, i, after)
		if k < 0 {
			return d, fmt.Errorf("recording %s has no counterpart of that name among those after the device", before[i].ID)
		}
		p := pair{inner: before[i].Trace}
		p.out = join(p.inner, tunnel.Pair(p.inner, after[k].Trace, oneClock), oneClock)
		d.pairs = append(d.pairs, p)
	}
	return d, nil
}

// Together says whether captures look like the same traffic before and after a
// device: each before has a counterpart after, whose time overlaps with its own for
// half of the shorter one, if both clocks are known.
func Together(before, after []datasets.Recording) bool {
	before = whole(before)
	for i, b := range before {
		k := counterpart(before, i, after)
		if k < 0 {
			return false
		}
		a := after[k].Trace
		if a.Start.IsZero() || b.Trace.Start.IsZero() {
			continue
		}
		ahead := a.Start.Sub(b.Trace.Start)
		if both := min(b.Trace.End, ahead+a.End) - max(0, ahead); 2*both < min(a.End, b.Trace.End) {
			return false
		}
	}
	return len(before) > 0
}

// counterpart is the place in after of what was captured with before[i], -1 if it has
// none: the one of its name, or the only one there is.
func counterpart(before []datasets.Recording, i int, after []datasets.Recording) int {
	if len(before) == 1 && len(after) == 1 {
		return 0
	}
	return slices.IndexFunc(after, func(r datasets.Recording) bool { return r.ID == before[i].ID })
}

// pieceSign stands before the number of a piece in the ID of a recording that was
// cut, for there was one alone.
const pieceSign = "#"

// whole puts pieces of one recording together again: both captures are of the whole.
// Without a clock nobody knows how far pieces are apart, so they stay pieces.
func whole(recs []datasets.Recording) []datasets.Recording {
	var out []datasets.Recording
	for _, r := range recs {
		stem, _, cut := strings.Cut(r.ID, pieceSign)
		n := len(out) - 1
		if !cut || r.Trace.Start.IsZero() || n < 0 || out[n].ID != stem {
			if cut && !r.Trace.Start.IsZero() {
				r.ID = stem
			}
			r.Labels = datasets.Labels{}
			out = append(out, r)
			continue
		}

		// What was in between two pieces was cut at a moment, so nothing is missing.
		t := &out[n].Trace
		shift, flows := r.Trace.Start.Sub(t.Start), int32(len(t.Flows))
		t.Packets, t.Flows = slices.Clone(t.Packets), append(slices.Clone(t.Flows), r.Trace.Flows...)
		for _, p := range r.Trace.Packets {
			p.Time += shift
			p.Flow += flows
			t.Packets = append(t.Packets, p)
		}
		t.End = shift + r.Trace.End
	}
	return out
}

// Sessions is a device by recordings of other times behind it: what is given to
// Apply was recorded so, and leaves as it is.
func Sessions(name string) Defense { return Defense{name: name} }

// Info places it at the gateway, as captures on its inner side show what the devices
// send.
func (d Defense) Info() defenses.Info {
	return defenses.Info{Name: d.name, Doc: "a real device, by captures before and after it", Place: defenses.AtGateway}
}

// IsPaired says whether d knows what became of each packet.
func (d Defense) IsPaired() bool { return d.pairs != nil }

// Digest tells apart what was captured: results are kept by the name alone.
func (d Defense) Digest() string {
	h := sha256.New()
	for _, p := range d.pairs {
		fmt.Fprintln(h, p.out.Trace.Start.UnixNano(), p.out.Trace.End, p.out.Trace.Flows, *p.out.Carried.Observed)
		for i, q := range p.out.Trace.Packets {
			orig, bytes := p.out.Carried.Entries(i)
			fmt.Fprintln(h, q, orig, bytes)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Apply looks up what left the home instead of in, a recording or a stretch of one.
// It is an error where in is none of those that were captured.
func (d Defense) Apply(_ *rand.Rand, in datasets.Trace) (defenses.Defended, error) {
	if !d.IsPaired() {
		return defenses.Defended{Trace: in}, nil
	}
	for _, p := range d.pairs {
		if lo, from, ok := p.find(in); ok {
			return p.stretch(in, lo, from), nil
		}
	}
	return defenses.Defended{}, errors.New("what a captured device would do to other traffic than it was captured with is not known")
}

// find is where in begins in the recording of p: its first packet and the time.
func (p pair) find(in datasets.Trace) (lo int, from time.Duration, ok bool) {
	from = in.Start.Sub(p.inner.Start)
	if from < 0 || from+in.End > p.inner.End {
		return 0, 0, false
	}
	all := p.inner.Packets
	lo = sort.Search(len(all), func(i int) bool { return all[i].Time >= from })
	if lo+len(in.Packets) > len(all) {
		return 0, 0, false
	}
	for i, q := range in.Packets {
		r := all[lo+i]
		if q.Time+from != r.Time || q.Size != r.Size || q.Payload != r.Payload || q.Dir != r.Dir {
			return 0, 0, false
		}
	}
	return lo, from, true
}

// stretch is what left in the time of in, whose first packet is lo of the recording.
// What carries packets from before it or after it is there and carries nothing.
func (p pair) stretch(in datasets.Trace, lo int, from time.Duration) defenses.Defended {
	ps := p.out.Trace.Packets
	first := sort.Search(len(ps), func(i int) bool { return ps[i].Time >= from })
	last := sort.Search(len(ps), func(i int) bool { return ps[i].Time > from+in.End })
	if from+in.End == p.inner.End {
		last = len(ps) // what was still on its way
	}

	// The flows of the recording need not be those of a stretch of it: what stayed
	// in the home is found by its place.
	out := defenses.Defended{Trace: datasets.Trace{Start: in.Start, End: in.End}}
	out.Trace.Flows = append(slices.Clone(in.Flows), p.out.Trace.Flows[len(p.inner.Flows):]...)
	b := defenses.NewBuilder(last - first)
	for i := first; i < last; i++ {
		q := ps[i]
		orig, bytes := p.out.Carried.Entries(i)
		inside := false
		for k, o := range orig {
			if o -= int32(lo); o >= 0 && int(o) < len(in.Packets) {
				b.Carry(o, bytes[k])
				inside = true
				if int(q.Flow) < len(p.inner.Flows) {
					q.Flow = in.Packets[o].Flow
				}
			}
		}
		if int(ps[i].Flow) < len(p.inner.Flows) && !inside {
			continue // stayed in the home, and is no part of this stretch
		}
		if int(ps[i].Flow) >= len(p.inner.Flows) {
			q.Flow += int32(len(in.Flows) - len(p.inner.Flows))
		}
		q.Time -= from
		out.Trace.Packets = append(out.Trace.Packets, q)
		out.Trace.End = max(out.Trace.End, q.Time)
		b.Next()
	}
	out.Carried = b.Carried()
	out.Carried.Observed = p.out.Carried.Observed
	return out
}

// join puts what left together with what stayed in the home, of which the outer
// capture knows nothing: it stayed as it was.
func join(in datasets.Trace, found tunnel.Pairing, oneClock bool) defenses.Defended {
	first, orig, bytes := found.Account(in)
	out := defenses.Defended{Trace: datasets.Trace{Start: in.Start, End: in.End, Flows: append(slices.Clone(in.Flows), found.Outer.Flows...)}}
	b := defenses.NewBuilder(len(in.Packets) + len(found.Of))
	add := func(q datasets.Packet) {
		out.Trace.Packets = append(out.Trace.Packets, q)
		out.Trace.End = max(out.Trace.End, q.Time)
		b.Next()
	}

	// Both are in order of time. What left before the recording began, or long after
	// it ended, is no part of it.
	end := in.End + late
	if found.Outer.End < in.End+defenses.MaxBacklog {
		end = found.Outer.End
	}
	next := 0
	stayed := func(until time.Duration) {
		for ; next < len(in.Packets) && in.Packets[next].Time <= until; next++ {
			if q := in.Packets[next]; !found.Compares(in.Flows[q.Flow]) {
				b.Carry(int32(next), q.Payload)
				add(q)
			}
		}
	}
	for j, q := range found.Outer.Packets {
		if q.Time < 0 || q.Time > end {
			continue
		}
		stayed(q.Time)
		for e := first[j]; e < first[j+1]; e++ {
			b.Carry(orig[e], bytes[e])
		}
		q.Flow += int32(len(in.Flows))
		add(q)
	}
	stayed(in.End)
	out.Carried = b.Carried()
	out.Carried.Observed = &defenses.Observed{
		Least: found.Least, Inward: found.Inward, Reordered: found.Reordered, Ambiguous: found.Ambiguous,
		Offset: found.Clock.Offset, Drift: found.Clock.Drift, NoClock: !oneClock && !found.Clock.Found, Unknown: append(found.Notes, edges(in, found.Outer)...),
	}
	return out
}

// late is how long after the end of a recording what was still on its way counts, of
// an outer capture that goes on for much longer.
const late = time.Second

// edges says where the outer capture is shorter than the inner one.
func edges(in, outer datasets.Trace) []string {
	const slack = time.Minute
	n := len(outer.Packets)
	if n == 0 {
		return nil
	}
	var says []string
	if d := outer.Packets[0].Time; d > slack {
		says = append(says, fmt.Sprintf("begins %v after", d.Round(time.Second)))
	}
	if d := in.End - max(outer.Packets[n-1].Time, outer.End); d > slack {
		says = append(says, fmt.Sprintf("ends %v before", d.Round(time.Second)))
	}
	if says == nil {
		return nil
	}
	return []string{"the outer capture " + strings.Join(says, " and ") + " the inner one: what is missing there counts as lost"}
}
