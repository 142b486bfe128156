package defenses

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"veilbench/datasets"
)

// LooksAhead tells whether what d sends up to some time depends on what comes
// later. It applies d with the same draws to prefixes of in and then to in: with
// the packets and End cut at nine times evenly spread over the trace and at nine
// of its packets, and with End alone cut. The description says where the first
// difference is. It finds what it sees on this trace; it proves nothing for
// others. An error is that of Apply.
func LooksAhead(d Defense, seed uint64, in datasets.Trace) (where string, err error) {
	_, where, err = LooksAheadAt(d, seed, in, cuts(in))
	return where, err
}

// LooksAheadAt is LooksAhead at the times given, ascending. whole is what d makes
// of in with LookDraws(seed). It is made last: a defense that remembers its inputs
// does not know the rest of the trace when it gets the prefixes.
func LooksAheadAt(d Defense, seed uint64, in datasets.Trace, at []time.Duration) (whole Defended, where string, err error) {
	parts := make([]Defended, len(at))
	sizes := make([]int, len(at))
	for i, cut := range at {
		prefix := in
		n := sort.Search(len(in.Packets), func(i int) bool { return in.Packets[i].Time > cut })
		prefix.Packets = in.Packets[:n:n]
		prefix.End = cut
		sizes[i] = n
		if parts[i], err = d.Apply(LookDraws(seed), prefix); err != nil {
			return whole, "", fmt.Errorf("on the first %v: %w", cut, err)
		}
	}

	// The same draws: what differs then comes from what was cut off.
	if whole, err = d.Apply(LookDraws(seed), in); err != nil {
		return whole, "", err
	}
	for i, cut := range at {
		what := "what comes after"
		if sizes[i] == len(in.Packets) {
			what = "when observing ends"
		}
		if diff := differ(in, whole, parts[i], cut); diff != "" {
			return whole, fmt.Sprintf("before %v it depends on %s: %s", cut, what, diff), nil
		}
	}
	return whole, "", nil
}

// LookDraws is the generator that LooksAhead gives to every call with that seed.
func LookDraws(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// cuts are the times to cut in at, ascending.
func cuts(in datasets.Trace) []time.Duration {
	var at []time.Duration
	n := len(in.Packets)
	for k := range 9 {
		at = append(at, in.End/10*time.Duration(k+1))
		if n > 0 {
			at = append(at, in.Packets[n*(k+1)/10].Time)
		}
	}
	if n > 0 {
		last := in.Packets[n-1].Time
		at = append(at, last, last+(in.End-last)/2) // End alone is cut
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// differ describes the first packet before cut in which what leaves of the whole
// trace and of its prefix differ, "" for none. Packets at cut itself may differ:
// a prefix that ends there need not have seen all of that instant.
func differ(in datasets.Trace, full, part Defended, cut time.Duration) string {
	for i := 0; ; i++ {
		a, aok := before(full, i, cut)
		b, bok := before(part, i, cut)
		switch {
		case !aok && !bok:
			return ""
		case aok != bok:
			return fmt.Sprintf("packet %d is missing with one of them", i)
		case a != b:
			return fmt.Sprintf("packet %d is %+v or %+v", i, a, b)
		}
		ao, ab := full.Entries(in, i)
		bo, bb := part.Entries(in, i)
		if !slices.Equal(ao, bo) || !slices.Equal(ab, bb) {
			return fmt.Sprintf("packet %d carries %v or %v", i, ao, bo)
		}
	}
}

// before is packet i of d if it leaves before cut.
func before(d Defended, i int, cut time.Duration) (datasets.Packet, bool) {
	if i >= len(d.Trace.Packets) || d.Trace.Packets[i].Time >= cut {
		return datasets.Packet{}, false
	}
	return d.Trace.Packets[i], true
}
