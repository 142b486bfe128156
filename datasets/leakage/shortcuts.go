package leakage

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"veilbench/datasets"
)

// Shortcut is how often something that is not the traffic gives the class of a
// clip away: the training clip nearest in it names the class.
type Shortcut struct {
	Name string
	// Right of Tested clips were named right; Floor is the share that the
	// commonest training class gets.
	Right, Tested int
	Floor         float64
}

func (s Shortcut) significant() bool {
	return s.Tested > 0 && beatsChance(float64(s.Right)/float64(s.Tested), s.Floor, s.Tested)
}

// hint is something about a recording that is not its traffic.
type hint struct {
	name string
	// compare orders recordings by the hint.
	compare func(a, b *datasets.Recording) int
	// dist is the distance of two recordings. Along the order of compare it
	// must not fall as one moves away from a recording, for the nearest ones
	// are looked for around the place where it would be sorted in.
	dist func(a, b *datasets.Recording) int64
}

// hints lists what the probe tries, in report order. Addresses are those of
// the first flow.
func hints() []hint {
	same := func(equal bool) int64 {
		if equal {
			return 0
		}
		return 1
	}
	apart := func(d int64) int64 { return max(d, -d) }
	first := func(r *datasets.Recording) datasets.Flow {
		if len(r.Trace.Flows) == 0 {
			return datasets.Flow{}
		}
		return r.Trace.Flows[0]
	}

	// Times have a distance; of addresses only equality means something.
	return []hint{
		{
			"the time of recording",
			func(a, b *datasets.Recording) int { return a.Trace.Start.Compare(b.Trace.Start) },
			func(a, b *datasets.Recording) int64 { return apart(int64(a.Trace.Start.Sub(b.Trace.Start))) },
		},
		{
			"the length of observing",
			func(a, b *datasets.Recording) int { return cmp.Compare(a.Trace.End, b.Trace.End) },
			func(a, b *datasets.Recording) int64 { return apart(int64(a.Trace.End - b.Trace.End)) },
		},
		{
			"the local address",
			func(a, b *datasets.Recording) int { return first(a).Local.Addr().Compare(first(b).Local.Addr()) },
			func(a, b *datasets.Recording) int64 { return same(first(a).Local.Addr() == first(b).Local.Addr()) },
		},
		{
			"the hardware address",
			func(a, b *datasets.Recording) int {
				x, y := first(a).MAC, first(b).MAC
				return bytes.Compare(x[:], y[:])
			},
			func(a, b *datasets.Recording) int64 { return same(first(a).MAC == first(b).MAC) },
		},
	}
}

// shortcuts tries each hint that differs at all between training recordings.
func (p *probe) shortcuts(folds []datasets.Fold) {
	for _, h := range hints() {
		s := Shortcut{Name: h.name}
		differs := false
		for _, f := range folds {
			for _, part := range f {
				right, commonest, d := p.shortcut(h, part)
				s.Right += right
				s.Tested += len(part.Test)
				s.Floor += float64(commonest)
				differs = differs || d
			}
		}
		if differs {
			s.Floor /= float64(s.Tested)
			p.out.Shortcuts = append(p.out.Shortcuts, s)
		}
	}
}

// shortcut names the class of each test clip of a part by hint h. It also
// returns how many the commonest training class gets right, and whether the
// hint differs between training clips.
func (p *probe) shortcut(h hint, part datasets.Part) (right, commonest int, differs bool) {
	count := map[string]int{}
	for _, j := range part.Train {
		count[p.rec[j].ClipClass()]++
	}

	// The order of a map must not show: among equally common classes the first
	// by name is taken.
	most := ""
	for c, n := range count {
		if n > count[most] || n == count[most] && c < most {
			most = c
		}
	}

	train := slices.Clone(part.Train)
	slices.SortFunc(train, func(a, b int) int {
		return cmp.Or(h.compare(&p.rec[a], &p.rec[b]), strings.Compare(p.rec[a].ID, p.rec[b].ID))
	})
	differs = h.compare(&p.rec[train[0]], &p.rec[train[len(train)-1]]) != 0
	for _, i := range part.Test {
		class := p.rec[i].ClipClass()
		if class == most {
			commonest++
		}
		if p.byHint(h, train, i, most) == class {
			right++
		}
	}
	return right, commonest, differs
}

// byHint is the majority class of the training clips nearest to clip i, a tie
// going to the commonest of all, then to the first by name. train is sorted by
// the hint.
func (p *probe) byHint(h hint, train []int, i int, most string) string {
	q := &p.rec[i]
	at, _ := slices.BinarySearchFunc(train, q, func(j int, q *datasets.Recording) int { return h.compare(&p.rec[j], q) })
	if at == len(train) || at > 0 && h.dist(&p.rec[train[at-1]], q) < h.dist(&p.rec[train[at]], q) {
		at--
	}
	best := h.dist(&p.rec[train[at]], q)

	// All clips at this distance vote, not only the one that the search hit:
	// clips of one address or one second are equally near.
	votes := map[string]int{}
	vote := func(j int) bool {
		near := h.dist(&p.rec[j], q) == best
		if near {
			votes[p.rec[j].ClipClass()]++
		}
		return near
	}
	for k := at; k >= 0 && vote(train[k]); k-- {
	}
	for k := at + 1; k < len(train) && vote(train[k]); k++ {
	}

	name := most
	for c, n := range votes {
		if n > votes[name] || n == votes[name] && name != most && c < name {
			name = c
		}
	}
	return name
}
