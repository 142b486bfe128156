package knn

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// EventAlign is event-knn without its blind spot: bursts are compared by an
// edit distance, so that an extra ACK or a split packet costs a little instead
// of everything. Leaving a packet out or putting one in costs its length, a
// packet for another of the same direction costs the difference of lengths;
// packets of different directions do not stand for each other. The nearest
// training bursts vote as in event-knn, and everything left open (k, gap,
// pairing, threshold, whether pure ACKs count) is chosen inside training.
type EventAlign struct {
	K     int     `help:"neighbors that vote" zero:"chosen inside training among 1, 3, 5, 7, 9"`
	GapS  float64 `help:"gap between packets that closes a burst, in seconds" zero:"chosen inside training"`
	PairS float64 `help:"how far a burst may be from its event in the log, in seconds"`
	Acks  string  `help:"keep or drop pure ACKs; auto: chosen inside training"`
	First int     `help:"packets of a burst or clip that count, from its beginning"`
}

var _ attacks.Attack = EventAlign{}

// Info cites nothing: the distance is ours.
func (EventAlign) Info() attacks.Info {
	return attacks.Info{
		Name: "event-align", Doc: "nearest neighbors under a length-aware edit distance",
		Tasks: []datasets.Task{datasets.TaskEvent, datasets.TaskClip},
	}
}

// Validate refuses words other than auto, keep and drop for Acks, more than 99
// neighbors, times above an hour and more than 10000 packets, whose edit
// distance nobody would wait for.
func (a EventAlign) Validate() error {
	return cmp.Or(params.OneOf("acks", a.Acks, "auto", "keep", "drop"), params.Within("k", a.K, 0, 99), params.Within("gap_s", a.GapS, 0, 3600),
		params.Within("pair_s", a.PairS, 0.001, 3600), params.Within("first", a.First, 1, 10000))
}

// Bounds that keep the edit distance affordable.
const (
	alignQuestions = 1500
	alignOthers    = 3000
)

// Train keeps the training bursts and chooses what is left open. Without acks
// set, ACKs are first kept; then dropping them is tried with the gap found.
func (a EventAlign) Train(ctx context.Context, _ *rand.Rand, t attacks.Training) (attacks.Model, error) {
	s := knnOptions{
		k: a.K, gapS: a.GapS, pairS: a.PairS, align: true, dropAcks: a.Acks == "drop", cutAt: a.First,
		maxBurst: 2 * a.First, questions: alignQuestions, others: alignOthers,
	}
	m, score, err := s.train(ctx, t)
	if err != nil {
		return nil, err
	}

	// Not every gap again: that would double a training that takes long already,
	// and an ACK follows its data too soon to open another burst.
	best := bursts.Choice[*knnModel]{Value: m, Score: score}
	if a.Acks == "auto" {
		s.dropAcks, s.gapS = true, m.gap.Seconds()
		if m, score, err = s.train(ctx, t); err != nil {
			return nil, err
		}
		best.Offer(m, score)
	}
	return alignModel{best.Value}, nil
}

// alignModel is a nearest-neighbor model that is not a signature file: it hides
// Save, since a file does not say which distance it is for.
type alignModel struct{ m *knnModel }

// Guess names the clip or the bursts of t.
func (m alignModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	return m.m.Guess(ctx, t)
}

// alignIndex searches by edit distance. Every operation changes the bytes up
// and the bytes down by no more than it costs, so the difference of these sums
// is a lower bound of the distance: candidates are visited in order of that
// bound until it exceeds the k-th distance found.
type alignIndex struct {
	merged
	sums  [][2]int64 // bytes up and down of each row
	total []int64    // bytes up and down together, ascending once ready
}

// newAlignIndex is an empty index over vectors of vs.
func newAlignIndex(vs *vectors) *alignIndex {
	return &alignIndex{merged: merged{vs: vs, row: map[int32]int32{}}}
}

// directionSums is the bytes up and the bytes down of v, both positive.
func directionSums(v []int32) (s [2]int64) {
	for _, x := range v {
		if x >= 0 {
			s[0] += int64(x)
		} else {
			s[1] -= int64(x)
		}
	}
	return s
}

// add keeps the sums of a row that is new.
func (ix *alignIndex) add(id int32, e entry, limit int) {
	ix.merged.add(id, e, limit)
	if len(ix.sums) < len(ix.ids) {
		ix.sums = append(ix.sums, directionSums(ix.vs.at(id)))
	}
}

// ready sorts the rows by bytes.
func (ix *alignIndex) ready() {
	order := make([]int32, len(ix.ids))
	for i := range order {
		order[i] = int32(i)
	}
	total := func(r int32) int64 { return ix.sums[r][0] + ix.sums[r][1] }
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(total(a), total(b)) })
	sums := make([][2]int64, len(order))
	ix.total = make([]int64, len(order))
	for i, r := range order {
		sums[i], ix.total[i] = ix.sums[r], total(r)
	}
	ix.sums = sums
	ix.freeze(order)
}

// nearest walks outward from the row whose bytes are nearest to q's. Rows that
// are equally near come in another order than that of training, but push sorts
// by place.
func (ix *alignIndex) nearest(q []int32, k int, skip int16, dst []neighbor) []neighbor {
	dst = dst[:0]
	sums := directionSums(q)
	total := sums[0] + sums[1]
	hi, _ := slices.BinarySearch(ix.total, total)
	lo := hi - 1
	scratch := make([]int64, 2*len(q)+2)
	for lo >= 0 || hi < len(ix.ids) {
		at := hi
		if hi == len(ix.ids) || lo >= 0 && total-ix.total[lo] <= ix.total[hi]-total {
			at = lo
			lo--
		} else {
			hi++
		}

		// The difference of the totals is no larger than the sum of the two
		// differences, which is no larger than the distance: the first bound ends
		// the walk, the second leaves out one row.
		worst := int64(-1)
		if len(dst) == k {
			if worst = dst[k-1].dist; abs64(ix.total[at]-total) > worst {
				break // so are all rows further out
			}
		}
		if s := ix.sums[at]; worst >= 0 && abs64(s[0]-sums[0])+abs64(s[1]-sums[1]) > worst {
			continue
		}
		if d, ok := editWithin(q, ix.vs.at(ix.ids[at]), worst, scratch); ok {
			dst = ix.push(dst, k, d, at, skip)
		}
	}
	return dst
}

// abs64 is the absolute value: math.Abs is for float64 alone.
func abs64(x int64) int64 {
	if x < 0 {
		return -x
	}
	return x
}

// editWithin is the edit distance of a and b, given up (ok false) once no way
// can end at worst or below; a negative worst is no bound. scratch has room for
// two rows of len(a)+1.
//
// After y of b's packets, prev[i] is the cheapest way to turn the first i packets
// of a into them. No value exceeds the bytes of a and b together. Every way passes
// through each row, and costs only add up: so of a row only the stretch from lo to
// hi is known, outside of which all values exceed worst.
func editWithin(a, b []int32, worst int64, scratch []int64) (d int64, ok bool) {
	a, b = withoutCommonEnds(a, b)
	if worst < 0 {
		worst = unbounded
	}
	n := len(a) + 1
	prev, row := scratch[:n], scratch[n:2*n]
	prev[0] = 0
	lo, hi := 0, 0
	for hi < len(a) && prev[hi]+abs64(int64(a[hi])) <= worst {
		prev[hi+1] = prev[hi] + abs64(int64(a[hi]))
		hi++
	}

	for _, y := range b {
		// A wall behind the stretch, so that the loop needs no other bound.
		if hi < len(a) {
			hi++
			prev[hi] = unbounded
		}
		gap := abs64(int64(y))
		left := prev[lo] + gap
		row[lo] = left
		corner := prev[lo]
		for i := lo; i < hi; i++ {
			x := a[i]
			best := min(prev[i+1]+gap, left+abs64(int64(x)))
			if (x < 0) == (y < 0) {
				best = min(best, corner+abs64(int64(x)-int64(y)))
			}
			corner = prev[i+1]
			row[i+1], left = best, best
		}
		for hi < len(a) && left+abs64(int64(a[hi])) <= worst { // further right only from the left
			left += abs64(int64(a[hi]))
			hi++
			row[hi] = left
		}

		for lo <= hi && row[lo] > worst {
			lo++
		}
		for hi >= lo && row[hi] > worst {
			hi--
		}
		if lo > hi {
			return worst + 1, false
		}
		prev, row = row, prev
	}
	if hi < len(a) {
		return worst + 1, false
	}
	return prev[len(a)], true
}

// unbounded is above every distance, with room to add to it.
const unbounded = math.MaxInt64 / 4

// withoutCommonEnds cuts off the packets that a and b begin and end with alike. Some
// cheapest way leaves those as they are: one that gives x another partner y in b and
// puts b's own x in costs the length of x more and the difference to y, which is no
// less than y's length.
func withoutCommonEnds(a, b []int32) (restA, restB []int32) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}
