package anchors

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"veilbench/attacks/forest"
)

// anchor is a size by which events of a class are looked for.
type anchor struct {
	size     int32
	template []element
	// cut is the least likelihood of a candidate.
	cut float64
	// forest tells two classes apart, none's (0) and an event's (1); nil where
	// nothing could be learned.
	forest *forest.Forest
}

const (
	// addTrials is how many trials, and addShare which share of those of its class,
	// an anchor must add to be worth its forest.
	addTrials, addShare = 2, 0.05
	// again is what a second anchor is worth in a trial that has one: it may find
	// what the first misses in a busy minute.
	again = 0.3
	// lift is how much more often trials must have an anchor's size than other
	// traffic of the same length.
	lift = 2
)

// anchorSizes chooses the sizes that tell trials from the rest of the traffic. Each
// adds most in trials that have it, times the logarithm of how much likelier a
// trial has it than a stretch of other traffic as long: the expected likelihood
// ratio of a size that is there.
func (l *learner) anchorSizes(trials []trial) []int32 {
	in, inside, stretch := l.sizesIn(trials)

	// Sorted, so that no tie hangs on a map's order.
	var sizes []int32
	worth := map[int32]float64{}
	for s, ts := range in {
		share := float64(len(ts)) / float64(len(trials)+1)
		elsewhere := float64(l.count[s]-inside[s]) + 0.5
		chance := 1 - math.Exp(-elsewhere/l.seconds*stretch)
		if share > lift*chance {
			sizes = append(sizes, s)
			worth[s] = math.Log(share / chance)
		}
	}
	slices.Sort(sizes)

	need := max(float64(min(addTrials, len(trials))), addShare*float64(len(trials)))
	value := [...]float64{1, again, 0} // of a size in a trial, by the anchors it has
	have := make([]int, len(trials))
	var out []int32
	for len(out) < l.a.Anchors {
		best, most, adds := int32(0), 0.0, 0.0
		for _, s := range sizes {
			gain := 0.0
			for _, i := range in[s] {
				gain += value[min(have[i], 2)]
			}
			if w := gain * worth[s]; w > most && !slices.Contains(out, s) {
				best, most, adds = s, w, gain
			}
		}
		if adds < need {
			break
		}
		out = append(out, best)
		for _, i := range in[best] {
			have[i]++
		}
	}
	return out
}

// sizesIn returns which trials have a size, ascending, how many packets of it they
// have, and the mean length of a trial in seconds, a packet alone taking one.
func (l *learner) sizesIn(trials []trial) (in map[int32][]int, inside map[int32]int, stretch float64) {
	in, inside = map[int32][]int{}, map[int32]int{}
	for i, tr := range trials {
		ps := l.t.Examples[tr.example].Trace.Packets
		for _, p := range tr.packets {
			s := sizeOf(ps[p], l.way.step)
			if ts := in[s]; len(ts) == 0 || ts[len(ts)-1] != i {
				in[s] = append(ts, i)
			}
			inside[s]++
		}
		last := tr.packets[len(tr.packets)-1]
		stretch += max((ps[last].Time - ps[tr.packets[0]].Time).Seconds(), 1)
	}
	return in, inside, stretch / float64(max(1, len(trials)))
}

// learnAnchor learns the template of a size and grows its forest, and adds what
// the forests of validation find in each example to held.
func (l *learner) learnAnchor(ctx context.Context, size int32, c classTrials, held [][]detection) (anchor, error) {
	a := anchor{size: size}
	others, kin := l.otherwise(size, c)

	// An event may have several packets of the size. The first of them is a guess:
	// once there is a template, the one that fits it best is taken, and the
	// template made anew.
	a.template = l.template(l.firstOf(size, c.all), others, kin)
	events, _ := l.fittest(&a, c)
	a.template = l.template(events, others, kin)

	// Nearly all events stay above the cut; it only keeps most of a busy size from
	// being judged at length.
	events, llr := l.fittest(&a, c)
	if slices.Sort(llr); len(llr) > 0 {
		a.cut = llr[len(llr)/50] - 1
	}

	t, err := l.tableOf(ctx, &a, events, c)
	if err != nil {
		return a, err
	}
	for f := range l.folds {
		if err := t.hold(ctx, l, f, held); err != nil {
			return a, err
		}
	}
	a.forest, err = t.grow(ctx, l, -1)
	return a, err
}

// firstOf is the first packet of the size in each trial that has one.
func (l *learner) firstOf(size int32, trials []trial) []place {
	var out []place
	for _, tr := range trials {
		x := l.indexes[tr.example]
		if i := slices.IndexFunc(tr.packets, func(p int32) bool { return x.size(p) == size }); i >= 0 {
			out = append(out, place{tr.example, tr.packets[i]})
		}
	}
	return out
}

// surroundings is how many packets of an anchor's size a template is told from.
const surroundings = 300

// otherwise returns packets of the size, taken evenly, that are in no trial of the
// class, and kin, those in trials of other classes of its device.
func (l *learner) otherwise(size int32, c classTrials) (others, kin []place) {
	for i, x := range l.indexes {
		for _, k := range x.bySize[size] {
			for _, p := range x.lists[k].packet {
				if c.number(l.mine[i], p) >= 0 {
					continue
				}
				others = append(others, place{i, p})
				if tr, ok := l.mine[i][p]; ok && siblings(l.trials[tr].class, c.all[0].class) {
					kin = append(kin, place{i, p})
				}
			}
		}
	}
	return thin(others, surroundings), thin(kin, surroundings)
}

// thin leaves at most n of s, evenly.
func thin[T any](s []T, n int) []T {
	if len(s) <= n {
		return s
	}
	out := make([]T, n)
	for i := range out {
		out[i] = s[i*len(s)/n]
	}
	return out
}

// fittest is the packet of the anchor's size in each trial that is likeliest by its
// template, the first of equals, and how likely that is.
func (l *learner) fittest(a *anchor, c classTrials) (out []place, llr []float64) {
	packet, best := make([]int32, len(c.all)), make([]float64, len(c.all))
	for i := range packet {
		packet[i] = -1
	}

	// All packets of the size are judged, not those of trials alone: a cursor goes
	// through a list once, and to begin anew at each trial would take longer.
	for i, x := range l.indexes {
		for _, k := range x.bySize[a.size] {
			v := a.likelihoods(x, k, l.window)
			for j, p := range x.lists[k].packet {
				if n := c.number(l.mine[i], p); n >= 0 && (packet[n] < 0 || v[j] > best[n]) {
					packet[n], best[n] = p, v[j]
				}
			}
		}
	}

	for i, p := range packet {
		if p >= 0 {
			out, llr = append(out, place{c.all[i].example, p}), append(llr, best[i])
		}
	}
	return out, llr
}

// candidate is a packet of an anchor's size.
type candidate struct {
	list   int32 // of the index
	number int32 // in the list
	// llr is the logarithm of how much likelier the sizes around it are in an
	// event than in the home's traffic.
	llr float64
}

// perHour bounds how many candidates of an anchor are judged; beyond it the least
// likely are left out. It also bounds those of a trace shorter than an hour.
const perHour = 600

// candidates lists the packets of the anchor's size that reach the cut, list by
// list and in order of time.
func (a *anchor) candidates(x *index, window time.Duration) []candidate {
	var out []candidate
	for _, n := range x.bySize[a.size] {
		for i, v := range a.likelihoods(x, n, window) {
			if v >= a.cut {
				out = append(out, candidate{n, int32(i), v})
			}
		}
	}

	most := int(perHour * max(1, x.seconds()/3600))
	if len(out) > most {
		slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(b.llr, a.llr) })
		out = slices.Clone(out[:most])
		slices.SortFunc(out, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(a.list, b.list), cmp.Compare(a.number, b.number))
		})
	}
	return out
}

// detect returns what the forest says of each candidate in x.
func (a *anchor) detect(ctx context.Context, x *index, window time.Duration) ([]detection, error) {
	found := a.candidates(x, window)
	if len(found) == 0 {
		return nil, ctx.Err()
	}
	p, err := a.forest.PredictAll(ctx, a.rows(x, found, window), 1)
	if err != nil {
		return nil, err
	}
	var out []detection
	for i, c := range found {
		if yes := float64(p[2*i+1]); yes >= doubt {
			out = append(out, newDetection(x, c, yes))
		}
	}
	return out, nil
}
