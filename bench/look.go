package bench

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"veilbench/bench/draws"
	"veilbench/bench/oath"
	"veilbench/datasets"
	"veilbench/defenses"
)

// How much a defense is looked at before it is used. The beginning of one
// recording is cut at some twenty places. Of up to lookRecordings whole ones,
// drawn by seed, lookCuts prefixes that end anywhere are defended, then the whole,
// and, when all are done, each whole once more from last to first. That is on
// average 3.5 times the work of defending them once; after the first, recordings
// are added only while all have lookBudget packets at most.
const (
	lookPackets    = 1000
	lookTime       = 5 * time.Minute
	lookRecordings = 3
	lookCuts       = 3
	lookBudget     = 200_000
)

// lookKey names what is looked at once: a defense on a data set and, if it
// learns, in a fold and part. The vantage point is not in it: a defense that
// remembers would know every recording at the second look.
type lookKey struct{ dataset, defense, scope string }

// look is what was found.
type look struct {
	once   sync.Once
	oracle bool // it looks ahead
	err    error
}

// looked looks at the defense of a set of views, once for all that share it.
func (r *runner) looked(key viewKey, d defenses.Defense, ds *datasets.Dataset) *look {
	k := lookKey{key.dataset, key.defense, key.scope}
	r.mu.Lock()
	l := r.looks[k]
	if l == nil {
		l = &look{}
		r.looks[k] = l
	}
	r.mu.Unlock()
	l.once.Do(func() { l.oracle, l.err = examine(r.oath.Sworn(d), r.grid.Seed, ds) })
	return l
}

// examine tells whether d looks ahead. The error says that it gave two results
// for the same draws: what it does depends on what it was given before, or on
// chance of its own. Where d fails the cells will say so.
//
// Of a program neither is an error, as its protocol says: it is only in doubt. What
// chance does to it looks like looking ahead, too.
func examine(d defenses.Defense, seed uint64, ds *datasets.Dataset) (oracle bool, err error) {
	g := draws.New(seed, "look", ds.Name)
	var sample []*datasets.Recording
	packets := 0
	for _, i := range g.Perm(len(ds.Recordings)) {
		rec := &ds.Recordings[i]
		n := len(rec.Trace.Packets)
		if n == 0 || len(sample) > 0 && packets+n > lookBudget {
			continue
		}
		packets += n
		if sample = append(sample, rec); len(sample) == lookRecordings {
			break
		}
	}
	if len(sample) == 0 {
		return false, nil
	}
	if where, err := defenses.LooksAhead(d, seed, beginning(sample[0].Trace)); err == nil && where != "" {
		return !wavers(d, seed, beginning(sample[0].Trace)), nil
	}

	// Prefixes come before the whole, or a defense that remembers would know what
	// is to come when it gets them.
	sums := make([]uint64, len(sample))
	hash := maphash.MakeSeed()
	for i, rec := range sample {
		whole, where, err := defenses.LooksAheadAt(d, seed+uint64(i), rec.Trace, randomCuts(g, rec.Trace))
		if err != nil {
			return false, nil
		}
		if where != "" {
			return !wavers(d, seed, rec.Trace), nil
		}
		sums[i] = sumOf(hash, whole)
	}
	for i, rec := range slices.Backward(sample) {
		again, err := d.Apply(defenses.LookDraws(seed+uint64(i)), rec.Trace)
		if suspect(d, err != nil || sumOf(hash, again) != sums[i]) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("applied twice to recording %s with the same draws it failed only once (%w): it keeps state", rec.ID, err)
		}
		if sumOf(hash, again) != sums[i] {
			return false, fmt.Errorf("applied twice to recording %s with the same draws it gave two results: it keeps state, or draws from elsewhere", rec.ID)
		}
	}
	return false, nil
}

// wavers says whether a program gives something else for the same draws at a second
// call. The plug-ins of this process are told apart later.
func wavers(d defenses.Defense, seed uint64, in datasets.Trace) bool {
	if len(oath.Programs(d)) == 0 {
		return false
	}
	hash := maphash.MakeSeed()
	var sums [3]uint64
	for i := range sums {
		out, err := d.Apply(defenses.LookDraws(seed), in)
		if err == nil {
			sums[i] = sumOf(hash, out)
		}
	}
	return suspect(d, sums[0] != sums[1] || sums[1] != sums[2])
}

// suspect puts the programs of d in doubt where they gave something else. It says
// whether there is one that is.
func suspect(d defenses.Defense, otherwise bool) bool {
	for _, p := range oath.Programs(d) {
		if otherwise {
			p.Suspect("applied again to a recording with the same draws it gave another result")
		}
		if p.Doubt() != "" {
			return true
		}
	}
	return false
}

// beginning is the part of t that is cut at many places.
func beginning(t datasets.Trace) datasets.Trace {
	t.End = min(t.End, t.Packets[0].Time+lookTime)
	n, _ := slices.BinarySearchFunc(t.Packets, t.End, func(p datasets.Packet, end time.Duration) int { return cmp.Compare(p.Time, end) })
	t.Packets = t.Packets[:min(n, lookPackets)]
	return t
}

// randomCuts are places anywhere in t: at packets, where there is most to see,
// and one by time, which may lie in a silence.
func randomCuts(g *rand.Rand, t datasets.Trace) []time.Duration {
	at := []time.Duration{time.Duration(g.Float64() * float64(t.End))}
	for range lookCuts - 1 {
		at = append(at, t.Packets[g.IntN(len(t.Packets))].Time)
	}
	slices.Sort(at)
	return at
}

// sumOf is a hash of all that d says, comparable in this process.
func sumOf(seed maphash.Seed, d defenses.Defended) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, d.Trace.End)
	for _, p := range d.Trace.Packets {
		maphash.WriteComparable(&h, p)
	}
	for _, f := range d.Trace.Flows {
		maphash.WriteComparable(&h, f)
	}
	if c := d.Carried; c != nil {
		for _, s := range [][]int32{c.First, c.Orig, c.Bytes} {
			for _, x := range s {
				maphash.WriteComparable(&h, x)
			}
		}
	}
	return h.Sum64()
}
