package datasets

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"time"
)

// Limits of a probe: test recordings beyond the first, and training recordings
// beyond the second, are left out of the nearest-neighbor search.
const (
	probeTests = 400
	probeTrain = 2000
)

// Leaks is what ProbeLeaks found about a split.
type Leaks struct {
	// Tested is the number of test recordings, over all folds and parts.
	Tested int
	// SharedGroups lists the groups that are on both sides somewhere, sorted.
	SharedGroups []string
	// SharedPackets counts test recordings of which at least one packet (by
	// wall-clock time, size and direction) is in a training recording too:
	// captures of the same thing, or pieces that overlap.
	SharedPackets int
	// Copies counts test recordings whose times, sizes and directions are
	// exactly those of a training recording.
	Copies int
	// Identical counts test recordings with the sizes and directions of a
	// training recording in the same order. Short clips of simple devices are
	// so by nature.
	Identical int
	// SameGroup is the share of test recordings, of Searched, whose nearest
	// training recording (log histogram of signed sizes) is of the same group;
	// SameGroupChance is what a random training recording would give. They are
	// 0 when no group is on both sides.
	SameGroup, SameGroupChance float64
	Searched                   int
	// Shortcuts are guesses of a clip's class that never look at its packets.
	// Nil for other tasks.
	Shortcuts []Shortcut
}

// Shortcut is how often something that is not the traffic gives the class of a
// clip away: the training clip nearest in it names the class.
type Shortcut struct {
	Name string
	// Right of Tested clips were named right; Floor is the share that the
	// commonest training class gets.
	Right, Tested int
	Floor         float64
}

// Significant says whether the shortcut beats its floor by more than three
// standard deviations.
func (s Shortcut) Significant() bool {
	n := float64(s.Tested)
	return n > 0 && float64(s.Right)/n > s.Floor+3*math.Sqrt(s.Floor*(1-s.Floor)/n)
}

// Warnings says in sentences what of it should worry, nothing if nothing does.
func (l Leaks) Warnings() []string {
	var out []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	if n := len(l.SharedGroups); n > 0 {
		add(true, "%d groups are on both sides of the split, %q the first", n, l.SharedGroups[0])
	}
	add(l.SharedPackets > 0, "%d of %d test recordings share packets with training recordings", l.SharedPackets, l.Tested)
	add(l.Copies > 0, "%d of %d test recordings are copies of training recordings", l.Copies, l.Tested)
	n := float64(l.Searched)
	add(n > 0 && l.SameGroup > l.SameGroupChance+3*math.Sqrt(l.SameGroupChance*(1-l.SameGroupChance)/n),
		"the nearest training recording is of the same group for %.0f %% of test recordings, by chance it would be for %.0f %%: the split tests recognition of sessions", 100*l.SameGroup, 100*l.SameGroupChance)
	for _, s := range l.Shortcuts {
		add(s.Significant(), "%s alone names the class of %d of %d clips (the commonest class: %.0f %%)", s.Name, s.Right, s.Tested, 100*s.Floor)
	}
	return out
}

// ProbeLeaks looks for what spoils a result before any attack is run: groups,
// packets or whole recordings on both sides of the split, test recordings that
// are recognized by their session, and classes given away by something that is
// not the traffic. It does not modify ds and draws nothing at random.
func ProbeLeaks(ds *Dataset, task Task, split Split) (Leaks, error) {
	folds, err := split.Folds(ds, task)
	if err != nil {
		return Leaks{}, err
	}
	p := newProbe(ds)
	for _, fold := range folds {
		for _, part := range fold {
			p.part(part)
		}
	}
	p.neighbors(folds)
	if task == Clip {
		p.shortcuts(folds)
	}
	for g := range p.shared {
		p.out.SharedGroups = append(p.out.SharedGroups, g)
	}
	slices.Sort(p.out.SharedGroups)
	return p.out, nil
}

// probe is one run of ProbeLeaks.
type probe struct {
	rec     []Recording
	out     Leaks
	shared  map[string]bool
	packets [][]int // recordings that share a packet with this one
	whole   []uint64
	order   []uint64
}

func newProbe(ds *Dataset) *probe {
	p := &probe{rec: ds.Recordings, shared: map[string]bool{}, packets: make([][]int, len(ds.Recordings))}
	seed := maphash.MakeSeed()
	type stamp struct {
		at   time.Duration
		size int32
		dir  Dir
	}
	last := map[stamp]int{} // the latest recording with that packet
	var epoch time.Time
	for i := range p.rec {
		t := p.rec[i].Trace
		var whole, order maphash.Hash
		whole.SetSeed(seed)
		order.SetSeed(seed)
		if epoch.IsZero() {
			epoch = t.Start
		}
		for _, k := range t.Packets {
			maphash.WriteComparable(&whole, stamp{k.Time, k.Size, k.Dir})
			maphash.WriteComparable(&order, stamp{0, k.Size, k.Dir})
			if t.Start.IsZero() {
				continue
			}
			s := stamp{t.Start.Sub(epoch) + k.Time, k.Size, k.Dir}
			if j, ok := last[s]; ok && j != i {
				p.packets[i] = append(p.packets[i], j)
				p.packets[j] = append(p.packets[j], i)
			}
			last[s] = i
		}
		p.whole = append(p.whole, whole.Sum64())
		p.order = append(p.order, order.Sum64())
	}
	for i := range p.packets {
		slices.Sort(p.packets[i])
		p.packets[i] = slices.Compact(p.packets[i])
	}
	return p
}

// part counts what is on both sides of one part.
func (p *probe) part(part Part) {
	groups, whole, order := map[string]bool{}, map[uint64]bool{}, map[uint64]bool{}
	for _, j := range part.Train {
		groups[p.rec[j].Group] = true
		whole[p.whole[j]], order[p.order[j]] = true, true
	}
	for _, i := range part.Test {
		p.out.Tested++
		if groups[p.rec[i].Group] {
			p.shared[p.rec[i].Group] = true
		}
		if slices.ContainsFunc(p.packets[i], func(j int) bool { _, ok := slices.BinarySearch(part.Train, j); return ok }) {
			p.out.SharedPackets++
		}
		if len(p.rec[i].Trace.Packets) > 1 && whole[p.whole[i]] {
			p.out.Copies++
		}
		if len(p.rec[i].Trace.Packets) > 1 && order[p.order[i]] {
			p.out.Identical++
		}
	}
}

// sample returns at most n of the recordings by ID, the same ones in the same
// order however ds is ordered.
func (p *probe) sample(of []int, n int) []int {
	of = slices.Clone(of)
	byID := func(a, b int) int { return cmp.Compare(p.rec[a].ID, p.rec[b].ID) }
	slices.SortFunc(of, byID)
	if len(of) <= n {
		return of
	}
	slices.SortStableFunc(of, func(a, b int) int {
		return cmp.Compare(shuffleKey(p.rec[a].ID), shuffleKey(p.rec[b].ID))
	})
	of = of[:n]
	slices.SortFunc(of, byID)
	return of
}

// neighbors finds how often the nearest training recording is of the same
// group.
func (p *probe) neighbors(folds []Fold) {
	if len(p.shared) == 0 {
		return
	}
	hist := make([][]float32, len(p.rec))
	for i := range p.rec {
		hist[i] = sizeHistogram(p.rec[i].Trace)
	}
	parts := 0
	for _, f := range folds {
		parts += len(f)
	}
	same, chance := 0, 0.0
	for _, f := range folds {
		for _, part := range f {
			train := p.sample(part.Train, probeTrain)
			test := p.sample(part.Test, max(1, probeTests/parts))
			inGroup := 0
			for _, i := range test {
				near, n := p.nearest(hist, train, i)
				if inGroup += n; p.rec[near].Group == p.rec[i].Group {
					same++
				}
			}
			chance += float64(inGroup) / float64(len(train))
			p.out.Searched += len(test)
		}
	}
	n := float64(p.out.Searched)
	p.out.SameGroup, p.out.SameGroupChance = float64(same)/n, chance/n
}

// nearest finds the training recording nearest to recording i, the first of
// equal ones, and counts those of its group.
func (p *probe) nearest(hist [][]float32, train []int, i int) (near, inGroup int) {
	best := float32(math.Inf(1))
	for _, j := range train {
		if p.rec[j].Group == p.rec[i].Group {
			inGroup++
		}
		if d := squared(hist[i], hist[j]); d < best {
			best, near = d, j
		}
	}
	return near, inGroup
}

// sizeHistogram is the log count of signed sizes in bins of 32 bytes; frames
// above 1536 share the last bin.
func sizeHistogram(t Trace) []float32 {
	const bins = 49
	h := make([]float32, 2*bins)
	for _, k := range t.Packets {
		h[bins*int(k.Dir)+min(int(k.Size)/32, bins-1)]++
	}
	for b, n := range h {
		h[b] = float32(math.Log1p(float64(n)))
	}
	return h
}

func squared(a, b []float32) float32 {
	var d float32
	for i, x := range a {
		e := x - b[i]
		d += e * e
	}
	return d
}
