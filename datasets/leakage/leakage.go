// Package leakage looks for what spoils a result before any attack is run:
// groups, packets or whole recordings on both sides of a split, test recordings
// that are recognized by their session, and classes given away by something
// that is not the traffic.
package leakage

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"time"

	"veilbench/datasets"
)

// Report is what Probe found about a split.
type Report struct {
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

// Warnings says in sentences what of it should worry, nothing if nothing does.
func (r Report) Warnings() []string {
	var out []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}

	// These three cannot happen by chance, so one case is enough.
	if n := len(r.SharedGroups); n > 0 {
		add(true, "%d groups are on both sides of the split, %q the first", n, r.SharedGroups[0])
	}
	add(r.SharedPackets > 0, "%d of %d test recordings share packets with training recordings", r.SharedPackets, r.Tested)
	add(r.Copies > 0, "%d of %d test recordings are copies of training recordings", r.Copies, r.Tested)

	// These two happen by chance too: they must beat it. Identical stands in no
	// warning, for a plug that is switched twice sends the same packets twice.
	add(beatsChance(r.SameGroup, r.SameGroupChance, r.Searched),
		"the nearest training recording is of the same group for %.0f %% of test recordings, by chance it would be for %.0f %%: the split tests recognition of sessions", 100*r.SameGroup, 100*r.SameGroupChance)
	for _, s := range r.Shortcuts {
		add(s.significant(), "%s alone names the class of %d of %d clips (the commonest class: %.0f %%)", s.Name, s.Right, s.Tested, 100*s.Floor)
	}
	return out
}

// beatsChance says whether share, of n trials, lies more than three standard
// deviations of a binomial above chance.
func beatsChance(share, chance float64, n int) bool {
	return n > 0 && share > chance+3*math.Sqrt(chance*(1-chance)/float64(n))
}

// Probe examines how split (ds.Split if it is "") divides ds for task; errors
// are those of Split.Folds. It does not modify ds and draws nothing at random.
func Probe(ds *datasets.Dataset, task datasets.Task, split datasets.Split) (Report, error) {
	folds, err := split.Folds(ds, task)
	if err != nil {
		return Report{}, err
	}
	p := newProbe(ds)
	for _, fold := range folds {
		for _, part := range fold {
			p.repeats(part)
		}
	}

	// The nearest neighbor of a session is looked for only where repeats has
	// found that sessions are divided.
	p.neighbors(folds)
	if task == datasets.TaskClip {
		p.shortcuts(folds)
	}

	for g := range p.shared {
		p.out.SharedGroups = append(p.out.SharedGroups, g)
	}
	slices.Sort(p.out.SharedGroups)
	return p.out, nil
}

// probe is one run of Probe. The slices have one element per recording.
type probe struct {
	rec     []datasets.Recording
	out     Report
	shared  map[string]bool
	packets [][]int  // recordings that share a packet with this one, ascending
	whole   []uint64 // hash of times, sizes and directions
	order   []uint64 // hash of sizes and directions
}

// newProbe hashes all recordings and finds those that share packets.
func newProbe(ds *datasets.Dataset) *probe {
	p := &probe{rec: ds.Recordings, shared: map[string]bool{}, packets: make([][]int, len(ds.Recordings))}
	seed := maphash.MakeSeed()
	type stamp struct {
		at   time.Duration
		size int32
		dir  datasets.Dir
	}
	last := map[stamp]int{} // the latest recording with that packet
	var epoch time.Time
	for i := range p.rec {
		t := p.rec[i].Trace
		var whole, order maphash.Hash
		whole.SetSeed(seed)
		order.SetSeed(seed)

		// Wall-clock times count from the first known start: equal moments of
		// different time zones are different keys as time.Time.
		if epoch.IsZero() {
			epoch = t.Start
		}
		for _, k := range t.Packets {
			maphash.WriteComparable(&whole, stamp{k.Time, k.Size, k.Dir})
			maphash.WriteComparable(&order, stamp{0, k.Size, k.Dir})

			// Clips without a clock all begin at 0; that they agree there says
			// nothing.
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

// repeats counts what is on both sides of one part.
func (p *probe) repeats(part datasets.Part) {
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

		// Two clips of one packet are no copies: there are too few such packets
		// for agreement to mean anything.
		if len(p.rec[i].Trace.Packets) > 1 && whole[p.whole[i]] {
			p.out.Copies++
		}
		if len(p.rec[i].Trace.Packets) > 1 && order[p.order[i]] {
			p.out.Identical++
		}
	}
}

// Limits of the nearest-neighbor search, which takes time in proportion to
// their product: test recordings over all parts, training recordings of a part.
const (
	maxTests = 400
	maxTrain = 2000
)

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
		return cmp.Compare(datasets.ShuffleKey(p.rec[a].ID), datasets.ShuffleKey(p.rec[b].ID))
	})
	of = of[:n]
	slices.SortFunc(of, byID)
	return of
}

// neighbors finds how often the nearest training recording is of the same
// group.
func (p *probe) neighbors(folds []datasets.Fold) {
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
			train := p.sample(part.Train, maxTrain)
			test := p.sample(part.Test, max(1, maxTests/parts))
			inGroup := 0
			for _, i := range test {
				near, n := p.nearest(hist, train, i)
				if inGroup += n; p.rec[near].Group == p.rec[i].Group {
					same++
				}
			}

			// A random training recording is of the test recording's group with
			// the share that this group has among them; groups differ in size,
			// so the shares are added up per test recording.
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
		if d := squaredDistance(hist[i], hist[j]); d < best {
			best, near = d, j
		}
	}
	return near, inGroup
}

// sizeHistogram is the log count of signed sizes in bins of 32 bytes; frames
// above 1536 share the last bin.
func sizeHistogram(t datasets.Trace) []float32 {
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

func squaredDistance(a, b []float32) float32 {
	var d float32
	for i, x := range a {
		e := x - b[i]
		d += e * e
	}
	return d
}
