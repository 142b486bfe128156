package eventforest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"veilbench/attacks"
	"veilbench/attacks/bursts"
	"veilbench/attacks/features"
	"veilbench/attacks/forest"
	"veilbench/attacks/match"
	"veilbench/datasets"
	"veilbench/datasets/params"
)

const (
	// forestBursts is how many bursts a gap may cut the training set into to
	// be worth a try.
	forestBursts = 300000
	// forestOthers bounds the bursts without an event that a forest is grown
	// on, forestEvents those with one; they are taken evenly. Forests that
	// validation compares are grown on a quarter of that.
	forestOthers, forestEvents = 6000, 12000
	// tuneFolds is how many folds validation makes.
	tuneFolds = 2
	// forestKeys is how many streams a forest knows by name.
	forestKeys = 64
)

// eventForestModel judges bursts: every stream is cut where it pauses for gap or
// longer, a forest says what each burst is, and bursts of one event are merged.
type eventForestModel struct {
	classes   []string // sorted, with Other
	set       features.Set
	gap, pair time.Duration // closes a burst; from a burst to its event
	nearest   bool          // an event labels the nearest burst of a stream only
	single    bool          // one detection at a time in a stream
	threshold float64
	forests   streamForests
}

// streamForests is a forest that knows streams and one that does not. A nil
// forest has nothing to say.
type streamForests struct {
	keys   map[bursts.StreamKey]int // column behind the features
	named  *forest.Forest
	pooled *forest.Forest
}

// trainEvents chooses gap, pairing and feature set by what scores best in
// validation, then grows both forests on the bursts of all examples.
func (a Attack) trainEvents(ctx context.Context, seed uint64, t attacks.Training) (attacks.Model, error) {
	ex := make([]bursts.Streamed, len(t.Examples))
	for i, e := range t.Examples {
		ex[i] = bursts.Streamed{Labeled: e, Streams: bursts.Streams(e.Trace)}
	}
	fold, n := bursts.Folds(t, tuneFolds)
	if n < 2 {
		for i := range fold {
			fold[i] = i % tuneFolds
		}
	}
	m := &eventForestModel{classes: append(slices.Clone(t.Classes), datasets.Other), pair: params.Seconds(a.PairS), gap: time.Second, nearest: true}
	slices.Sort(m.classes)
	gaps := bursts.TuneGaps[:]
	if a.GapS > 0 {
		gaps = []float64{a.GapS}
	}

	// The gap is chosen with the first feature set, then the pairing and the set
	// with that gap: trying all that go together would train many more forests.
	sets := a.sets()
	m.set = sets[0]
	best, rows := *m, []burstRow(nil)
	score := -1.0
	try := func(set features.Set, gap time.Duration, nearest bool) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		c := *m
		c.set, c.gap, c.nearest = set, gap, nearest
		r := c.cutBursts(ex, fold, len(gaps) == 1)
		s, err := c.tuneThreshold(ctx, ex, r, seed)
		if err == nil && s > score {
			best, rows, score = c, r, s
		}
		return err
	}
	for _, g := range gaps {
		if err := try(sets[0], params.Seconds(g), true); err != nil {
			return nil, err
		}
	}

	// In a window longer than the tolerance, such as a minute of a log, the burst
	// nearest to its start may be a heartbeat that came before the event's own.
	if slices.ContainsFunc(ex, lasting) {
		if err := try(sets[0], best.gap, false); err != nil {
			return nil, err
		}
	}
	for _, set := range sets[1:] {
		if err := try(set, best.gap, best.nearest); err != nil {
			return nil, err
		}
	}

	var err error
	picked := pickRows(rows, -1, m.otherClass(), [2]int{forestOthers, forestEvents})
	best.forests, err = m.growForests(ctx, picked, nil, forest.Options{Trees: a.Trees, Seed: seed})
	return &best, err
}

// lasting says whether an event of e lasts longer than the tolerance.
func lasting(e bursts.Streamed) bool {
	return slices.ContainsFunc(e.Labels.Events, func(ev datasets.Event) bool { return ev.End-ev.Start > match.Tolerance })
}

// cutBursts cuts the examples into bursts and extracts their features, in order
// of time within each example. It gives up, returning none, when there are more
// than forestBursts, unless told that it must go on.
func (m *eventForestModel) cutBursts(ex []bursts.Streamed, fold []int, must bool) []burstRow {
	other := m.otherClass()
	var out []burstRow
	var segs []bursts.Segment
	for i, e := range ex {
		from := len(out)
		for _, s := range e.Streams {
			segs = bursts.Segments(segs[:0], e.Trace, s.Packets, m.gap)
			if len(out)+len(segs) > forestBursts && !must {
				return nil
			}
			for j, ev := range (bursts.Pairer{Within: m.pair, Nearest: m.nearest}).Pair(e.Labeled, s, segs) {
				r := m.newRow(e.Trace, s, segs[j])
				r.example, r.fold, r.class = i, fold[i], other
				if ev >= 0 {
					if c, ok := slices.BinarySearch(m.classes, e.Labels.Class(e.Labels.Events[ev])); ok {
						r.class = int32(c)
					}
				}

				// A single recording has no groups to hold out: its second half
				// is the other fold.
				if len(ex) == 1 && r.start > e.Trace.End/2 {
					r.fold = 1
				}
				out = append(out, r)
			}
		}
		slices.SortStableFunc(out[from:], func(a, b burstRow) int { return cmp.Compare(a.start, b.start) })
	}
	return out
}

// newRow is one burst with its features, of no class yet.
func (m *eventForestModel) newRow(t datasets.Trace, s bursts.Stream, sg bursts.Segment) burstRow {
	packets := s.Packets[sg.Lo:sg.Hi]
	return burstRow{
		start: t.Packets[packets[0]].Time, end: t.Packets[packets[len(packets)-1]].Time, key: s.Key,
		features: m.set.Extract(make([]float32, 0, m.set.Width), t, packets[:min(len(packets), features.MaxPackets)]),
	}
}

// otherClass is the number of the class Other.
func (m *eventForestModel) otherClass() int32 {
	c, _ := slices.BinarySearch(m.classes, datasets.Other)
	return int32(c)
}

// growForests grows both forests on the rows given. The one that knows streams is
// left out when no two folds share a stream; the other one when no row of ask
// would need it (nil: always grown).
func (m *eventForestModel) growForests(ctx context.Context, rows, ask []*burstRow, o forest.Options) (streamForests, error) {
	var f streamForests
	if len(rows) == 0 {
		return f, ctx.Err()
	}
	f.keys = sharedKeys(rows)
	width := len(rows[0].features)
	grow := func(extra int, vector func(r *burstRow) []float32) (*forest.Forest, error) {
		table := newFeatureTable(width+extra, len(rows))
		for _, r := range rows {
			table.add(vector(r), r.class)
		}
		return forest.Train(ctx, table.columns, table.class, len(m.classes), o)
	}

	// In validation the rows to judge are given: if all are of known streams, the
	// other forest would judge nothing.
	stranger := ask == nil
	for _, r := range ask {
		_, known := f.keys[r.key]
		stranger = stranger || !known
	}
	var err error
	if stranger {
		if f.pooled, err = grow(0, func(r *burstRow) []float32 { return r.features }); err != nil {
			return f, err
		}
	}
	if len(f.keys) > 0 {
		f.named, err = grow(len(f.keys), f.withKey)
	}
	return f, err
}

// withKey is the features of r with a 1 in the column of its stream.
func (f *streamForests) withKey(r *burstRow) []float32 {
	v := append(slices.Clone(r.features), make([]float32, len(f.keys))...)
	if k, ok := f.keys[r.key]; ok {
		v[len(r.features)+k] = 1
	}
	return v
}

// sharedKeys numbers the streams with most bursts, if any stream occurs in more
// than one fold; else knowing streams says nothing about new homes.
func sharedKeys(rows []*burstRow) map[bursts.StreamKey]int {
	count := map[bursts.StreamKey]int{}
	first := map[bursts.StreamKey]int{} // fold of a stream's first burst
	var order []bursts.StreamKey
	shared := false
	for _, r := range rows {
		if count[r.key] == 0 {
			order = append(order, r.key)
			first[r.key] = r.fold
		}
		count[r.key]++
		shared = shared || first[r.key] != r.fold
	}
	if !shared || len(order) < 2 {
		return nil
	}

	// Stable, from the order of appearance: that of a map would differ from run
	// to run, and with it the columns and the forest.
	slices.SortStableFunc(order, func(a, b bursts.StreamKey) int { return cmp.Compare(count[b], count[a]) })
	keys := map[bursts.StreamKey]int{}
	for i, k := range order[:min(forestKeys, len(order))] {
		keys[k] = i
	}
	return keys
}

// pickRows returns rows not of fold skip: evenly thinned where there are more
// than most, without and with an event.
func pickRows(rows []burstRow, skip int, other int32, most [2]int) []*burstRow {
	kind := func(r *burstRow) int {
		if r.class == other {
			return 0
		}
		return 1
	}
	var n, seen [2]int
	for i := range rows {
		if rows[i].fold != skip {
			n[kind(&rows[i])]++
		}
	}

	var out []*burstRow
	for i := range rows {
		r := &rows[i]
		if r.fold == skip {
			continue
		}
		k := kind(r)
		// Row number s of n is taken when s*take/n passes a whole number.
		if take := min(most[k], n[k]); (seen[k]+1)*take/n[k] > seen[k]*take/n[k] {
			out = append(out, r)
		}
		seen[k]++
	}
	return out
}

// judge returns a verdict on every row, from the forest that knows its stream
// or else from the other.
func (f *streamForests) judge(ctx context.Context, m *eventForestModel, rows []*burstRow) ([]bursts.Verdict, error) {
	out := make([]bursts.Verdict, len(rows))
	var known, strange []int
	for i, r := range rows {
		out[i].Ranked = bursts.UnknownRank()
		if _, ok := f.keys[r.key]; ok {
			known = append(known, i)
		} else {
			strange = append(strange, i)
		}
	}
	if err := m.judgeBy(ctx, f.named, rows, known, f.withKey, out); err != nil {
		return nil, err
	}
	return out, m.judgeBy(ctx, f.pooled, rows, strange, func(r *burstRow) []float32 { return r.features }, out)
}

// judgeBy writes the verdicts on the rows at the places given to the same places
// of out; a nil forest leaves them as they are.
func (m *eventForestModel) judgeBy(ctx context.Context, forest *forest.Forest, rows []*burstRow, at []int, vector func(*burstRow) []float32, out []bursts.Verdict) error {
	if forest == nil || len(at) == 0 {
		return ctx.Err()
	}
	table := newFeatureTable(forest.Features(), len(at))
	for _, i := range at {
		table.add(vector(rows[i]), 0)
	}
	p, err := forest.PredictAll(ctx, table.columns, 0)
	if err != nil {
		return err
	}
	for j, i := range at {
		out[i] = m.verdictOf(p[j*len(m.classes) : (j+1)*len(m.classes)])
	}
	return nil
}

// forestDoubt is the lowest sum of event probabilities that is a detection at
// any threshold.
const forestDoubt = 0.2

// verdictOf makes an event of a burst when the classes of events have at least
// forestDoubt together; their sum is the score, and Other is then left out of
// the ranks.
func (m *eventForestModel) verdictOf(p []float32) bursts.Verdict {
	other := m.otherClass()
	v := bursts.Verdict{Score: max(0, float64(1-p[other]))}
	if v.Score < forestDoubt {
		v.Ranked = []attacks.Ranked{{Class: datasets.Other, P: float64(p[other])}}
		return v
	}
	for _, r := range rankClasses(m.classes, p) {
		if r.Class != datasets.Other && len(v.Ranked) < 5 {
			v.Ranked = append(v.Ranked, r)
		}
	}
	return v
}

// tuneThreshold sets what is left (one detection at a time, threshold) to what
// scores best on bursts of folds that small forests were not grown on, and
// returns the score; -1 without rows.
func (m *eventForestModel) tuneThreshold(ctx context.Context, ex []bursts.Streamed, rows []burstRow, seed uint64) (float64, error) {
	if len(rows) == 0 {
		return -1, nil
	}

	// By single and example: detections of all streams, and those left when a
	// stream may have only one at a time.
	found := [2][][]attacks.Burst{make([][]attacks.Burst, len(ex)), make([][]attacks.Burst, len(ex))}
	streams := make([][]bursts.StreamKey, len(ex))
	for f := range tuneFolds {
		var held []*burstRow
		for i := range rows {
			if rows[i].fold == f {
				held = append(held, &rows[i])
			}
		}
		if len(held) == 0 {
			continue
		}
		picked := pickRows(rows, f, m.otherClass(), [2]int{forestOthers / 4, forestEvents / 4})
		forests, err := m.growForests(ctx, picked, held, forest.Options{Trees: tuneTrees, Seed: seed})
		if err != nil {
			return 0, err
		}
		vs, err := forests.judge(ctx, m, held)
		if err != nil {
			return 0, err
		}
		for i, v := range vs {
			if r := held[i]; v.Detected() {
				b := attacks.Burst{Start: r.start, End: r.end, Ranked: v.Ranked, Score: v.Score}
				found[0][r.example] = append(found[0][r.example], b)
				streams[r.example] = append(streams[r.example], r.key)
			}
		}
	}

	// Bursts are merged as Guess merges them, so that the threshold is chosen on
	// what it will be used on. strongest works in place, and found[0] is needed.
	truth := make([][]match.Span, len(ex))
	best := -1.0
	for i, e := range ex {
		truth[i] = match.Truth(e.Labels)
		found[1][i] = bursts.MergeBursts(bursts.Strongest(slices.Clone(found[0][i]), streams[i], m.pair), m.pair)
		found[0][i] = bursts.MergeBursts(found[0][i], m.pair)
	}
	for single, bs := range found {
		if s, th := bursts.BestThreshold(truth, bs); s > best {
			best, m.threshold, m.single = s, th, single == 1
		}
	}
	return best, nil
}

// forestBatch is how many bursts have their features in memory at once.
const forestBatch = 20000

// Guess names every burst of every stream: the Answer lists them in order of
// time, those that belong together as one, and the threshold that training chose.
func (m *eventForestModel) Guess(ctx context.Context, t datasets.Trace) (attacks.Answer, error) {
	var out []attacks.Burst
	var streams []bursts.StreamKey
	var batch []*burstRow
	flush := func() error {
		vs, err := m.forests.judge(ctx, m, batch)
		if err != nil {
			return err
		}
		for i, r := range batch {
			out = append(out, attacks.Burst{Start: r.start, End: r.end, Ranked: vs[i].Ranked, Score: vs[i].Score})
			streams = append(streams, r.key)
		}
		batch = batch[:0]
		return nil
	}

	// Rows in batches: one by one is slower, and all at once are as many as the
	// trace is long.
	var segs []bursts.Segment
	for _, s := range bursts.Streams(t) {
		segs = bursts.Segments(segs[:0], t, s.Packets, m.gap)
		for _, sg := range segs {
			if len(batch) == forestBatch {
				if err := flush(); err != nil {
					return attacks.Answer{}, err
				}
			}
			r := m.newRow(t, s, sg)
			batch = append(batch, &r)
		}
	}
	if err := flush(); err != nil {
		return attacks.Answer{}, err
	}

	if m.single {
		out = bursts.Strongest(out, streams, m.pair)
	}
	return attacks.Answer{Events: bursts.MergeBursts(out, m.pair), Threshold: m.threshold}, nil
}
