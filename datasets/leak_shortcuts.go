package datasets

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// hint is something about a recording that is not its traffic. near orders two
// training recordings by how near they are to the one in question, so that the
// first names the class; equal says that they are as near.
type hint struct {
	name string
	// compare orders recordings by the hint; dist is the distance of two.
	compare func(a, b *Recording) int
	dist    func(a, b *Recording) int64
}

// hints lists what the probe tries, in report order.
func hints() []hint {
	same := func(equal bool) int64 {
		if equal {
			return 0
		}
		return 1
	}
	apart := func(d int64) int64 { return max(d, -d) }
	first := func(r *Recording) Flow {
		if len(r.Trace.Flows) == 0 {
			return Flow{}
		}
		return r.Trace.Flows[0]
	}
	return []hint{
		{
			"the time of recording",
			func(a, b *Recording) int { return a.Trace.Start.Compare(b.Trace.Start) },
			func(a, b *Recording) int64 { return apart(int64(a.Trace.Start.Sub(b.Trace.Start))) },
		},
		{
			"the length of observing",
			func(a, b *Recording) int { return cmp.Compare(a.Trace.End, b.Trace.End) },
			func(a, b *Recording) int64 { return apart(int64(a.Trace.End - b.Trace.End)) },
		},
		{
			"the local address",
			func(a, b *Recording) int { return first(a).Local.Addr().Compare(first(b).Local.Addr()) },
			func(a, b *Recording) int64 { return same(first(a).Local.Addr() == first(b).Local.Addr()) },
		},
		{
			"the hardware address",
			func(a, b *Recording) int {
				x, y := first(a).Link, first(b).Link
				return bytes.Compare(x[:], y[:])
			},
			func(a, b *Recording) int64 { return same(first(a).Link == first(b).Link) },
		},
	}
}

// shortcuts tries each hint that differs at all between recordings.
func (p *probe) shortcuts(folds []Fold) {
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
// returns how many the commonest training class gets, and whether the hint
// differs between training clips.
func (p *probe) shortcut(h hint, part Part) (right, commonest int, differs bool) {
	count := map[string]int{}
	most := ""
	train := slices.Clone(part.Train)
	for _, j := range train {
		c := p.rec[j].ClipClass()
		count[c]++
	}
	for c, n := range count {
		if n > count[most] || n == count[most] && c < most {
			most = c
		}
	}
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
	at, _ := slices.BinarySearchFunc(train, q, func(j int, q *Recording) int { return h.compare(&p.rec[j], q) })
	if at == len(train) || at > 0 && h.dist(&p.rec[train[at-1]], q) < h.dist(&p.rec[train[at]], q) {
		at--
	}
	best := h.dist(&p.rec[train[at]], q)
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
