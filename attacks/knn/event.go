package knn

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

// The two ways to give events to bursts: an event labels the nearest burst of
// a stream only, or all within reach.
const (
	pairNearest = iota
	pairAll
	pairModes
)

// tuneQueries bounds how many different bursts are asked for one gap during
// tuning, shared evenly by the training examples: each is followed from its
// beginning until its share is used up.
const tuneQueries = 6000

// sample is one training burst.
type sample struct {
	start, end time.Duration
	stream     int32 // number of its key
	vec        int32 // -1 when it is not looked at
	fold       int16
	class      [pairModes]int16
}

// corpus is the training bursts under one gap.
type corpus struct {
	a       knnOptions
	m       *knnModel
	samples [][]sample // by example, in order of time
	// Streams have numbers, and by number their keys and the model's scopes (nil: not
	// filed), so that nobody looks keys up for each burst.
	number map[bursts.StreamKey]int32
	keys   []bursts.StreamKey
	scopes []*scope
	sole   [][]attacks.Ranked // each class alone
}

// numberOf is the number of a stream, a new one for a key that is new.
func (c *corpus) numberOf(key bursts.StreamKey) int32 {
	n, known := c.number[key]
	if !known {
		n = int32(len(c.keys))
		c.number[key] = n
		c.keys, c.scopes = append(c.keys, key), append(c.scopes, nil)
	}
	return n
}

// trainEvents tries every gap and keeps the best. The score is that of the
// choice, for event-align to compare two trainings.
func (a knnOptions) trainEvents(ctx context.Context, t attacks.Training) (*knnModel, float64, error) {
	fold, n := bursts.Folds(t, 5)
	if n < 2 { // one group only: its examples, else the halves of one
		for i := range fold {
			fold[i] = i % 5
		}
	}
	ex := make([]bursts.Streamed, len(t.Examples))
	for i, e := range t.Examples {
		ex[i] = bursts.Streamed{Labeled: e, Streams: bursts.Streams(e.Trace)}
	}
	gaps := bursts.TuneGaps[:]
	if a.gapS > 0 {
		gaps = []float64{a.gapS}
	}

	// Other gaps make other bursts, so each gap has a model of its own; only the
	// best is kept in memory.
	best := bursts.Choice[*knnModel]{Score: -1}
	var found [][][]attacks.Burst // room that all gaps share
	for _, g := range gaps {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		c := a.collect(t, ex, fold, params.Seconds(g))
		s, err := c.tune(ctx, ex, &found)
		if err != nil {
			return nil, 0, err
		}
		best.Offer(c.m, s)
	}
	return best.Value, best.Score, ctx.Err()
}

// collect cuts the examples into bursts at gap and files them.
func (a knnOptions) collect(t attacks.Training, ex []bursts.Streamed, fold []int, gap time.Duration) *corpus {
	c := &corpus{a: a, m: a.newModel(t), samples: make([][]sample, len(ex)), number: map[bursts.StreamKey]int32{}}
	c.m.gap = gap
	for _, class := range c.m.classes {
		c.sole = append(c.sole, []attacks.Ranked{{Class: class, P: 1}})
	}

	// How many have no event must be known before the first is filed, to leave
	// out evenly.
	others := 0
	for i, e := range ex {
		c.samples[i] = c.cut(e, int16(fold[i]), len(ex) == 1)
		for _, s := range c.samples[i] {
			if s.vec >= 0 && c.m.classes[s.class[pairAll]] == datasets.Other {
				others++
			}
		}
	}
	c.fileSamples(others)
	c.m.ready()
	return c
}

// fileSamples adds all samples to the model; of the given number without an
// event no more than a.others, evenly.
func (c *corpus) fileSamples(others int) {
	take := others
	if c.a.others > 0 {
		take = min(take, c.a.others)
	}

	order, seen := int32(0), 0
	for _, example := range c.samples {
		for _, s := range example {
			// Places count bursts that are left out too: what is left out must not
			// change which of the others comes first.
			order++
			if s.vec < 0 {
				continue
			}
			if c.m.classes[s.class[pairAll]] == datasets.Other {
				// Number seen of all is taken when seen*take/others passes a
				// whole number.
				seen++
				if seen*take/others == (seen-1)*take/others {
					continue
				}
			}
			c.file(s.stream, s.vec, entry{order - 1, s.fold, s.class})
		}
	}
}

// file adds a burst to the model of its stream and to the pooled one.
func (c *corpus) file(stream, vec int32, e entry) {
	s := c.scopes[stream]
	if s == nil {
		s = c.m.newScope()
		c.scopes[stream], c.m.scopes[c.keys[stream]] = s, s
	}
	s.file(vec, e, c.a.limit())
	c.m.pooled.file(vec, e, c.a.limit())
}

// cut returns the bursts of one example in order of time. With halves set the
// second half of the example is another fold.
func (c *corpus) cut(e bursts.Streamed, fold int16, halves bool) []sample {
	var out []sample
	var segs []bursts.Segment
	var v []int32
	var key []byte
	for _, s := range e.Streams {
		stream := c.numberOf(s.Key)
		segs = bursts.Segments(segs[:0], e.Trace, s.Packets, c.m.gap)
		out = slices.Grow(out, len(segs))
		var events [pairModes][]int32
		for mode := range events {
			events[mode] = bursts.Pairer{Within: c.m.pair, Nearest: mode == pairNearest}.Pair(e.Labeled, s, segs)
		}

		for i, sg := range segs {
			packets := s.Packets[sg.Lo:sg.Hi]
			b := sample{
				start: e.Trace.Packets[packets[0]].Time, end: e.Trace.Packets[packets[len(packets)-1]].Time,
				stream: stream, vec: -1, fold: fold,
			}
			if halves && b.start > e.Trace.End/2 {
				b.fold = 1
			}

			// Both ways of pairing are kept: which one serves is tuned later, and
			// cutting is the slow part.
			for mode := range events {
				b.class[mode] = c.m.classOf(e.Labels, events[mode][i])
			}
			if c.a.usable(len(packets)) && len(packets) <= c.a.maxBurst {
				if v = c.a.vector(v[:0], e.Trace, packets); len(v) > 0 {
					b.vec, key = c.m.vs.id(v, key)
				}
			}
			out = append(out, b)
		}
	}
	slices.SortStableFunc(out, func(a, b sample) int { return cmp.Compare(a.start, b.start) })
	return out
}

// classOf is the class of event i under l, Other for -1 and for a class that
// was not asked for.
func (m *knnModel) classOf(l datasets.Labels, i int32) int16 {
	if i >= 0 {
		if c, ok := slices.BinarySearch(m.classes, l.Class(l.Events[i])); ok {
			return int16(c)
		}
	}
	c, _ := slices.BinarySearch(m.classes, datasets.Other)
	return int16(c)
}

// trial is a number of neighbors, a way of pairing, and whether a stream has a
// single detection at a time.
type trial struct {
	k, mode int
	single  bool
}

// trials lists what tuning compares, in order of preference. Neighbors are
// judged once for both values of single, which stand side by side.
func (a knnOptions) trials() []trial {
	var out []trial
	for mode := range pairModes {
		for _, k := range a.ks() {
			out = append(out, trial{k, mode, false}, trial{k, mode, true})
		}
	}
	return out
}

// tune sets the model's k, mode and threshold to what scores best (F1 over
// events, tolerance match.Tolerance) on bursts asked without their own fold,
// and returns that score. What is in *room is written over.
func (c *corpus) tune(ctx context.Context, ex []bursts.Streamed, room *[][][]attacks.Burst) (float64, error) {
	trials := c.a.trials()
	truth := make([][]match.Span, len(ex))
	if *room == nil {
		*room = make([][][]attacks.Burst, len(trials))
	}
	found := *room // by trial and example
	for i := range found {
		found[i] = slices.Grow(found[i][:0], len(ex))[:len(ex)]
		for j := range found[i] {
			found[i][j] = found[i][j][:0]
		}
	}

	// Where the budget ends within an example, events after that time were not
	// looked for and must not count as missed.
	for i := range ex {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		until := c.ask(i, trials, found, max(c.a.questions/len(ex), 100))
		for _, e := range match.Truth(ex[i].Labels) {
			if e.From <= until {
				truth[i] = append(truth[i], e)
			}
		}
	}

	best := bursts.Choice[trial]{Score: -1}
	truths := bursts.NewTruths(truth)
	for i, tr := range trials {
		if s, th := truths.BestThreshold(found[i]); best.Offer(tr, s) {
			c.m.threshold = th
		}
	}
	c.m.k, c.m.mode, c.m.single = best.Value.k, best.Value.mode, best.Value.single
	return best.Score, nil
}

// ask judges the bursts of example i for every trial, merged into detections,
// and returns the time up to which it did.
func (c *corpus) ask(i int, trials []trial, found [][][]attacks.Burst, budget int) time.Duration {
	type question struct {
		scope *scope
		vec   int32
		fold  int16
	}
	known := map[question][]bursts.Verdict{}
	until := time.Duration(math.MaxInt64)
	streams := make([][]int32, len(trials)) // of each burst found
	var near []neighbor
	for _, b := range c.samples[i] {
		if b.vec < 0 {
			continue
		}

		// A stream that only this fold knows would be new in test: then it is the
		// pooled model that answers, and so it does here.
		q := question{c.scopes[b.stream], b.vec, b.fold}
		if q.scope == nil || !q.scope.seenOutside(b.fold) { // nil: none of its bursts was kept
			q.scope = c.m.pooled
		}

		// Equal bursts get equal answers, so only different ones use the budget.
		vs, ok := known[q]
		if !ok {
			if budget--; budget < 0 {
				until = b.start
				break
			}
			v := c.m.vs.at(b.vec)
			near = q.scope.nearest(v, c.a.limit(), b.fold, near)
			vs = c.verdicts(near, trials, len(v))
			known[q] = vs
		}
		for j, v := range vs {
			if v.Detected() {
				found[j][i] = append(found[j][i], attacks.Burst{Start: b.start, End: b.end, Ranked: v.Ranked, Score: v.Score})
				if trials[j].single { // nobody else asks for streams
					streams[j] = append(streams[j], b.stream)
				}
			}
		}
	}

	for j, tr := range trials {
		if tr.single {
			found[j][i] = bursts.Strongest(found[j][i], streams[j], c.m.pair)
		}
		found[j][i] = bursts.MergeBursts(found[j][i], c.m.pair)
	}
	return until
}

// verdicts judges one list of neighbors for every trial.
func (c *corpus) verdicts(near []neighbor, trials []trial, packets int) []bursts.Verdict {
	out := make([]bursts.Verdict, len(trials))
	m := *c.m
	for j, tr := range trials {
		if tr.single {
			out[j] = out[j-1]
			continue
		}
		m.k, m.mode = tr.k, tr.mode
		out[j] = c.verdict(&m, near, packets)
	}
	return out
}

// verdict is what m judges. Mostly all neighbors are of one class, which takes no
// tally and no ranks of its own.
func (c *corpus) verdict(m *knnModel, near []neighbor, packets int) bursts.Verdict {
	near = near[:min(m.k, len(near))]
	dist := int64(0)
	for _, n := range near {
		if n.class[m.mode] != near[0].class[m.mode] {
			return m.judge(near, packets)
		}
		dist += n.dist
	}
	if len(near) == 0 {
		return m.judge(near, packets)
	}

	v := bursts.Verdict{Ranked: c.sole[near[0].class[m.mode]]}
	if v.Detected() {
		v.Score = 1 / m.apart(dist, len(near), packets)
	}
	return v
}

// guessEvents names every burst of every stream.
func (m *knnModel) guessEvents(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	var out []attacks.Burst
	var streams []bursts.StreamKey
	known := map[*scope]map[string]bursts.Verdict{}
	var segs []bursts.Segment
	var v []int32
	var key []byte
	var near []neighbor
	for _, s := range bursts.Streams(t) {
		if err := ctx.Err(); err != nil {
			return attacks.Answer{}, err
		}
		sc := m.scopes[s.Key]
		if sc == nil {
			sc = m.pooled
		}
		if known[sc] == nil {
			known[sc] = map[string]bursts.Verdict{}
		}

		segs = bursts.Segments(segs[:0], t, s.Packets, m.gap)
		for _, sg := range segs {
			packets := s.Packets[sg.Lo:sg.Hi]
			b := attacks.Burst{Start: t.Packets[packets[0]].Time, End: t.Packets[packets[len(packets)-1]].Time, Ranked: bursts.UnknownRank()}
			if !m.options.usable(len(packets)) {
				// The article looks at no burst of this length, so its accuracy does not
				// count it either: one that is merely unlike all others would be wrong.
				b.LeftOut = true
			} else if len(packets) <= m.options.maxBurst {
				v = m.options.vector(v[:0], t, packets)

				// Most bursts of a home are heartbeats and equal to an earlier one:
				// their verdict is remembered for as long as this question takes,
				// since the model itself must not change.
				key = vectorKey(key[:0], v)
				a, ok := known[sc][string(key)]
				if !ok {
					near = m.askScope(sc, v, near)
					a = m.judge(near, len(v))
					known[sc][string(key)] = a
				}
				b.Ranked, b.Score = a.Ranked, a.Score
				b.Alert = a.Detected() && a.Score >= m.threshold && m.isPrivate(a.Ranked[0].Class)
			}
			out = append(out, b)
			streams = append(streams, s.Key)
		}
	}

	if m.single {
		out = bursts.Strongest(out, streams, m.pair)
	}
	return attacks.Answer{Events: bursts.MergeBursts(out, m.pair), Threshold: m.threshold}, ctx.Err()
}
